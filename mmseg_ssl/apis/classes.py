"""Names and colors of the classes of a config."""

from typing import Any, Dict, Iterator, List

from mmengine.config import Config
from mmseg.registry import DATASETS

LOADERS = ('test_dataloader', 'val_dataloader', 'train_dataloader')
WRAPPED = ('labeled', 'dataset', 'datasets')
"""Keys of a dataset's config that hold the datasets it is made of."""


def dataset_meta(cfg: Config) -> Dict[str, List[Any]]:
    """Return classes and palette of a config's data: its ``metainfo`` on top of its dataset class's.

    The host's rules apply: a subset of the class's names takes their colors, and names without colors get random ones.
    No data are read.

    Args:
        cfg: The config of a training, or one with a ``test_dataloader``.

    Returns:
        ``classes`` and ``palette`` (red, green, blue in 0..255) as lists of one length; ``{}`` if no dataset names its
        classes.
    """
    for key in LOADERS:
        for dataset in _datasets((cfg.get(key) or {}).get('dataset') or {}):
            found = _meta_of(dataset)
            if found.get('classes'):
                return plain_meta(found)
    return {}


def plain_meta(meta: Dict[str, Any]) -> Dict[str, List[Any]]:
    """Return classes and palette as lists of text and of whole numbers, which any reader of checkpoints takes.

    Args:
        meta: Metainfo of a dataset.
    """
    given = {name: meta.get(name) for name in ('classes', 'palette')}
    return {name: [_plain(value) for value in values] for name, values in given.items() if values is not None}


def _datasets(config: Any) -> Iterator[Any]:
    """Yield the configs of datasets inside of wrappers, the first one first."""
    inner = next((config[key] for key in WRAPPED if config.get(key)), None)
    if inner is None:
        yield config
        return
    for one in inner if isinstance(inner, (list, tuple)) else [inner]:
        yield from _datasets(one)


def _meta_of(config: Any) -> Dict[str, Any]:
    """Return the metainfo that a dataset would have, without its files."""
    kind = DATASETS.get(config['type']) if isinstance(config.get('type'), str) else config.get('type')
    if kind is None or not hasattr(kind, 'METAINFO'):
        return {}
    given = dict(config.get('metainfo') or {})
    try:  # the host matches names and colors as it is built
        empty = dict(type=kind, metainfo=given, data_root='', lazy_init=True, test_mode=True, pipeline=[])
        return dict(DATASETS.build(empty).metainfo)
    except TypeError:  # a class of the user with arguments of its own
        return dict(kind.METAINFO, palette=[], **given)


def _plain(value: Any) -> Any:
    """Return a name, or a color as a list of ints."""
    return value if isinstance(value, str) else [int(part) for part in value]
