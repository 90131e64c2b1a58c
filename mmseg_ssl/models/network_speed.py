"""Networks that run as compiled code, or remember less for the backward pass; both compute the same numbers."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, ContextManager, Dict, List, Tuple

import torch
from mmseg.models.segmentors import EncoderDecoder
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from ..errors import NetworkError


def compile_networks(model: nn.Module, **options: Any) -> int:
    """Compile the backbone and the neck of every network of a method, the teacher's too, when they are first called.

    Decode heads stay as they are, because their embedding is taken by a hook, and so does ``loss()``: compiling a whole
    ``train_step``, as mmengine does, did not start within minutes. Names in checkpoints do not change.

    Args:
        model: A method, or a plain segmentor.
        **options: As for ``torch.compile``.

    Returns:
        Number of compiled modules.

    Raises:
        NetworkError: This torch cannot compile modules in place, activations are checkpointed, or views of a call are
            normalized separately, which the compiled code would not see.
    """
    if not hasattr(nn.Module, 'compile'):
        raise NetworkError(f'compile needs torch 2.2 or later, found {torch.__version__}. Leave it out.')
    parts = [part for network in _segmentors(model) for part in _encoder(network)]
    if any(isinstance(module, _Checkpointed) for part in parts for module in part.modules()):
        raise NetworkError('compile and activation_checkpointing exclude each other: leave one of them out.')
    statistics = getattr(model, 'batch_statistics', 'merged')
    if statistics != 'merged':
        raise NetworkError(
            f"batch_statistics='{statistics}' changes BatchNorm from call to call, which compiled networks do not see. "
            "Leave compile out, or set model.batch_statistics='merged'."
        )
    for part in parts:
        part.compile(**options)
    return len(parts)


def checkpoint_activations(model: nn.Module) -> int:
    """Compute the blocks of every backbone again in the backward pass instead of remembering their insides.

    Losses and gradients are the same to the bit, dropout included. Unlike mmengine's ``activation_checkpointing`` and
    ``with_cp`` of the host's backbones, the second pass leaves the running statistics of BatchNorm alone.

    Args:
        model: A method, or a plain segmentor.

    Returns:
        Number of checkpointed blocks.

    Raises:
        NetworkError: The networks are compiled.
    """
    count = 0
    for network in _segmentors(model):
        if getattr(network.backbone, '_compiled_call_impl', None) is not None:
            raise NetworkError('activation_checkpointing and compile exclude each other: leave one of them out.')
        for block in _blocks(network.backbone):
            if not isinstance(block, _Checkpointed):
                kind = type(block)
                block.__class__ = _CHECKPOINTED.setdefault(kind, type(kind.__name__, (_Checkpointed, kind), {}))
                count += 1
    return count


def blocks_of(model: nn.Module) -> List[nn.Module]:
    """List the blocks of the backbones of every network, a frozen teacher's left out."""
    return [
        block for module in model.modules() if isinstance(module, EncoderDecoder) for block in _blocks(module.backbone)
    ]


def _segmentors(model: nn.Module) -> List[EncoderDecoder]:
    hidden = [own for module in model.modules() for own in getattr(module, 'hidden_modules', ())]  # frozen teachers
    return [module for own in (model, *hidden) for module in own.modules() if isinstance(module, EncoderDecoder)]


def _encoder(network: EncoderDecoder) -> List[nn.Module]:
    return [network.backbone, network.neck] if network.with_neck else [network.backbone]


def _blocks(backbone: nn.Module) -> List[nn.Module]:
    """List the blocks of a backbone's stages; a backbone without stages is one block."""
    stages = [child for child in backbone.children() if isinstance(child, (nn.Sequential, nn.ModuleList))]
    blocks = [block for stage in stages for block in stage.children() if next(block.children(), None) is not None]
    return blocks or [backbone]


class _Checkpointed(nn.Module):
    """Mixin of a block's class: the block of a copied network is its own, as it would not be with another forward."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        if not torch.is_grad_enabled():
            return super().forward(*args, **kwargs)
        # the contexts are made before the first pass, as its views are normalized, see separate_views
        contexts = partial(_contexts, self)
        return checkpoint(super().forward, *args, use_reentrant=False, context_fn=contexts, **kwargs)


_CHECKPOINTED: Dict[type, type] = {}


def _contexts(block: nn.Module) -> Tuple[ContextManager, ContextManager]:
    return nullcontext(), _SecondPass([module for module in block.modules() if isinstance(module, _BatchNorm)])


class _SecondPass(AbstractContextManager):
    """Normalizes as the first pass did, and leaves running statistics alone."""

    def __init__(self, norms: List[Any]) -> None:
        self.norms = norms
        names = ('view_sizes', 'views_kept')
        self.views = [{name: vars(norm)[name] for name in names if name in vars(norm)} for norm in norms]

    def __enter__(self) -> None:
        self.before = [(vars(norm).copy(), norm.num_batches_tracked) for norm in self.norms]
        for norm, views in zip(self.norms, self.views):
            vars(norm).update(views, momentum=0.0)
            norm.num_batches_tracked = None  # nothing to count in

    def __exit__(self, *_: Any) -> None:
        for norm, (settings, count) in zip(self.norms, self.before):
            vars(norm).update(settings)
            norm.num_batches_tracked = count
