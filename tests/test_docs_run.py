"""The commands of the documentation run, in the order of its pages, on drawn data and for two iterations."""

import re
import shlex
import shutil

import cv2
import numpy as np
import pytest
from readme_checkout import make_checkout, run
from test_docs_commands import PAGES, shell_lines
from toy_process import ROOT

SHAPES = 'configs/supervised/supervised_unet_shapes_8.py'
PLACEHOLDERS = {
    '<config> <checkpoint> <folder>': f'{SHAPES} work_dirs/supervised_unet_shapes_8/iter_2.pth exported',
    '<checkpoint>': 'work_dirs/supervised_unet_shapes_8/iter_2.pth',
    '<masks> <out>': 'data/camvid/ann_dir/train data/strokes',
    'iter_<n>': 'iter_2',
    '--images photos --masks masks': '--images data/shapes/img_dir/val --masks data/shapes/ann_dir/val',
}
TWO_ITERATIONS = ['--cfg-options', 'train_cfg.max_iters=2']
ADDED = {
    'tools/train.py': TWO_ITERATIONS,
    'tools/test.py': TWO_ITERATIONS,
    'tools/export_segmentor.py': ['--fixed-size'],  # the U-Net's upsampling is traced as constants
    'tools/benchmark_step.py': ['--methods', 'supervised', '--crop', '96', '--batch', '2+2', '--iters', '1'],
    'tools/communication.py': ['--methods', 'supervised', '--network', 'tiny', '--crop', '32'],
    'tools/results.py': ['--readme', 'configs/README.md'],  # the copy's, not the project's
}
LONG = {
    'tools/run_benchmark.py': lambda words: '--list' not in words,
    'tools/reproduce.py': lambda words: {'--run', '--run-dir'} & set(words),
    'tools/test.py': lambda words: '--unlabeled' in words,
    'tools/gpu_checks.py': lambda words: True,
    'tools/serve.py': lambda words: True,
}
"""Which commands are more than a test: hundreds of trainings, scores of ELN's networks, what wants a GPU or Ctrl-C."""


PLAIN_TABLES = [
    line.partition('#')[0].strip()
    for line in (ROOT / 'docs/papers.md').read_text().splitlines()
    if re.fullmatch(r'python tools/reproduce.py \w+ [\w-]+', line)
]
"""One command per table of the papers, of which the first one is run."""


def commands():
    """Commands of Python tools by page; those of launchers need their GPUs, and are parsed by test_docs_commands.py."""
    for page in PAGES:
        for line in shell_lines(page.read_text()):
            for name, value in PLACEHOLDERS.items():
                line = line.replace(name, value)
            words = shlex.split(line, comments=True)
            tool = words[1] if words[:1] == ['python'] else ''
            shown = ' '.join(words) in PLAIN_TABLES[1:]
            if tool.startswith('tools/') and not shown and not (tool in LONG and LONG[tool](words)):
                yield page.stem, words[1:]


def draw_masks(folder):
    """Masks of two classes out of CamVid's 11 where the pages have CamVid's."""
    folder.mkdir(parents=True)
    for number in range(2):
        mask = np.full((60, 80), number, np.uint8)
        mask[10:40, 20:60] = 5
        cv2.imwrite(str(folder / f'{number}.png'), mask)


def draw_scribbles(folder):
    """A mask in the form of ScribbleSup's."""
    folder.mkdir(parents=True)
    mask = np.full((60, 80), 255, np.uint8)
    mask[30:33, 10:70] = 5
    cv2.imwrite(str(folder / '2007_000001.png'), mask)


def copy_photos(root):
    """The drawn photos in one folder, with masks of some."""
    for kind, folder, parts in (('img', 'photos', ('val', 'train')), ('ann', 'some_masks', ('val',))):
        (root / folder).mkdir()
        for path in (path for part in parts for path in (root / f'data/shapes/{kind}_dir/{part}').iterdir()):
            shutil.copy(path, root / folder / f'{path.parent.name}_{path.name}')


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_commands_of_the_pages_run(tmp_path):
    root, ran = make_checkout(tmp_path), set()
    draw_masks(root / 'data/camvid/ann_dir/train')
    draw_scribbles(root / 'data/VOCdevkit/VOC2012/pascal_2012_scribble')
    found = sorted(commands(), key=lambda command: command[0] != 'index')  # the first page's trainings come first
    for page, words in sorted(found, key=lambda command: 'export' in command[1][0]):
        if 'some_masks' in words:
            copy_photos(root)  # which the first trainings have drawn
        output = run(root, *words, *ADDED.get(words[0], []))
        assert not re.search('Traceback', output), words
        ran.add(f'{page} {words[0][6:-3]}')
    assert ran >= {
        'index train',
        'own_data check_dataset',
        'own_data new',
        'own_data make_scribbles',
        'scribbles make_scribbles',
        'scribbles shorten_scribbles',
        'reproducibility train',
        'reproducibility test',
        'reproducibility results',
        'benchmarks run_benchmark',
        'checkpoints export_segmentor',
        'checkpoints publish_model',
        'own_data predict',
        'own_data report',
        'first_project new',
        'first_project suggest',
        'first_project train',
        'labeling suggest',
        'labeling train',
    }
    assert len(list((root / 'data/camvid_scribbles/length-1').glob('*.png'))) == 2
    assert len(list((root / 'data/VOCdevkit/VOC2012').glob('pascal_2012_scribble_length-*/2007_000001.png'))) == 4
    assert (root / 'exported').is_dir()
