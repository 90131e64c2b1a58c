"""Vision transformers of Hugging Face as backbones: DINOv2, DINOv3, SigLIP2."""

import re
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple, Union

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...errors import NetworkError
from ...utils.project_files import PROJECT

NORMS = ('layernorm', 'norm', 'post_layernorm')
"""Names of the last norm in DINOv2, DINOv3 and SigLIP."""
WEIGHTS = 'data/weights'


@MODELS.register_module()
class HuggingFaceBackbone(BaseModule):
    """A vision transformer of the library ``transformers`` (``pip install mmseg_ssl[hf]``).

    DINOv2 (with and without registers), DINOv3 and SigLIP, which the SigLIP2 checkpoints of one resolution are, too.
    Positions are interpolated to the size of the image. Only safetensors are read, and no code of a model is run.

    Args:
        model: A folder with ``config.json``, as ``save_pretrained`` or ``hf download`` write it, or a name on the hub
            such as ``'facebook/dinov3-vits16-pretrain-lvd1689m'``. Of a name, the folders ``./<name>`` and
            ``data/weights/<last part>``, here and in the project, come first.
        out_indices: Blocks whose outputs are the levels, from 0; blocks after the last one are not built.
        with_cls_token: Return each level as ``[map, class token]``, for DPT's readouts ``'add'`` and ``'project'``.
        final_norm: Pass every level through the model's last norm, as UniMatch V2 does.
        frozen: No weight trains, and the mode is eval; otherwise ``LayerDecayConstructor`` knows the layers.
        pretrained: Read the weights; otherwise they are random, and ``config.json`` alone is read.
        init_cfg: As in mmengine; nothing here needs it.

    Raises:
        ImportError: ``transformers`` is not installed.
        NetworkError: There is no such model, it has other blocks, no class token, or is not a vision transformer.
    """

    def __init__(
        self,
        model: str,
        out_indices: Sequence[int] = (2, 5, 8, 11),
        with_cls_token: bool = False,
        final_norm: bool = True,
        frozen: bool = False,
        pretrained: bool = True,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.out_indices, self.with_cls_token, self.frozen = tuple(out_indices), with_cls_token, frozen
        self.model = load_vision_model(model, max(self.out_indices) + 1, pretrained)
        self.patch_size = int(self.model.config.patch_size)
        self.num_layers = int(self.model.config.num_hidden_layers)
        norms = [getattr(self.model, name) for name in NORMS if hasattr(self.model, name)]
        if final_norm and not norms:
            raise NetworkError(f'{type(self.model).__name__} has none of the norms {NORMS}: set final_norm=False.')
        self.norm = norms[0] if final_norm else None
        for unused in [*_not_used(self.model), *([] if final_norm else norms)]:
            unused.requires_grad_(False)  # or a distributed step would wait for their gradients
        if frozen:
            self.requires_grad_(False)
        self.train()

    def init_weights(self) -> None:
        """Keep the weights that were read; the library drew them otherwise."""

    def train(self, mode: bool = True) -> 'HuggingFaceBackbone':
        """Ignore the mode if frozen."""
        return super().train(mode and not self.frozen)

    def forward(self, images: Tensor) -> Tuple[Union[Tensor, List[Tensor]], ...]:
        """Encode images.

        Args:
            images: ``(B, 3, H, W)``; ``H`` and ``W`` hold whole patches.

        Returns:
            Per index a map ``(B, D, H/p, W/p)``, or a list of it and the class token ``(B, D)``.

        Raises:
            NetworkError: The size is not one of whole patches.
        """
        height, width = images.shape[2:]
        if height % self.patch_size or width % self.patch_size:
            raise NetworkError(
                f'{type(self.model).__name__} has patches of {self.patch_size}, got images of {height}x{width}. Set '
                f'crop_size to multiples of {self.patch_size}, and data_preprocessor=dict(test_cfg=dict('
                f'size_divisor={self.patch_size})).'
            )
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            states = self.model(images, **self._options()).hidden_states
            size = (height // self.patch_size, width // self.patch_size)
            return tuple(self._level(states[index + 1], size) for index in self.out_indices)

    def get_layer_depth(self, param_name: str, prefix: str = '') -> Tuple[int, int]:
        """Return a parameter's layer, 0 for what precedes block 0, and the number of layers, as mmpretrain's do.

        Args:
            param_name: Name of a parameter of the segmentor.
            prefix: Beginning of the backbone's names.
        """
        layers = self.num_layers + 2
        block = re.search(r'\blayers?\.(\d+)\.', param_name) if param_name.startswith(prefix) else None
        if block:
            return int(block[1]) + 1, layers
        return (0 if param_name.startswith(f'{prefix}model.embeddings') else layers - 1), layers

    def _options(self) -> dict:
        options = dict(output_hidden_states=True, return_dict=True)
        if self.model.config.model_type.startswith('siglip'):
            options.update(interpolate_pos_encoding=True)
        return options

    def _level(self, tokens: Tensor, size: Tuple[int, int]) -> Union[Tensor, List[Tensor]]:
        """Return the map of patches, and the first token."""
        tokens = self.norm(tokens) if self.norm is not None else tokens
        patches = tokens[:, tokens.shape[1] - size[0] * size[1] :]  # behind class and register tokens
        level = patches.transpose(1, 2).unflatten(2, size).contiguous()
        if not self.with_cls_token:
            return level
        if patches.shape[1] == tokens.shape[1]:
            raise NetworkError(f'{type(self.model).__name__} has no class token: set with_cls_token=False.')
        return [level, tokens[:, 0]]


def load_vision_model(name: str, blocks: int, pretrained: bool) -> Any:
    """Load the vision part of a model, its first blocks alone.

    Args:
        name: As for :class:`HuggingFaceBackbone`.
        blocks: How many blocks are needed.
        pretrained: Read the weights.

    Raises:
        ImportError: ``transformers`` is not installed.
        NetworkError: As for :class:`HuggingFaceBackbone`.
    """
    try:
        from transformers import AutoConfig, AutoModel, SiglipVisionModel
    except ImportError as error:
        raise ImportError("HuggingFaceBackbone needs transformers: pip install -e '.[hf]'") from error
    place = local_folder(name)
    options = dict(local_files_only=place != name)
    try:
        config = AutoConfig.from_pretrained(place, **options)
        config = getattr(config, 'vision_config', config)
        if config.model_type == 'siglip2_vision_model' or not hasattr(config, 'patch_size'):
            raise NetworkError(
                f'HuggingFaceBackbone: {name} is a {config.model_type}, no vision transformer that takes images of any '
                'size. Of SigLIP2 take a checkpoint of one resolution, such as google/siglip2-base-patch16-224.'
            )
        if blocks > config.num_hidden_layers:
            raise NetworkError(
                f'HuggingFaceBackbone: out_indices name block {blocks - 1}, and {name} has {config.num_hidden_layers}.'
            )
        config.num_hidden_layers = blocks
        kind = SiglipVisionModel if config.model_type == 'siglip_vision_model' else AutoModel
        if pretrained:
            return kind.from_pretrained(place, config=config, dtype=torch.float32, use_safetensors=True, **options)
        return kind.from_config(config) if kind is AutoModel else kind(config)
    except OSError as error:
        folder = f'{WEIGHTS}/{Path(name).name}'
        raise NetworkError(
            f'HuggingFaceBackbone found no model {name}, neither as a folder, nor in {folder}, nor on the hub. Fetch '
            f'it where there is a network: hf download {name} --local-dir {folder} ({error})'
        ) from error


def local_folder(name: str) -> str:
    """Return the folder of a model if there is one, else its name."""
    below = Path(WEIGHTS) / Path(name).name
    places = [Path(name).expanduser(), below, PROJECT / below]
    return next((str(place) for place in places if (place / 'config.json').is_file()), name)


def _not_used(model: nn.Module) -> List[Any]:
    """List what makes no feature: the mask token of the pre-training, the head that pools."""
    unused = [parameter for name, parameter in model.named_parameters() if name.endswith('mask_token')]
    return unused + [module for name, module in model.named_children() if name in ('head', 'pooler')]
