"""The README's instructions run: its config on drawn data, its command lines and its Python, in their order."""

import re
import shlex
from pathlib import Path

import cv2
import pytest
from readme_checkout import TEXT, blocks, make_checkout, run
from toy_process import ROOT


@pytest.fixture(scope='module')
def checkout(tmp_path_factory):
    return make_checkout(tmp_path_factory.mktemp('checkout'))


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
    assert set(ran) == {'check_dataset', 'check_dataset_fix', 'train', 'test', 'predict', 'export_segmentor'}
    assert re.search(r'8 labeled.*, 30 unlabeled, val \d+', ran['train'])
    assert 'IoU.object' in ran['test']
    code = next(block for block in blocks('python') if 'load(' in block)
    code = code.replace('iter_4000', 'iter_2').replace('photo.jpg', 'data/mine/val/img/val_0.jpg')
    assert '(96, 128)' in run(checkout, '-c', f'{code}\nprint(mask.shape)')


@pytest.mark.slow
def test_the_head_with_one_channel_trains(checkout):
    page = (ROOT / 'docs/own_data.md').read_text()
    head = re.search(r'`decode_head=(dict\(num_classes=2, out_channels=1.*\))`', page).group(1)
    config = (checkout / 'my_config.py').read_text().replace('dict(num_classes=2)', head)
    assert 'out_channels=1' in config
    (checkout / 'one_channel.py').write_text(config)
    assert re.search('Validation at .* object', run(checkout, 'tools/train.py', 'one_channel.py'))


@pytest.mark.slow
def test_the_recipe_for_a_cpu_trains(checkout):
    page = (ROOT / 'docs/own_data.md').read_text()
    base = re.search(r"`(_base_ = 'mmseg_ssl::\S+_msrc21_20.py')`", page).group(1)
    config = re.sub(r'^_base_ = \S+', base, (checkout / 'my_config.py').read_text()).replace('batch_size=8, ', '')
    (checkout / 'recipe.py').write_text(config.replace("model['data_preprocessor']", 'unused'))
    assert re.search('Validation at .* object', run(checkout, 'tools/train.py', 'recipe.py'))


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
    """Mean mIoU on test, and what it is above supervised training, as ``tools/results.py`` wrote them."""
    table = {}
    text = (ROOT / 'configs/README.md').read_text()
    start = text.index('<!-- comparison:begin plan=configs/benchmarks/msrc21.toml')
    for line in text[start : text.index('<!-- comparison:end', start)].splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if line.startswith('| msrc21/20') and len(cells) == 8:
            table[re.sub(r' \(\w+\)', '', cells[1])] = cells[4], cells[6].partition(':')[0]
    rows = re.findall(r'^\| ([\w ,-]+?) \| (\d\d\.\d\d) \| (.*?) \|$', TEXT, re.MULTILINE)
    assert len(rows) == 7
    for method, *scores in rows:
        assert tuple(scores) == table[method], method
