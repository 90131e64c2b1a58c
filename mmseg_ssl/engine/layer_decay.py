"""Smaller learning rates for earlier layers of each network's backbone."""

from typing import Any, Dict, List, Tuple

from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.utils.dl_utils.parrots_wrapper import _BatchNorm, _InstanceNorm
from mmseg.engine.optimizers import layer_decay_optimizer_constructor as host
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from ..errors import NetworkError
from ..models.branch import Branch

NORMS = (_BatchNorm, _InstanceNorm, nn.GroupNorm, nn.LayerNorm)
BACKBONE = '.segmentor.backbone.'


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class LayerDecayConstructor(DefaultOptimWrapperConstructor):
    r"""The host's layer decay for a method: layer :math:`l` of :math:`n` trains at :math:`d^{\,n-1-l}` of the rate.

    It takes the place of mmseg's ``LayerDecayOptimizerConstructor`` and ``LearningRateDecayOptimizerConstructor`` and
    of mmpretrain's ``LearningRateDecayOptimWrapperConstructor``, with the same ``paramwise_cfg`` and layers; they look
    for ``backbone`` at the top of the model, where a method has networks. Whatever is in no backbone (decode
    heads, side heads, a localizer) trains at the whole rate. Parameters of one rate and decay share a group.

    With ``num_layers``, layers are mmseg's (of ConvNeXt, BEiT and MAE), and vectors are not decayed. Without it, they
    are what the backbone's ``get_layer_depth(name, prefix)`` says, which mmpretrain's backbones and
    ``HuggingFaceBackbone`` have.

    Args:
        optim_wrapper_cfg: Config of the wrapper and its optimizer.
        paramwise_cfg: ``decay_rate`` or ``layer_decay_rate`` (:math:`d`); ``num_layers`` and ``decay_type`` of
            mmseg; ``norm_decay_mult``, ``bias_decay_mult``, ``flat_decay_mult`` (of vectors) and ``custom_keys``, a
            dict of ``dict(lr_mult=..., decay_mult=...)`` by a part of the name, of mmpretrain.

    Raises:
        NetworkError: It is not known which layers a backbone has.
    """

    def add_params(self, params: List[dict], module: nn.Module, **kwargs: Any) -> None:
        """Add a group per rate and decay of the model's trained parameters to ``params``."""
        backbones = {
            f'{name}{BACKBONE}': part.segmentor.backbone
            for name, part in module.named_modules()
            if isinstance(part, Branch)
        }
        groups: Dict[Tuple[float, float], dict] = {}
        for owner_name, owner in module.named_modules():
            for own_name, parameter in owner.named_parameters(recurse=False):
                if not parameter.requires_grad:
                    continue  # frozen: a teacher's, or of a frozen backbone
                name = f'{owner_name}.{own_name}' if owner_name else own_name
                scale = self._rate(name, backbones)
                lr_mult, decay = self._own_settings(name, owner, parameter.ndim)
                key = scale * lr_mult, decay
                group = groups.setdefault(
                    key, dict(params=[], param_names=[], lr=self.base_lr * key[0], lr_scale=key[0], weight_decay=decay)
                )
                group['params'].append(parameter)
                group['param_names'].append(name)
        params.extend(groups.values())

    def _rate(self, name: str, backbones: Dict[str, nn.Module]) -> float:
        """Return the factor of a parameter's learning rate."""
        place = next((prefix for prefix in backbones if name.startswith(prefix)), None)
        if place is None:
            return 1.0
        layer, layers = self._layer('backbone.' + name[len(place) :], backbones[place])
        rate = self.paramwise_cfg.get('decay_rate', self.paramwise_cfg.get('layer_decay_rate', 1.0))
        return float(rate ** (layers - 1 - layer))

    def _layer(self, name: str, backbone: Any) -> Tuple[int, int]:
        """Return the layer of a backbone's parameter, and the number of layers with stem and head."""
        kind = type(backbone).__name__
        if 'num_layers' not in self.paramwise_cfg:
            if hasattr(backbone, 'get_layer_depth'):
                return backbone.get_layer_depth(name, 'backbone.')
            raise NetworkError(
                f'LayerDecayConstructor knows no layers of {kind}: it has no get_layer_depth(name, prefix), as '
                "mmpretrain's backbones have. Give it one, or, for mmseg's ConvNeXt, BEiT and MAE, set num_layers in "
                'paramwise_cfg.'
            )
        layers = self.paramwise_cfg['num_layers'] + 2
        by_stage = self.paramwise_cfg.get('decay_type', 'layer_wise') == 'stage_wise'
        if 'ConvNeXt' in kind and by_stage:
            return host.get_stage_id_for_convnext(name, layers), layers
        if 'ConvNeXt' in kind:
            return host.get_layer_id_for_convnext(name, layers - 2), layers
        if ('BEiT' in kind or 'MAE' in kind) and not by_stage:
            return host.get_layer_id_for_vit(name, layers), layers
        raise NetworkError(
            f"LayerDecayConstructor with num_layers has mmseg's layers, of ConvNeXt, BEiT and MAE, not of {kind}"
            f'{" by stage" if by_stage else ""}. Drop num_layers if the backbone has get_layer_depth(name, prefix).'
        )

    def _own_settings(self, name: str, owner: nn.Module, ndim: int) -> Tuple[float, float]:
        """Return the factor of the learning rate and the weight decay that a parameter's name and kind give it."""
        cfg, decay = self.paramwise_cfg, self.base_wd or 0.0
        by_name = cfg.get('custom_keys', {})
        for key in sorted(sorted(by_name), key=len, reverse=True):  # as mmengine: the longest part decides
            if key in name:
                return by_name[key].get('lr_mult', 1.0), decay * by_name[key].get('decay_mult', 1.0)
        vectors = 0.0 if 'num_layers' in cfg else None
        if isinstance(owner, NORMS) and cfg.get('norm_decay_mult') is not None:
            return 1.0, decay * cfg['norm_decay_mult']
        if name.endswith('.bias') and cfg.get('bias_decay_mult', vectors) is not None:
            return 1.0, decay * cfg.get('bias_decay_mult', vectors)
        if ndim == 1 and cfg.get('flat_decay_mult', vectors) is not None:
            return 1.0, decay * cfg.get('flat_decay_mult', vectors)
        return 1.0, decay
