"""tools/test.py: evaluates what tools/train.py trained, with any of its networks."""

import copy
import json
import re
import shutil

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from toy_process import log_text, output, run_tool, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.errors import DatasetError
from mmseg_ssl.tooling.cli import UserError


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A config with test settings and two networks, and the last checkpoint of a run of it, which stops early."""
    folder = tmp_path_factory.mktemp('trained')
    config = toy_config(draw_images(folder / 'data'), val_evaluator=dict(type='SemiIoUMetric', iou_metrics=['mIoU']))
    config['model']['predict_on'] = ('student', 'teacher')
    config['default_hooks']['checkpoint']['save_best'] = 'mIoU'
    config['custom_hooks'].append(dict(type='EarlyStoppingHook', monitor='mIoU', min_delta=200, patience=1))
    config['train_cfg']['max_iters'] = 9
    config.update({f'test_{key}': config[f'val_{key}'] for key in ('dataloader', 'evaluator')})
    config['test_cfg'] = dict(type='TestLoop')
    path = write_config(folder / 'config.py', config)
    assert train(path, folder / 'run') == 0, output(folder / 'run')
    return path, folder / 'run' / 'iter_6.pth', log_text(folder / 'run')


def miou(text):
    return text.split('mIoU: ')[-1].split()[0]


def test_scores_what_training_scored(trained, tmp_path):
    config, checkpoint, log = trained
    assert run_tool('test', [config, checkpoint, '--work-dir', tmp_path / 'test', '--out', tmp_path / 'masks']) == 0
    assert miou(output(tmp_path / 'test')) == miou(log)
    assert len(list((tmp_path / 'masks').glob('*/*.png'))) == 4  # two networks


def test_the_config_of_the_training_stays(trained, tmp_path):
    """Later tools read it: another network, checkpoint or wrapper of a test is not the run's."""
    config, checkpoint, _ = trained
    run = shutil.copytree(checkpoint.parent, tmp_path / 'run')
    before = (run / 'config.py').read_text()
    assert run_tool('test', [config, run / checkpoint.name, '--work-dir', run, '--predict-on', 'teacher']) == 0
    assert (run / 'config.py').read_text() == before
    newest = max(run.glob('*/vis_data/config.py'), key=lambda path: path.stat().st_mtime)
    assert "predict_on='teacher'" in newest.read_text() and "predict_on='teacher'" not in before


def test_val_is_scored_in_the_same_process(trained, tmp_path):
    """Both images of val, with the scores of the training, in the log; of the test set one alone, in the file."""
    config, checkpoint, trained_log = trained
    line = [config, checkpoint, '--work-dir', tmp_path / 'test', '--val', '--predict-on', 'student', 'teacher']
    line += ['--cfg-options', 'test_dataloader.dataset.indices=1']
    assert run_tool('test', line) == 0, output(tmp_path / 'test')
    (log,) = tmp_path.glob('test/*/vis_data/scalars.json')
    (file,) = (path for path in tmp_path.glob('test/*/*.json') if path.stem == path.parent.name)
    found = dict(val=json.loads(log.read_text()), test=json.loads(file.read_text()))
    scores = [found[name]['teacher/mIoU'] for name in ('val', 'test')]
    assert scores[0] == pytest.approx(float(miou(trained_log))) != scores[1]  # OneDL's are float32
    (by_class,) = (json.loads(path.read_text()) for path in tmp_path.glob('test/*/classes.json'))
    assert set(by_class) == {'val', 'test'}
    for name, own in by_class.items():
        assert set(own) == {'student', 'teacher'}
        for network, scores in own.items():
            ious = {label: found[name][f'{network}/IoU.{label}'] for label in scores}
            assert {label: one['IoU'] for label, one in scores.items()} == {
                label: round(iou, 2) if iou >= 0 else None for label, iou in ious.items()
            }


def test_further_scores_are_beside_the_rest(trained, tmp_path, tool):
    """In the file of the test, and in the log; not a second time if the config has the metric."""
    config, checkpoint, _ = trained
    line = [config, checkpoint, '--work-dir', tmp_path / 'test', '--uncertainty', '--known-classes']
    assert run_tool('test', line) == 0
    (file,) = (path for path in tmp_path.glob('test/*/*.json') if path.stem == path.parent.name)
    scores = json.loads(file.read_text())
    uncertainty = {'confidence/AUROC', 'entropy/E-AURC', 'energy/risk@0.8', 'kept@0.9/F1'}
    assert {'mIoU', 'mKnownIoU', *uncertainty} <= set(scores)
    assert 'Wrong pixels told from right ones' in output(tmp_path / 'test')
    cfg = Config(dict(test_dataloader=dict(a=1), test_evaluator=dict(type='SemiIoUMetric')))
    for _ in range(2):
        tool.add_metric(cfg, 'UncertaintyMetric')
    assert [metric.type for metric in cfg.test_evaluator] == ['SemiIoUMetric', 'UncertaintyMetric']


def test_the_plain_name_of_a_metric_is_the_first_networks(trained):
    """``save_best='mIoU'`` and early stopping, whose second validation of three, after 6 iterations, is no better."""
    files = sorted(path.name for path in trained[1].parent.glob('*.pth'))
    assert any(name.startswith('best_mIoU_iter_') for name in files) and 'iter_8.pth' not in files
    assert 'the monitored metric did not improve' in trained[2]


def test_the_console_has_one_table_of_classes(trained, tmp_path):
    """The host's is in the log file, and so are its environment and config."""
    config, checkpoint, _ = trained
    assert run_tool('test', [config, checkpoint, '--work-dir', tmp_path / 'test', '--predict-on', 'student']) == 0
    text, (log,) = output(tmp_path / 'test'), (tmp_path / 'test').glob('*/*.log')
    assert 'per class results' not in text and 'System environment' not in text
    assert 'per class results' in log.read_text() and 'System environment' in log.read_text()
    table = text[text.index('test, in %') :]
    assert re.search(r'class +pixels +IoU +accuracy +precision', table)
    assert all(re.search(rf'^ *{name} +[\d.]+', table, re.MULTILINE) for name in ('ground', 'wall', 'sky'))
    assert re.search(rf'^ *mean +{float(miou(text)):.2f}', table, re.MULTILINE)


def test_predict_on_chooses_the_network(trained, tmp_path):
    config, checkpoint, _ = trained
    line = [config, checkpoint, '--work-dir', tmp_path / 'test', '--predict-on', 'teacher']
    assert run_tool('test', line) == 0, output(tmp_path / 'test')
    (log,) = (tmp_path / 'test').glob('*/*.log')
    assert "predict_on='teacher'" in log.read_text()
    assert run_tool('test', [*line[:-1], 'peer']) == 2
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
    hook = dict(type='SegVisualizationHook')
    cfg = Config(dict(default_hooks=dict(visualization=hook), visualizer=dict(), model=dict(type='M')))
    tool.enable_drawing(cfg, args)
    expected = dict(type='SemiVisualizationHook', draw=True, show=True, wait_time=2, interval=1)
    assert cfg.default_hooks.visualization == expected
    assert cfg.visualizer.save_dir == 'd'
    with pytest.raises(UserError, match='SegVisualizationHook'):
        tool.enable_drawing(Config(dict()), args)


def test_tta_wraps_the_model(tool):
    """The host's wrapper merges one network: it is replaced. Without views, they are made from the test pipeline."""
    test = dict(dataset=dict(type='RepeatDataset', dataset=dict(pipeline=[dict(type='LoadImageFromFile')])))
    for given, kind in ((None, 'SemiTTAModel'), ('SegTTAModel', 'SemiTTAModel'), ('Own', 'Own')):
        cfg = Config(dict(model=dict(type='M'), test_dataloader=copy.deepcopy(test)))
        if given:
            cfg.tta_model = dict(type=given)
        tool.enable_tta(cfg)
        assert cfg.model == dict(type=kind, module=dict(type='M'))
        assert cfg.test_dataloader.dataset.dataset.pipeline[-1].type == 'TestTimeAug'
    cfg = Config(dict(model=dict(type='M'), test_dataloader=copy.deepcopy(test), tta_pipeline=[dict(type='T')]))
    tool.enable_tta(cfg)
    assert cfg.test_dataloader.dataset.dataset.pipeline == [dict(type='T')]
    with pytest.raises(UserError, match='neither tta_pipeline nor'):
        tool.enable_tta(Config(dict(model=dict(type='M'), test_dataloader=dict(dataset=dict(type='D')))))


@pytest.fixture
def in_folders(trained, tmp_path):
    """Options that test on three images in folders, two of one name."""
    data = trained[0].parent / 'data'
    for name in ('a/0', 'b/0', 'b/c/1'):
        for kind in ('img', 'ann'):
            (tmp_path / kind / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(data / kind / f'{15 + (name == "b/0")}.png', tmp_path / kind / f'{name}.png')
    prefix = 'test_dataloader.dataset'
    options = [f'{prefix}.data_prefix.img_path={tmp_path}/img', f'{prefix}.data_prefix.seg_map_path={tmp_path}/ann']
    return ['--cfg-options', f'{prefix}.ann_file=', *options]


def test_pictures_and_masks_of_all_images_of_every_network(trained, in_folders, tmp_path):
    config, checkpoint, _ = trained
    line = [config, checkpoint, '--work-dir', tmp_path / 'test', '--predict-on', 'teacher', 'student', '--tta']
    line += ['--show-dir', tmp_path / 'show', '--out', tmp_path / 'masks', *in_folders]
    line += ['default_hooks.visualization.type=SegVisualizationHook']
    assert run_tool('test', line) == 0, output(tmp_path / 'test')
    names = ['a/0', 'b/0', 'b/c/1']
    pictures = sorted((tmp_path / 'show').rglob('*.png'))
    parents = [path.relative_to(next((tmp_path / 'show').rglob('vis_image'))) for path in pictures]
    assert [str(path) for path in parents] == ['a/test_0.png_0.png', 'b/c/test_1.png_0.png', 'b/test_0.png_0.png']
    for network in ('student', 'teacher'):
        found = sorted((tmp_path / 'masks' / network).rglob('*.png'))
        assert [str(path.relative_to(tmp_path / 'masks' / network))[:-4] for path in found] == names
    (file,) = (path for path in tmp_path.glob('test/*/*.json') if path.stem == path.parent.name)
    scores = json.loads(file.read_text())
    assert scores['mIoU'] == scores['teacher/mIoU'] and 'student/mIoU' in scores


MASK_FAULTS = {
    'value': (lambda path: cv2.imwrite(str(path), np.full((24, 24), 77, np.uint8)), 'label id 77'),
    'deep': (lambda path: cv2.imwrite(str(path), np.full((24, 24), 256, np.uint16)), 'label id 256'),
    'colors': (lambda path: cv2.imwrite(str(path), np.zeros((24, 24, 3))), 'the mask has 3 channels.*--fix OUT'),
    'size': (lambda path: cv2.imwrite(str(path), np.zeros((8, 24))), 'the mask is 24x8, its image .* is'),
    'cut': (lambda path: path.write_bytes(path.read_bytes()[:60]), r'cannot be decoded \(.*get the file again'),
    'empty': (lambda path: path.write_bytes(b''), 'cannot be decoded: the file is empty. .*get the file again'),
    'missing': (lambda path: path.unlink(), r'missing\. .*get the file again'),
    'suffix': (lambda path: path.rename(path.with_suffix('.tif')), 'missing; the folder holds 1.tif'),
    'folder': (lambda path: path.unlink() or path.mkdir(), 'cannot be opened: Is a directory'),
}


@pytest.mark.parametrize('fault', MASK_FAULTS)
def test_a_mask_that_cannot_be_scored_is_named_first(trained, in_folders, tmp_path, tool, fault):
    """Values without a class counted as wrong predictions, 256 as class 0, and the rest stopped at its image."""
    cfg = Config.fromfile(str(trained[0]))
    cfg.merge_from_dict(dict(word.split('=') for word in in_folders[1:]))
    tool.check_data(cfg, ['test'])
    make, said = MASK_FAULTS[fault]
    make(tmp_path / 'ann/b/c/1.png')
    with pytest.raises(DatasetError, match=rf'1 problem\(s\) with the data:\n.*ann/b/c/1.png: (?s:{said})'):
        tool.check_data(cfg, ['test'])


def test_nothing_is_written_for_a_set_that_cannot_be_scored(trained, in_folders, tmp_path):
    (tmp_path / 'ann/a/0.png').write_bytes(b'')
    before = {path: path.read_bytes() for path in tmp_path.rglob('*.png')}
    line = [*trained[:2], '--work-dir', tmp_path / 'test', '--out', tmp_path / 'masks', *in_folders]
    assert run_tool('test', line) == 2
    assert 'ann/a/0.png: cannot be decoded: the file is empty' in output(tmp_path / 'test')
    assert not (tmp_path / 'test').exists() and not (tmp_path / 'masks').exists()
    assert before == {path: path.read_bytes() for path in tmp_path.rglob('*.png')}


def test_images_that_are_not_scored_are_named(trained, in_folders, tmp_path):
    (tmp_path / 'img/a/0.png').rename(tmp_path / 'img/a/0.jpeg')
    (tmp_path / 'img/.DS_Store').write_bytes(b'')
    assert run_tool('test', [*trained[:2], '--work-dir', tmp_path / 'test', *in_folders]) == 0
    said = output(tmp_path / 'test')
    assert '1 images in' in said and 'such as a/0.jpeg, and are left out. Rename them' in said
    assert 'Loads checkpoint by' not in said and said.count('oad checkpoint from') == 1  # once, by the log


def test_another_networks_checkpoint_is_an_error(trained, tmp_path):
    torch.save({'encoder.conv1.weight': torch.zeros(3, 3)}, tmp_path / 'other.pth')
    where = ['--work-dir', tmp_path / 'test']
    assert run_tool('test', [trained[0], tmp_path / 'other.pth', *where]) == 2
    message = output(tmp_path / 'test').split('error: ')[-1]
    assert 'other.pth lacks' in message and 'encoder.conv1.weight' in message and 'another network' in message
    assert run_tool('train', [trained[0], *where, '--cfg-options', f'load_from={tmp_path}/other.pth']) == 2
    assert 'other.pth has nothing for a backbone' in output(tmp_path / 'test')


def test_a_checkpoint_that_is_not_there(trained, tmp_path):
    assert run_tool('test', [trained[0], 'nowhere.pth', '--work-dir', tmp_path / 'test']) == 2
    assert 'there is no checkpoint nowhere.pth' in output(tmp_path / 'test')


@pytest.mark.parametrize('other', ['--val', '--uncertainty', '--known-classes'])
def test_augmentation_goes_alone(tool, capsys, other):
    """Before a network is built, which would score something else than was asked for."""
    with pytest.raises(SystemExit, match='2'):
        tool.parse_args(['config.py', 'iter_1.pth', '--tta', other])
    assert '--tta goes alone' in capsys.readouterr().err
