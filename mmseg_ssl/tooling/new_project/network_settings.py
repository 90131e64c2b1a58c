"""What the data and the machine say about a network."""

from pathlib import Path
from typing import Any, Dict

from mmengine.config import Config

from ...utils.project_files import CONFIGS
from ...utils.weight_files import find_weights
from ..cli import UserError
from ..matrix import Code
from .labels import Labels
from .recipe import Recipe


def weights_are_here(network: str, project: Path) -> bool:
    """Check if the weights that a network's config names are found from a project's config."""
    config = Config.fromfile(str(CONFIGS / '_base_/networks' / network))
    try:
        find_weights(config, project / 'config.py')
    except UserError:
        return False
    return True


def segmentor_of(recipe: Recipe, labels: Labels, weights_found: bool) -> Dict[str, Any]:
    """Return what the data say about the network.

    Args:
        recipe: The choices.
        labels: The classes.
        weights_found: True if the weights that the network's config names are on this machine.
    """
    head: Dict[str, Any] = dict(num_classes=len(labels.classes))
    if recipe.loss.value:
        head['loss_decode'] = dict(recipe.loss.value, _delete_=True, class_weight=Code('class_weight'))
    backbone: Dict[str, Any] = {}
    if recipe.norm.value == 'GN':
        small = 'unet' in recipe.network.value
        norm = dict(_delete_=True, type='GN', num_groups=8 if small else 16)
        head['norm_cfg'] = norm
        backbone.update(dict(norm_cfg=norm) if small else dict(norm_eval=True))
    if 'mbv2' in recipe.network.value and not weights_found:
        backbone.update(conv_cfg=None, init_cfg=dict(checkpoint='mmcls://mobilenet_v2', prefix='backbone.'))
    return dict(**(dict(backbone=backbone) if backbone else {}), decode_head=head)
