"""Export a trained network as plain mmseg: ``python tools/export_segmentor.py <config> <checkpoint> <folder>``."""

import argparse
import copy
import inspect
import sys
from pathlib import Path
from typing import Any, List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.model import revert_sync_batchnorm  # noqa: E402
from mmengine.runner import CheckpointLoader  # noqa: E402
from mmseg.registry import DATASETS, MODELS  # noqa: E402

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.tooling.cli import UserError, add_debug_option, load_config, readable_errors  # noqa: E402
from mmseg_ssl.utils.weights import load_weights  # noqa: E402

PREPROCESSING = ('mean', 'std', 'bgr_to_rgb', 'rgb_to_bgr', 'pad_val', 'seg_pad_val', 'test_cfg')


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Export a network as a plain mmseg checkpoint and config')
    parser.add_argument('config', help='config file of the method')
    parser.add_argument('checkpoint', help='checkpoint of its training')
    parser.add_argument('out', help='folder for <config name>.py and <config name>.pth')
    parser.add_argument('--network', help="which network, e.g. student or teacher (default: the config's first)")
    parser.add_argument('--allow-missing', action='store_true', help='only warn if the checkpoint lacks weights')
    add_debug_option(parser)
    return parser.parse_args(argv)


def plain_losses(head: Any) -> None:
    """Replace losses of this package with the host's cross entropy; inference does not use them."""
    losses = head.loss_decode if isinstance(head.get('loss_decode'), list) else [head.get('loss_decode') or {}]
    if any(_ours(loss.get('type')) for loss in losses):
        sigmoid = head.get('out_channels') == 1
        head.loss_decode = dict(type='CrossEntropyLoss', use_sigmoid=sigmoid, avg_non_ignore=True)


def plain_config(cfg: Config) -> Config:
    """Make a plain mmseg config of the segmentor, with preprocessing, test data and evaluation.

    Args:
        cfg: Config of the method.

    Returns:
        A config that runs in mmseg without this package.
    """
    segmentor = cfg.model.segmentor
    for key in ('decode_head', 'auxiliary_head'):
        heads = segmentor.get(key) or []
        for head in heads if isinstance(heads, list) else [heads]:
            plain_losses(head)
    segmentor.backbone.pop('init_cfg', None)  # the checkpoint has the weights
    given = {key: cfg.model.data_preprocessor[key] for key in PREPROCESSING if key in cfg.model.data_preprocessor}
    segmentor.data_preprocessor = dict(type='SegDataPreProcessor', **given)
    plain = dict(default_scope='mmseg', model=segmentor)
    loader = cfg.get('test_dataloader')
    if loader:
        kind = DATASETS.get(loader.dataset.type)
        if _ours(loader.dataset.type):
            options = dict(type='BaseSegDataset', metainfo=kind.METAINFO)
            loader.dataset = dict(_suffixes(kind), **loader.dataset) | options
        plain.update(test_dataloader=loader, test_cfg=dict(type='TestLoop'))
        plain.update(test_evaluator=dict(type='IoUMetric', iou_metrics=['mIoU']))
        plain.update(test_pipeline=loader.dataset.pipeline)  # what mmseg's inference_model reads
    return Config(plain)


def main(argv: Optional[List[str]] = None) -> None:
    """Export as the command line says.

    Raises:
        UserError: The checkpoint does not exist or belongs to another network, or the config's model is not a method of
            this package.
    """
    args = parse_args(argv)
    cfg = load_config(args.config)
    if not Path(args.checkpoint).is_file():
        raise UserError(f'there is no checkpoint {args.checkpoint}.')
    if 'segmentor' not in cfg.model:
        raise UserError(f'{args.config} has no model.segmentor: it is a plain mmseg config already.')
    model = revert_sync_batchnorm(MODELS.build(copy.deepcopy(cfg.model)))
    name = args.network or model.predictors[0]
    if name not in model.networks:
        raise UserError(f'--network {name}: the networks of {cfg.model.type} are {model.networks}.')
    model.predict_on = name
    saved = CheckpointLoader.load_checkpoint(args.checkpoint, 'cpu')
    load_weights(model, saved, args.checkpoint, 'predict', args.allow_missing)
    folder, stem = Path(args.out), Path(args.config).stem
    folder.mkdir(parents=True, exist_ok=True)
    plain_config(copy.deepcopy(cfg)).dump(str(folder / f'{stem}.py'))
    meta = dict(dataset_meta=_dataset_meta(cfg))
    torch.save(dict(state_dict=model.branch(name).segmentor.state_dict(), meta=meta), folder / f'{stem}.pth')
    print(f'{name} of {args.checkpoint}: {folder / stem}.py, {folder / stem}.pth')


def _dataset_meta(cfg: Config) -> dict:
    """Return classes and colors, for mmseg's ``init_model`` and its pictures."""
    if 'test_dataloader' not in cfg:
        return {}
    return {key: list(value) for key, value in DATASETS.get(cfg.test_dataloader.dataset.type).METAINFO.items()}


def _suffixes(dataset: type) -> dict:
    """Return the default suffixes of a dataset class."""
    known = inspect.signature(dataset).parameters
    return {key: known[key].default for key in ('img_suffix', 'seg_map_suffix') if key in known}


def _ours(kind: Any) -> bool:
    """Check if a registered type belongs to this package."""
    found = (MODELS.get(kind) or DATASETS.get(kind)) if isinstance(kind, str) else kind
    return getattr(found, '__module__', '').startswith('mmseg_ssl')


if __name__ == '__main__':
    with readable_errors():
        main()
