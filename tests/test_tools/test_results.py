"""tools/results.py reads runs from what they left, and nothing else."""

import importlib.util
import json
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_ssl.utils.cli import UserError

ROOT = Path(__file__).resolve().parents[2]
LOG = '    CUDA available: {cuda}\n{gpu}    PyTorch: 2.13.0+cpu\n  - CPU capability usage: AVX512\n'


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('results_tool', ROOT / 'tools/results.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_run(folder, method, split, metrics, checkpoint='iter_400.pth', time='20260101_000001', gpu='', **options):
    """Leave what a training in ``folder/<run>`` and a test in ``folder/<run>_test`` leave."""
    name = f'{method}_mbv2_camvid_1-16'
    cfg = Config.fromfile(str(ROOT / f'configs/{method}/{name}.py'))
    cfg.merge_from_dict({'train_dataloader.dataset.split': split, 'train_cfg.max_iters': 400, **options})
    run = f'{method}_{Path(split).stem}_{len(options)}'
    cfg.load_from = str(folder / run / checkpoint)
    training, test = folder / run / '20260101_000000', folder / f'{run}_test' / time
    for part in (training, test):
        (part / 'vis_data').mkdir(parents=True, exist_ok=True)
        text = ''.join(f'{key} = {value!r}\n' for key, value in cfg.to_dict().items())
        (part / 'vis_data/config.py').write_text(text)
    (folder / run / f'{name}.py').write_text('')
    (training / 'vis_data/20260101_000000.json').write_text('{"iter": 400}')
    log = LOG.format(cuda=bool(gpu), gpu=f'    GPU 0,1: {gpu}\n' if gpu else '')
    (training / '20260101_000000.log').write_text(log)
    (test / f'{time}.json').write_text(json.dumps(metrics))


def metrics(*networks, **ious):
    """What SemiIoUMetric writes, with 1 for every class that is not given."""
    classes = dict(dict(pole=1.0, sign=1.0, pedestrian=1.0, bicyclist=1.0), **ious)
    return {
        key: value
        for name, miou in networks
        for key, value in [(f'{name}mIoU', miou), *((f'{name}IoU.{label}', iou) for label, iou in classes.items())]
    }


def test_mean_and_sample_deviation_over_draws(tool, tmp_path):
    """38 and 41: mean 39.5, deviation sqrt((1.5^2 + 1.5^2) / 1) = 2.12; one run has no deviation."""
    for draw, miou in enumerate((38.0, 41.0)):
        result = metrics(('conservative/', miou), ('progressive/', miou + 1), pole=draw * 2.0)
        write_run(tmp_path, 'dueb', f'camvid/1-16_draw{draw}.txt', result)
    write_run(tmp_path, 'supervised', 'camvid/1-16_draw0.txt', metrics(('', 30.0), sign=7.0))
    write_run(tmp_path, 'supervised', 'camvid/train.txt', metrics(('', 50.0)), gpu='NVIDIA X')
    text = tool.report(tool.find_runs([tmp_path]))
    lines = text.splitlines()
    row = '39.50 ± 2.12 conservative | 40.50 ± 2.12 progressive | 1.00 ± 1.41 | 1.00 ± 0.00'
    assert any(line.startswith(f'| camvid/1-16 | DUEB | 2 | 400 | {row}') for line in lines)
    assert '| camvid/1-16 | supervised | 1 | 400 | 30.00 | - | 1.00 | 7.00 | 1.00 | 1.00 |' in lines
    assert any(line.startswith('| camvid/1-16 | CPCL | not run |') for line in lines)
    assert not any(line.startswith('| camvid/train | CPCL') for line in lines)
    assert [line.split(' | ')[0] for line in lines if line.startswith('| camvid')][-1] == '| camvid/train'
    assert 'Hardware: CPU (AVX512), PyTorch 2.13.0+cpu; NVIDIA X, PyTorch 2.13.0+cpu.' in text
    assert 'dueb/dueb_mbv2_camvid_1-16.py --cfg-options train_dataloader.dataset.split=camvid/1-16_draw<k>' in text


def test_a_changed_setting_is_another_row(tool, tmp_path):
    write_run(tmp_path, 'dueb', 'camvid/8_draw0.txt', metrics(('', 40.0)))
    changed = {'model.energy': 'release', 'train_dataloader.num_workers': 0}
    write_run(tmp_path, 'dueb', 'camvid/8_draw0.txt', metrics(('', 35.0)), **changed)
    text = tool.report(tool.find_runs([tmp_path]))
    assert '| camvid/8 | DUEB | 1 | 400 | 40.00 |' in text
    assert '| camvid/8 | DUEB `model.energy=release` | 1 | 400 | 35.00 |' in text  # the workers change nothing


def test_the_later_of_two_tests_counts(tool, tmp_path):
    write_run(tmp_path, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 1.0)), time='20260101_000009')
    write_run(tmp_path, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 2.0)), time='20260101_000002')
    assert [run.metrics['mIoU'] for run in tool.find_runs([tmp_path])] == [1.0]


def test_a_moved_run_is_found(tool, tmp_path):
    write_run(tmp_path / 'here', 'cpcl', 'camvid/8_draw0.txt', metrics(('', 1.0)))
    (tmp_path / 'here').rename(tmp_path / 'there')
    assert tool.find_runs([tmp_path / 'there'])[0].hardware == 'CPU (AVX512), PyTorch 2.13.0+cpu'


def test_only_the_last_checkpoint_counts(tool, tmp_path):
    write_run(tmp_path, 'dueb', 'camvid/8_draw0.txt', metrics(('', 1.0)), checkpoint='best_mIoU.pth')
    with pytest.raises(UserError, match='best_mIoU.pth, which is not the last'):
        tool.find_runs([tmp_path])


def test_no_test_says_what_to_do(tool, tmp_path):
    with pytest.raises(UserError, match='run tools/test.py'):
        tool.find_runs([tmp_path])


def test_the_block_is_replaced_and_the_rest_stays(tool, tmp_path):
    readme = tmp_path / 'README.md'
    readme.write_text('before\n<!-- results:begin -->\nold\n<!-- results:end -->\nafter\n')
    for _ in range(2):
        tool.write_block(readme, 'new')
        assert readme.read_text() == 'before\n<!-- results:begin -->\nnew\n<!-- results:end -->\nafter\n'
    readme.write_text('no markers')
    with pytest.raises(UserError, match='needs one line'):
        tool.write_block(readme, 'new')
