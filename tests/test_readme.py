"""The README's instructions run: its config on drawn data, its command lines and its Python, in their order."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from toy_process import ROOT

TEXT = (ROOT / 'README.md').read_text()
# the same config in the size of a test: two iterations, small crops, random weights
SMALLER = {'max_iters=4000': 'max_iters=2'}
SMALL = """
crop = dict(RandomCrop=dict(crop_size=(64, 64)))
for name in ('labeled', 'unlabeled'):
    steps = _base_.labeled_pipeline if name == 'labeled' else _base_.unlabeled_pipeline
    train_dataloader['dataset'][name]['pipeline'] = [dict(s, **crop.get(s['type'], {})) for s in steps]
train_dataloader.update(num_workers=0, persistent_workers=False)
val_dataloader.update(num_workers=0, persistent_workers=False)
model['segmentor']['backbone'] = dict(init_cfg=None)
model['data_preprocessor'] = dict(size=(64, 64))
"""


def blocks(language):
    return re.findall(rf'```{language}\n(.*?)```', TEXT, re.DOTALL)


def draw_folders(root):
    """The folders of the README, with noisy rectangles."""
    rng = np.random.RandomState(0)
    for part, count in (('labeled', 8), ('val', 3), ('unlabeled', 30)):
        images = root / part / ('' if part == 'unlabeled' else 'img')
        for folder in (images, root / part / 'ann')[: 1 if part == 'unlabeled' else 2]:
            folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            top, left = rng.randint(0, 50, 2)
            mask = np.zeros((96, 128), np.uint8)
            mask[top : top + 30, left : left + 40] = 1
            image = mask[..., None] * 120 + rng.randint(0, 100, (96, 128, 3))
            cv2.imwrite(str(images / f'{part}_{number}.jpg'), image.astype(np.uint8))
            if part != 'unlabeled':
                cv2.imwrite(str(root / part / 'ann' / f'{part}_{number}.png'), mask)


@pytest.fixture(scope='module')
def checkout(tmp_path_factory):
    """A folder with this project's configs and tools, the README's data and its config."""
    root = tmp_path_factory.mktemp('checkout')
    for name in ('configs', 'tools'):
        (root / name).symlink_to(ROOT / name)
    draw_folders(root / 'data/mine')
    config = next(block for block in blocks('python') if block.startswith('_base_'))
    for long, short in SMALLER.items():
        assert long in config
        config = config.replace(long, short)
    (root / 'my_config.py').write_text(config + SMALL)
    return root


def run(folder, *words):
    env = dict(os.environ, OMP_NUM_THREADS='1', PYTHONPATH=str(ROOT))
    done = subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout + done.stderr


def commands():
    """Command lines of Python tools, in blocks and in sentences."""
    lines = [line for block in blocks('bash') for line in block.splitlines()]
    lines += re.findall(r'`(python tools/[^`]*)`', TEXT.replace('\n  ', ' '))
    return [line.split('#')[0].strip() for line in lines if line.startswith('python tools/')]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_own_folder_is_checked_trained_tested_and_predicted(checkout):
    """Every command line in the order of the text, then the Python snippet on the checkpoint."""
    ran = {}
    for line in commands():
        words = shlex.split(line.replace('iter_4000', 'iter_2'))[1:]
        ran[Path(words[0]).stem + ('_fix' if '--fix' in words else '')] = run(checkout, *words)
    assert set(ran) == {'check_dataset', 'check_dataset_fix', 'train', 'test', 'export_segmentor'}
    assert re.search(r'8 labeled of 38 \(.*\), 30 unlabeled, 0 shared', ran['train'])
    assert 'IoU.object' in ran['test']
    code = next(block for block in blocks('python') if 'inference_model' in block)
    code = code.replace('iter_4000', 'iter_2').replace('photo.jpg', 'data/mine/val/img/val_0.jpg')
    assert '(96, 128)' in run(checkout, '-c', f'{code}\nprint(mask.shape)')


@pytest.mark.slow
def test_the_head_with_one_channel_trains(checkout):
    head = re.search(r'`decode_head=(dict\(num_classes=2, out_channels=1.*\))`', TEXT).group(1)
    config = (checkout / 'my_config.py').read_text().replace('dict(num_classes=2)', head)
    assert 'out_channels=1' in config
    (checkout / 'one_channel.py').write_text(config)
    assert 'IoU.object' in run(checkout, 'tools/train.py', 'one_channel.py')


def test_what_it_links_to_is_there():
    links = re.findall(r'\]\((?!http)([^)#]+)', TEXT)
    assert len(links) > 10
    assert not [link for link in links if not (ROOT / link).exists()]


def test_its_picture_is_small():
    """It is what ``make demo`` writes to ``work_dirs/demo/demo.png``, copied."""
    (picture,) = re.findall(r'!\[[^\]]+\]\((\S+\.png)\)', TEXT)
    assert cv2.imread(str(ROOT / picture)).std() > 20
    assert (ROOT / picture).stat().st_size < 300_000


def test_it_is_short():
    assert len(TEXT.splitlines()) <= 120
    assert len(next(block for block in blocks('python') if block.startswith('_base_')).splitlines()) <= 12


def test_the_results_are_those_of_the_table():
    """mIoU of draw 0 of the first network, as ``tools/results.py`` wrote it into ``configs/README.md``."""
    table = {}
    for line in (ROOT / 'configs/README.md').read_text().splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if line.startswith('| camvid/') and cells[2] == '0':
            table[cells[1], cells[0]] = cells[4].split()[0]
    rows = re.findall(r'^\| ([\w -]+) \| (\d\d\.\d\d) \| (\d\d\.\d\d) \|$', TEXT, re.MULTILINE)
    assert len(rows) == 6
    for method, few, more in rows:
        assert (few, more) == (table[method, 'camvid/8'], table[method, 'camvid/1-16']), method
