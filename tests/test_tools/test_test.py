"""tools/test.py: evaluates what tools/train.py trained, with any of its networks."""

import pytest
from mmengine.config import Config
from toy_process import output, run_tool, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.utils.cli import UserError


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A config with test settings, and the checkpoint of a run of it."""
    folder = tmp_path_factory.mktemp('trained')
    config = toy_config(draw_images(folder / 'data'))
    config.update({f'test_{key}': config[f'val_{key}'] for key in ('dataloader', 'evaluator')})
    config['test_cfg'] = dict(type='TestLoop')
    path = write_config(folder / 'config.py', config)
    assert train(path, folder / 'run') == 0, output(folder / 'run')
    return path, folder / 'run' / 'iter_6.pth', output(folder / 'run')


def miou(text):
    return text.split('mIoU: ')[-1].split()[0]


def test_scores_what_training_scored(trained, tmp_path):
    config, checkpoint, log = trained
    assert run_tool('test', [config, checkpoint, '--work-dir', tmp_path / 'test', '--out', tmp_path / 'masks']) == 0
    assert miou(output(tmp_path / 'test')) == miou(log)
    assert len(list((tmp_path / 'masks').glob('*.png'))) == 2


def test_predict_on_chooses_the_network(trained, tmp_path):
    config, checkpoint, _ = trained
    line = [config, checkpoint, '--work-dir', tmp_path / 'test', '--predict-on', 'teacher']
    assert run_tool('test', line) == 0, output(tmp_path / 'test')
    assert "predict_on='teacher'" in output(tmp_path / 'test')
    assert run_tool('test', [*line[:-1], 'peer']) == 1
    assert "can predict_on ('student', 'teacher'), got ['peer']" in output(tmp_path / 'test')


def test_takes_every_option_of_mmseg(tool, monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '0')  # put back afterwards
    line = 'c.py a.pth --work-dir w --out o --show --show-dir d --wait-time 1 --tta --launcher slurm --cfg-options a=1'
    args = tool.parse_args(f'{line} --predict-on student teacher'.split())
    assert (args.checkpoint, args.out, args.show, args.show_dir, args.tta) == ('a.pth', 'o', True, 'd', True)
    assert args.predict_on == ['student', 'teacher']


def test_drawing_and_tta_change_the_config(tool, monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '0')
    args = tool.parse_args('c.py a.pth --show --show-dir d'.split())
    cfg = Config(dict(default_hooks=dict(visualization=dict(type='V')), visualizer=dict(), model=dict(type='M')))
    tool.enable_drawing(cfg, args)
    assert cfg.default_hooks.visualization == dict(type='V', draw=True, show=True, wait_time=2)
    assert cfg.visualizer.save_dir == 'd'
    with pytest.raises(UserError, match='tta_pipeline'):
        tool.enable_tta(cfg)
    cfg.update(tta_pipeline=['p'], tta_model=dict(type='T'), test_dataloader=dict(dataset=dict()))
    tool.enable_tta(cfg)
    assert cfg.model == dict(type='T', module=dict(type='M'))
    assert cfg.test_dataloader.dataset.pipeline == ['p']
    with pytest.raises(UserError, match='SegVisualizationHook'):
        tool.enable_drawing(Config(dict()), args)


def test_a_checkpoint_that_is_not_there(trained, tmp_path):
    assert run_tool('test', [trained[0], 'nowhere.pth', '--work-dir', tmp_path / 'test']) == 2
    assert 'there is no checkpoint nowhere.pth' in output(tmp_path / 'test')
