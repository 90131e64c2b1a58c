"""Config of one network of a method as plain mmsegmentation, which runs without this package."""

import inspect
from typing import Any

from mmengine.config import Config
from mmseg.registry import DATASETS, MODELS, TRANSFORMS

from ..apis import dataset_meta
from ..datasets.transforms import at_image_size

PREPROCESSING = ('mean', 'std', 'bgr_to_rgb', 'rgb_to_bgr', 'pad_val', 'seg_pad_val', 'test_cfg')
VISUALIZER = dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')], name='visualizer')
"""Without it mmseg's ``MMSegInferencer`` does not open a config."""


def plain_losses(head: Any) -> None:
    """Replace losses of this package with the host's cross entropy; inference does not use them.

    Args:
        head: Config of a head, changed in place.
    """
    losses = head.loss_decode if isinstance(head.get('loss_decode'), list) else [head.get('loss_decode') or {}]
    if any(_ours(loss.get('type')) for loss in losses):
        sigmoid = head.get('out_channels') == 1
        head.loss_decode = dict(type='CrossEntropyLoss', use_sigmoid=sigmoid, avg_non_ignore=True)


def plain_config(cfg: Config) -> Config:
    """Make a plain mmseg config of the segmentor, with preprocessing, test data and evaluation.

    Args:
        cfg: Config of the method; parts of it are changed.

    Returns:
        A config that runs in mmseg, in its test loop as in ``MMSegInferencer``; without this package, unless a decode
        head or a step of the test pipeline is one of it: then it is imported.
    """
    segmentor, parts = cfg.model.segmentor, []
    for key in ('decode_head', 'auxiliary_head'):
        heads = segmentor.get(key) or []
        for head in heads if isinstance(heads, list) else [heads]:
            plain_losses(head)
            parts.append(head)
    segmentor.backbone.pop('init_cfg', None)  # the checkpoint has the weights
    given = {key: cfg.model.data_preprocessor[key] for key in PREPROCESSING if key in cfg.model.data_preprocessor}
    segmentor.data_preprocessor = dict(type='SegDataPreProcessor', **given)
    plain = dict(default_scope='mmseg', model=segmentor, visualizer=dict(VISUALIZER))
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader')
    if loader:
        kind = DATASETS.get(loader.dataset.type)
        if _ours(loader.dataset.type):
            options = dict(type='BaseSegDataset', metainfo=dataset_meta(cfg))
            loader.dataset = dict(_suffixes(kind), **loader.dataset) | options
        plain.update(test_dataloader=loader, test_cfg=dict(type='TestLoop'))
        plain.update(test_evaluator=dict(type='IoUMetric', iou_metrics=['mIoU']))
        steps = loader.dataset.get('pipeline', [])
        parts += steps
        # what mmseg's inference_model reads, whose predictions have the size of the image
        plain.update(test_pipeline=at_image_size(steps))
    if any(_ours(part.get('type')) for part in parts):
        plain.update(custom_imports=dict(imports=['mmseg_ssl'], allow_failed_imports=False))
    return Config(plain)


def _suffixes(dataset: type) -> dict:
    """Return the default suffixes of a dataset class."""
    known = inspect.signature(dataset).parameters
    return {key: known[key].default for key in ('img_suffix', 'seg_map_suffix') if key in known}


def _ours(kind: Any) -> bool:
    """Check if a registered type belongs to this package."""
    found = (MODELS.get(kind) or DATASETS.get(kind) or TRANSFORMS.get(kind)) if isinstance(kind, str) else kind
    return getattr(found, '__module__', '').startswith('mmseg_ssl')
