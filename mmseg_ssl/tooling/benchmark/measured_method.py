"""Builds a method from its committed config, with a given network and random data."""

from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Sequence

import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmseg.registry import MODELS

from ...utils.nested import nested_dicts
from ...utils.packages import is_installed
from ...utils.project_files import CONFIGS
from ..cli import UserError, load_config
from .random_batch import Setup, random_batch
from .settings import set_config, set_networks

USUAL = (
    'mbv2_camvid-480x360_1-16',
    'mbv2_camvid_1-16',
    'mbv2_camvid-scribble_length-1',
    'mbv2_camvid-scribble-semi_1-16',
)
"""What follows the method in the names of preferred configs; the first has crops closer to 512x512."""
NETWORKS = dict(
    mbv2='_base_/networks/deeplabv3plus_mbv2-d16.py',
    r50='_base_/networks/deeplabv3plus_r50-d16.py',
    r101='_base_/networks/deeplabv3plus_r101-d16.py',
    dinov2s='_base_/networks/dpt_dinov2-s.py',
    tiny='_base_/networks/unet_tiny.py',
)


class MeasuredMethod(NamedTuple):
    """A method that is ready to be measured."""

    name: str
    model: Any
    wrapper: OptimWrapper
    batch: Dict[str, Dict[str, list]]
    ema: bool  # a teacher is updated after every step

    @property
    def batch_size(self) -> int:
        """Return the number of images of a step, labeled and unlabeled."""
        return sum(map(len, self.batch['inputs'].values()))


def find_method_configs(names: Optional[Sequence[str]] = None) -> Dict[str, Path]:
    """Find one config per method: ``configs/<method>/<method>_<one of USUAL>.py``, or the first in the folder.

    The methods of some folders are written with hyphens in the names of their configs.

    Args:
        names: Folders below ``configs/``; by default all of them, the supervised baseline first.

    Raises:
        UserError: A name has no config.
    """
    found: Dict[str, Path] = {}
    for folder in sorted(CONFIGS.iterdir(), key=lambda path: (path.name != 'supervised', path.name)):
        starts = folder.name, folder.name.replace('_', '-')
        leaves = [path for start in starts for path in sorted(folder.glob(f'{start}_*.py'))]
        # sorted: a plain config stands before its variants, which alone some methods have
        usual = (
            leaf for ending in USUAL for leaf in leaves for start in starts if leaf.stem.startswith(f'{start}_{ending}')
        )
        if leaves:
            found[folder.name] = next(usual, leaves[0])
    unknown = sorted(set(names or ()) - set(found))
    if unknown:
        raise UserError(f'--methods {" ".join(unknown)}: the methods are {" ".join(found)}.')
    return {name: found[name] for name in names or found}


def build_measured_method(
    name: str, config: Path, setup: Setup, setting: str = 'fp32', seed: int = 0
) -> MeasuredMethod:
    """Build a method with random weights and a fixed random batch.

    Args:
        name: Name of the method.
        config: Its config, for the method and its options, its preprocessor and its optimizer; network and data are
            replaced.
        setup: Settings of the benchmark.
        setting: How the step is computed, see :mod:`~mmseg_ssl.tooling.benchmark.settings`.
        seed: Seed of weights and data.

    Returns:
        The method on the device.
    """
    cfg = Config.fromfile(str(config))
    torch.manual_seed(seed)
    cfg.model.segmentor = network_config(setup.network, setup.classes)
    cfg.model.data_preprocessor.size = (setup.crop, setup.crop)
    cfg.model.data_preprocessor.pop('size_divisor', None)
    for part in nested_dicts(cfg.model):
        part.pop('init_cfg', None)  # pretrained weights do not change the cost, and may not be on this machine
    set_config(cfg, setting, setup.device)
    model = revert_sync_batchnorm(MODELS.build(cfg.model))
    model.to(setup.device).train()
    ema = hasattr(model, 'teacher') and hasattr(model, 'student')
    if ema:
        model.teacher.start(model.student)
    # a small learning rate, so that training on random data does not diverge
    cfg.optim_wrapper.optimizer.lr = 1e-4
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    set_networks(model, setting)
    dataset = cfg.train_dataloader.dataset
    streams = dataset.get('unlabeled_per_labeled', 1) if dataset.get('unlabeled') else 0
    batch = random_batch(setup, streams, seed, scribbled='LoadScribbles' in str(dataset))
    return MeasuredMethod(name, model, wrapper, batch, ema)


def network_config(network: str, classes: int) -> ConfigDict:
    """Return the config of the segmentor, with plain cross entropy and the given number of classes.

    Raises:
        UserError: There is no such network.
    """
    path = CONFIGS / NETWORKS[network] if network in NETWORKS else Path(network)
    if not path.is_file():
        raise UserError(f'--network {network}: take one of {", ".join(NETWORKS)} or the path of a config.')
    model = load_config(str(path)).get('model')
    if model is None:
        raise UserError(f'--network {network}: the config has no model.')
    segmentor = model.get('segmentor', model)
    if str(segmentor.backbone.type).startswith('mmpretrain.'):
        if not is_installed('mmpretrain'):
            raise UserError(f'--network {network} needs mmpretrain: pip install mmpretrain.')
        import mmpretrain.models  # noqa: F401  (registers its backbones)
    segmentor.pop('data_preprocessor', None)
    for key in ('decode_head', 'auxiliary_head'):
        heads = segmentor.get(key) or []
        for head in heads if isinstance(heads, list) else [heads]:
            head.num_classes = classes
            head.loss_decode = dict(type='CrossEntropyLoss', avg_non_ignore=True)
    return segmentor
