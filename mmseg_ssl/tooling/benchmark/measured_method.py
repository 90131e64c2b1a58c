"""Builds a method from its committed config, with a given network and random data."""

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from ...utils.nested import nested_dicts
from ...utils.project_files import CONFIGS
from ..cli import UserError, load_config

USUAL = ('mbv2_camvid-480x360_1-16', 'mbv2_camvid_1-16')
"""Ends of the names of preferred configs; the first has crops closer to 512x512."""
NETWORKS = dict(
    mbv2='_base_/networks/deeplabv3plus_mbv2-d16.py',
    r50='_base_/networks/deeplabv3plus_r50-d16.py',
    tiny='_base_/networks/unet_tiny.py',
)
BLOCK = 32
"""Side of the squares of one class in the random masks."""


class Setup(NamedTuple):
    """Settings that all methods of a benchmark share."""

    network: str  # mbv2, r50, tiny, or the path of a config
    crop: int  # side of the crops in pixels
    labeled: int  # labeled images per step
    unlabeled: int  # unlabeled images per step and stream; methods with unlabeled_per_labeled=2 take two streams
    classes: int
    device: str
    amp: bool  # float16 on CUDA, bfloat16 on the CPU
    cpu_time: bool = False  # count computing time instead of wall time


class MeasuredMethod(NamedTuple):
    """A method that is ready to be measured."""

    name: str
    model: Any
    wrapper: OptimWrapper
    batch: Dict[str, Dict[str, list]]
    ema: bool  # a teacher is updated after every step


def find_method_configs(names: Optional[Sequence[str]] = None) -> Dict[str, Path]:
    """Find one config per method: ``configs/<method>/<method>_<one of USUAL>.py``, or the first in the folder.

    Args:
        names: Folders below ``configs/``; by default all of them, the supervised baseline first.

    Raises:
        UserError: A name has no config.
    """
    found: Dict[str, Path] = {}
    for folder in sorted(CONFIGS.iterdir(), key=lambda path: (path.name != 'supervised', path.name)):
        leaves = sorted(folder.glob(f'{folder.name}_*.py'))
        usual = (folder / f'{folder.name}_{ending}.py' for ending in USUAL)
        if leaves:
            found[folder.name] = next((path for path in usual if path in leaves), leaves[0])
    unknown = sorted(set(names or ()) - set(found))
    if unknown:
        raise UserError(f'--methods {" ".join(unknown)}: the methods are {" ".join(found)}.')
    return {name: found[name] for name in names or found}


def build_measured_method(name: str, config: Path, setup: Setup, seed: int = 0) -> MeasuredMethod:
    """Build a method with random weights, plain SGD and a fixed random batch.

    Args:
        name: Name of the method.
        config: Its config, for the method and its options; network, data and optimizer are replaced.
        setup: Settings of the benchmark.
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
    model = revert_sync_batchnorm(MODELS.build(cfg.model))
    model.to(setup.device).train()
    ema = hasattr(model, 'teacher') and hasattr(model, 'student')
    if ema:
        model.teacher.start(model.student)
    cuda = torch.device(setup.device).type == 'cuda'
    kind = ('AmpOptimWrapper' if cuda else 'Bf16OptimWrapper') if setup.amp else 'OptimWrapper'
    # a small learning rate, so that training on random data does not diverge
    wrapper = build_optim_wrapper(model, dict(type=kind, optimizer=dict(type='SGD', lr=1e-4, momentum=0.9)))
    dataset = cfg.train_dataloader.dataset
    streams = dataset.get('unlabeled_per_labeled', 1) if dataset.get('unlabeled') else 0
    return MeasuredMethod(name, model, wrapper, random_batch(setup, streams, seed), ema)


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
    segmentor.pop('data_preprocessor', None)
    for key in ('decode_head', 'auxiliary_head'):
        heads = segmentor.get(key) or []
        for head in heads if isinstance(heads, list) else [heads]:
            head.num_classes = classes
            head.loss_decode = dict(type='CrossEntropyLoss', avg_non_ignore=True)
    return segmentor


def random_batch(setup: Setup, streams: int, seed: int = 0) -> Dict[str, Dict[str, list]]:
    """Make a batch as ``semi_collate`` does: noise in colored squares, with masks only on the labeled images.

    Args:
        setup: Settings of the benchmark.
        streams: Unlabeled images per labeled one; 0 for none.
        seed: Seed of images and masks.

    Returns:
        ``inputs`` and ``data_samples`` by view. Unlabeled images carry the random map ``pseudo_sem_seg`` that
        offline pseudo-labels come in, and no ground truth.
    """
    generator = torch.Generator().manual_seed(seed)
    counts = dict(sup=setup.labeled, weak=setup.unlabeled * streams)
    batch: Dict[str, Dict[str, list]] = dict(inputs={}, data_samples={})
    for view, count in counts.items():
        pairs = [_random_image(setup, generator) for _ in range(count)]
        if not pairs:
            continue
        batch['inputs'][view] = [image for image, _ in pairs]
        batch['data_samples'][view] = [_sample(view, index, mask) for index, (_, mask) in enumerate(pairs)]
    return batch


def _random_image(setup: Setup, generator: torch.Generator) -> List[Tensor]:
    """Make an image (3, H, W) and a mask (1, H, W), uint8."""
    side = -(-setup.crop // BLOCK)
    squares = torch.randint(0, setup.classes, (1, side, side), generator=generator)
    mask = squares.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2)[:, : setup.crop, : setup.crop]
    noise = torch.randint(0, 100, (3, *mask.shape[1:]), generator=generator)
    return [(noise + mask * 150 // setup.classes).to(torch.uint8), mask.to(torch.uint8).contiguous()]


def _sample(view: str, index: int, mask: Tensor) -> SegDataSample:
    shape = tuple(mask.shape[1:])
    meta = dict(seed=1000 * (view == 'weak') + index, img_path=f'{view}_{index}.png', img_shape=shape, ori_shape=shape)
    sample = SegDataSample(metainfo=meta)
    if view == 'sup':
        sample.gt_sem_seg = PixelData(data=mask)
    else:  # classes and confidence
        sample.set_data(dict(pseudo_sem_seg=PixelData(data=torch.cat([mask, torch.full_like(mask, 255)]))))
    return sample
