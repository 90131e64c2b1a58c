"""Models whose weights, gradients and optimizer state are divided over the processes (torch's ``fully_shard``)."""

from collections import OrderedDict
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List

import torch
from mmengine.device import get_device
from mmengine.dist import broadcast, get_world_size
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor, nn

from ..errors import UserError
from ..models.network_speed import blocks_of

try:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import DTensor, distribute_tensor

    IS_THERE = True
except ImportError:  # torch before 2.6
    IS_THERE = False


@MODEL_WRAPPERS.register_module()
class FullyShardedModel(nn.Module):
    """Divides a method over the processes: ``model_wrapper_cfg=dict(type='FullyShardedModel')``.

    Each block of every backbone, the student's as the teacher's, is a unit whose weights are gathered when it runs and
    dropped afterwards; all else is one more unit, gathered for the whole step. Gradients are averaged as by
    ``DistributedDataParallel``. The moving average runs on each process's own part. Checkpoints hold whole tensors, as
    those of one process do, and load on any number of processes.

    Weights are initialized here, before they are divided, as those of the first process.

    Args:
        module: The method, on its device.

    Raises:
        UserError: torch is older than 2.6, or a weight has no dimension.
    """

    has_weights = True
    """The host need not initialize and broadcast them: no collective takes a divided tensor."""

    module: Any

    def __init__(self, module: Any) -> None:
        super().__init__()
        if not IS_THERE:
            raise UserError(f'FullyShardedModel needs torch 2.6 or later, found {torch.__version__}.')
        flat = [name for name, weight in module.named_parameters() if not weight.dim()]
        if flat:
            raise UserError(
                f'FullyShardedModel divides rows of weights, and {", ".join(flat)} has none. Leave out the option that '
                "makes it (of ErrorLocalizer: prior='confidence'), or model_wrapper_cfg."
            )
        if hasattr(module, 'init_weights'):
            module.init_weights()
        for value in module.state_dict().values():
            broadcast(value)
        mesh = init_device_mesh(get_device(), (get_world_size(),))
        hidden = [own for part in module.modules() for own in getattr(part, 'hidden_modules', ())]  # frozen teachers
        kind = type(module)
        _divide(module, mesh)
        for own in hidden:  # no backward pass follows their forward pass
            _divide(own.network, mesh, reshard_after_forward=True)
        type(module).__name__, type(module).__doc__ = kind.__name__, kind.__doc__  # torch made a class of its own
        module.register_load_state_dict_pre_hook(_divide_loaded)
        weights: List[Any] = list(module.parameters())
        held, total = (sum(part.numel() for part in parts) for parts in ([w.to_local() for w in weights], weights))
        print_log(f'{held} of {total} weights, teachers included, lie in this process.', 'current')
        self.module = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the method."""
        return self.module(*args, **kwargs)

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> Dict[str, Tensor]:
        """Train one step, as the host's models do; each batch reduces its gradients, which then wait divided."""
        return self.module.train_step(data, optim_wrapper)

    def val_step(self, data: Any) -> list:
        """Predict a batch of a validation."""
        return self._predict('val_step', data)

    def test_step(self, data: Any) -> list:
        """Predict a batch of a test."""
        return self._predict('test_step', data)

    def _predict(self, step: str, data: Any) -> list:
        results = getattr(self.module, step)(data)
        self.module.reshard()  # the outermost unit stays gathered after a forward pass, for a backward one
        return results


def _divide(root: nn.Module, mesh: Any, **options: Any) -> None:
    """Make units of the blocks of a model's backbones, and one of all else."""
    for block in blocks_of(root):
        if next(block.parameters(), None) is not None:
            fully_shard(block, mesh=mesh)
    fully_shard(root, mesh=mesh, **options)


def _divide_loaded(module: nn.Module, state_dict: Dict[str, Any], prefix: str, *_: Any) -> None:
    """Divide whole tensors that are about to be loaded as the weights are."""
    for name, own in module.named_parameters():
        value = state_dict.get(prefix + name)
        if isinstance(own, DTensor) and isinstance(value, Tensor) and not isinstance(value, DTensor):
            if value.shape == own.shape:  # what does not fit is reported by its own message
                state_dict[prefix + name] = divided(value, own)


def divided(value: Tensor, like: Any) -> Any:
    """Take this process's part of a whole tensor, which all processes have read; all of it if the like is whole.

    Args:
        value: The whole tensor.
        like: A weight of its shape, on the device that the part is for.
    """
    value = value.to(like.device)
    if not (IS_THERE and isinstance(like, DTensor)):
        return value
    return distribute_tensor(value, like.device_mesh, like.placements, src_data_rank=None)


def divide_optimizer_state(runner: Any, checkpoint: Dict[str, Any]) -> None:
    """Divide the optimizer's state of a checkpoint as the weights are; nothing to do for other models.

    Args:
        runner: The runner, with its optimizer.
        checkpoint: The loaded checkpoint, changed in place.
    """
    saved = checkpoint.get('optimizer', {})
    if not isinstance(runner.model, FullyShardedModel) or 'state' not in saved:
        return
    groups = runner.optim_wrapper.optimizer.param_groups
    weights: List[Any] = [weight for group in groups for weight in group['params']]
    for number, values in saved['state'].items():
        own = weights[number]
        for key, value in values.items():
            if isinstance(value, Tensor) and value.shape == own.shape and isinstance(own, DTensor):
                values[key] = divided(value, own)


@contextmanager
def whole_state(runner: Any, optimizer: bool = True) -> Iterator[None]:
    """Let the state of a divided model and its optimizer be whole, for a checkpoint; all processes must call this.

    The host saves in the first process alone, where no tensor can be gathered any more. Other models are left alone.

    Args:
        runner: The runner.
        optimizer: The optimizer is saved, too.
    """
    if not isinstance(runner.model, FullyShardedModel):
        yield
        return
    owners: List[Any] = [runner.model.module, *([runner.optim_wrapper] if optimizer else [])]
    owners = [owner for owner in owners if 'state_dict' not in vars(owner)]  # with the best comes the regular one
    wholes = [_gathered(owner.state_dict()) for owner in owners]
    for owner, whole in zip(owners, wholes):
        owner.state_dict = lambda whole=whole: whole
    try:
        yield
    finally:
        for owner in owners:
            del owner.state_dict


def _gathered(state: Any) -> Any:
    """Gather every divided tensor of nested dicts and lists, in one order in all processes."""
    if isinstance(state, dict):
        return OrderedDict((key, _gathered(value)) for key, value in state.items())
    if isinstance(state, (list, tuple)):
        return type(state)(_gathered(value) for value in state)
    return state.full_tensor().cpu() if isinstance(state, DTensor) else state
