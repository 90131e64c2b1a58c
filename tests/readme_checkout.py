"""A folder as the README describes it: a user's own images, config and a checkout; and how its commands are run."""

import os
import re
import shutil
import subprocess
import sys

import cv2
import numpy as np
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


def make_checkout(root):
    """Fill a folder with the project's tools, a copy of its configs (a tool adds records), and the README's data."""
    shutil.copytree(ROOT / 'configs', root / 'configs')
    (root / 'tools').symlink_to(ROOT / 'tools')
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
