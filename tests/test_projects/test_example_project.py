"""The worked example: another project's network trains with DUEB through its config."""

import re

from mmengine.config import Config
from toy_process import ROOT, loss_curve, output, train

PROJECT = ROOT / 'projects' / 'example_project'
CONFIG = PROJECT / 'configs' / 'dueb_tinynet_shapes.py'


def test_it_trains_and_validates(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECT))  # as PYTHONPATH in its README
    data = tmp_path / 'shapes'
    sets = ['train_dataloader.dataset.labeled', 'train_dataloader.dataset.unlabeled', 'val_dataloader.dataset']
    options = [f'{name}.data_root={data}' for name in sets] + [
        'train_cfg.max_iters=2',
        'default_hooks.logger.interval=1',
    ]
    run = tmp_path / 'run'
    assert train(CONFIG, run, '--cfg-options', *options) == 0, output(run)
    curve = loss_curve(run)
    assert sorted(curve) == [1, 2]
    assert {'conservative.unsup.loss_aleatoric', 'progressive.unsup.loss_pseudo'} <= set(curve[1])
    assert 'mIoU' in output(run)
    assert (run / 'iter_2.pth').is_file()


def test_its_config_is_a_few_lines_and_its_network_knows_nothing_of_us(monkeypatch):
    assert len(CONFIG.read_text().splitlines()) <= 20
    for file in (PROJECT / 'tiny_seg').glob('*.py'):
        assert 'import mmseg_ssl' not in file.read_text()
        assert 'from mmseg_ssl' not in file.read_text()
    monkeypatch.syspath_prepend(str(PROJECT))
    assert Config.fromfile(CONFIG).model.segmentor.backbone.type == 'TinyNet'


def test_the_package_imports_no_project():
    for file in (ROOT / 'mmseg_ssl').rglob('*.py'):
        assert not re.search(r'^\s*(import|from) projects', file.read_text(), re.MULTILINE), file
