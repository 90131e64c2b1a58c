"""Run an exported config as someone who has mmsegmentation alone: ``python plain_mmseg.py <config> <weights> <out>``.

A script of its own, for a process that has never seen ``mmseg_ssl`` and cannot import it.
"""

import importlib
import importlib.metadata
import sys
from types import ModuleType


class Refuse:
    """An import hook in front of all others: this package is not installed here."""

    def find_spec(self, name: str, path=None, target=None) -> None:
        if name.split('.')[0] == 'mmseg_ssl':
            raise ImportError(f'{name} is not installed here')


class NoOps(ModuleType):
    """In the place of ``mmcv.ops``: mmseg 1.2.2 imports names from there that only some heads use.

    With full mmcv, which mmseg asks for, this is not needed; on mmcv-lite no mmseg 1.2.2 imports without it, exported
    config or not. The names are there and nothing more.
    """

    def __getattr__(self, name: str) -> type:
        if name.startswith('__'):
            raise AttributeError(name)
        return type(name, (), {})


def main(config: str, weights: str, out: str) -> None:
    """Score the test images, and save the logits of the first one."""
    sys.meta_path.insert(0, Refuse())
    try:
        importlib.import_module('mmcv.ops')
    except ImportError:
        sys.modules['mmcv.ops'] = NoOps('mmcv.ops')
    import mmseg.models  # noqa: F401
    import torch
    from mmengine.config import Config
    from mmengine.runner import Runner
    from mmseg.apis import inference_model, init_model

    cfg = Config.fromfile(config)
    cfg.load_from, cfg.work_dir = weights, f'{out}_work'
    metrics = {key: float(value) for key, value in Runner.from_cfg(cfg).test().items()}
    model = init_model(config, weights, device='cpu')
    logits = [inference_model(model, entry['img_path']).seg_logits.data for entry in dataset_of(cfg)]
    torch.save(dict(metrics=metrics, logits=torch.stack(logits), classes=model.dataset_meta['classes']), out)
    assert not [name for name in sys.modules if name.split('.')[0] == 'mmseg_ssl']


def dataset_of(cfg):
    """The test images, in order."""
    from mmseg.registry import DATASETS

    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    return [dataset.get_data_info(index) for index in range(len(dataset))]


if __name__ == '__main__':
    main(*sys.argv[1:])
