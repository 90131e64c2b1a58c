"""Every kind of bad data is found before training, and the error names the file and the fix."""

import re
import runpy
import shlex
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from mmengine.config import ConfigDict

from mmseg_ssl.datasets import DatasetError, check_semi_dataset, inspect_data
from mmseg_ssl.datasets.checks import set_rules


@pytest.fixture
def check(data, loader_cfg):
    """Run the check on the fixture's data; returns the number of images that it looked at."""

    def run(depth: str = 'sample', val: bool = False, **changes) -> int:
        cfg = dict(train_dataloader=loader_cfg(**changes))
        if val:
            labeled = cfg['train_dataloader']['dataset']['labeled']
            steps = [step for step in labeled['pipeline'] if not step['type'].startswith('Random')]
            cfg['val_dataloader'] = dict(dataset=dict(labeled, pipeline=steps))
            cfg['default_hooks'] = dict(data=dict(allow_overlap=True))
        return check_semi_dataset(ConfigDict(cfg), depth).num_images

    return run


def image(data, name: str):
    return data / f'img_dir/train/{name}.png'


def mask(data, name: str):
    return data / f'ann_dir/train/{name}.png'


def test_good_data_passes(check):
    for depth in ('sample', 'headers', 'pixels'):
        assert check(depth) == 4 + 8
        assert check(depth, val=True) == 4 + 8 + 12


def test_missing_image(data, check):
    """The list names an id that the image folder does not have."""
    image(data, '04').unlink()
    with pytest.raises(DatasetError, match=r"labeled.txt, line 2: '04' names no image of .*train; the nearest"):
        check()


@pytest.mark.parametrize('content', [b'', b'not an image'])
def test_undecodable_image(data, check, content):
    image(data, '04').write_bytes(content)
    with pytest.raises(DatasetError, match=r'img_dir/train/04.png: cannot be decoded(.|\n)*again'):
        check()


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_half_downloaded_image(data, loader_cfg, suffix):
    """OpenCV fills the rest of a cut JPEG with gray and goes on; the check does not."""
    cfg = loader_cfg()
    cfg['dataset']['labeled']['img_suffix'] = suffix
    for name in ('01', '04', '06', '11'):
        cv2.imwrite(str(image(data, name).with_suffix(suffix)), cv2.imread(str(image(data, name))))
    cut = image(data, '04').with_suffix(suffix)
    cut.write_bytes(cut.read_bytes()[:-200])
    with pytest.raises(DatasetError, match=f'1 problem(.|\n)*04{suffix}: cannot be decoded'):
        check_semi_dataset(dict(train_dataloader=cfg))


def test_missing_and_undecodable_mask(data, check):
    mask(data, '04').unlink()
    mask(data, '06').write_bytes(b'not an image')
    with pytest.raises(DatasetError) as error:
        check()
    message = str(error.value)
    assert message.startswith('2 problem(s)')
    assert f'{mask(data, "04")}: missing. Every labeled image needs its mask' in message
    assert f'{mask(data, "06")}: cannot be decoded' in message


def test_mask_of_another_size(data, check):
    cv2.imwrite(str(mask(data, '11')), np.zeros((24, 30), np.uint8))
    expected = r'ann_dir/train/11.png: the mask is 30x24, its image .*/11.png is 32x24. Pair them'
    with pytest.raises(DatasetError, match=expected):
        check()


def test_mask_with_three_channels(data, check):
    cv2.imwrite(str(mask(data, '11')), np.zeros((24, 32, 3), np.uint8))
    with pytest.raises(
        DatasetError, match=r'11.png: the mask has 3 channels, (.|\n)*Convert colors.* CONFIG --fix OUT'
    ):
        check()


def test_label_ids_out_of_range(data, check):
    """11 classes: 10 and 255 are fine, 11 and 254 are not."""
    labels = np.full((24, 32), 10, np.uint8)
    labels[0, :3], labels[1, :5], labels[2] = 11, 254, 255
    cv2.imwrite(str(mask(data, '06')), labels)
    expected = r'06.png: label id 11 \(3 pixels\), 254 \(5 pixels\); there are 11 classes \(0 to 10'
    with pytest.raises(DatasetError, match=expected + r'\) and the ignore index 255. Rewrite'):
        check()


def test_label_map_and_zero_label_are_understood(data, loader_cfg):
    cfg = loader_cfg()
    cfg['dataset']['labeled'].update(metainfo=dict(classes=('sky', 'road')))  # maps all 11 ids
    assert check_semi_dataset(dict(train_dataloader=cfg)).num_images == 12
    cfg = loader_cfg()
    cfg['dataset']['labeled'].update(reduce_zero_label=True)
    cv2.imwrite(str(mask(data, '06')), np.full((24, 32), 11, np.uint8))  # becomes class 10
    assert check_semi_dataset(dict(train_dataloader=cfg)).num_images == 12
    cv2.imwrite(str(mask(data, '06')), np.full((24, 32), 12, np.uint8))
    with pytest.raises(DatasetError, match=r'label id 12 \(768 pixels\)'):
        check_semi_dataset(dict(train_dataloader=cfg))


def test_empty_and_absent_lists(data, check):
    (data / 'labeled.txt').write_text('\n\n')
    with pytest.raises(DatasetError, match=r'labeled.txt: the list is empty. Write one image id'):
        check()
    with pytest.raises(DatasetError, match=r"No list of images named 'nowhere.txt'. Looked for"):
        check(split='nowhere.txt')


def test_labeled_set_smaller_than_the_batch(check):
    with pytest.raises(DatasetError, match=r'labeled set has 4 image\(s\), the batch 5: set'):
        check(batch_size=5)
    assert check(batch_size=4) == 12


def test_batches_that_could_repeat_an_unlabeled_image(loader_cfg):
    cfg = loader_cfg(unlabeled_per_labeled=2)  # 8 of 8 unlabeled images
    with pytest.raises(DatasetError, match=r'8 of 8 .* only 6 are guaranteed .*sampler.distinct=8'):
        check_semi_dataset(dict(train_dataloader=cfg))
    cfg['sampler']['distinct'] = 8
    assert check_semi_dataset(dict(train_dataloader=cfg)).num_images == 12


@pytest.mark.parametrize('folder', ['img_dir', 'ann_dir'])
def test_absent_data_says_where_it_looked_and_how_to_get_it(data, check, folder):
    shutil.rmtree(data / folder)
    expected = rf'The data of CamVidDataset are missing: looked in {data}/{folder}/train. Get the CamVid'
    with pytest.raises(DatasetError, match=expected):
        check()


def test_every_set_is_looked_at_and_a_cut_file_shows_at_its_end(data, check):
    """The middle of a file is decoded in depth ``pixels`` alone; a mask of an unlabeled image concerns nobody."""
    mask(data, '02').unlink()
    content = image(data, '03').read_bytes()
    image(data, '03').write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetError, match=r'1 problem(.|\n)*03.png: cannot be decoded'):
        check()
    image(data, '03').write_bytes(content[:200] + bytes(800) + content[1000:])
    assert check() == check('headers') == 12
    with pytest.raises(DatasetError, match=r'1 problem(.|\n)*03.png: cannot be decoded'):
        check('pixels')
    with pytest.raises(DatasetError, match=r'02.png: missing. Every labeled'):
        check(val=True)
    image(data, '04').write_bytes(content[:200] + bytes(800) + content[1000:])  # labeled images are decoded always
    with pytest.raises(DatasetError, match=r'1 problem(.|\n)*04.png: cannot be decoded'):
        check()


def test_labeled_images_among_those_of_validation_are_found_by_content(own, tmp_path):
    cfg = own([np.arange(768, dtype=np.uint8).reshape(24, 32) % 2])
    shutil.copy(tmp_path / 'train/img/2.png', tmp_path / 'val/img/5.png')
    problems = inspect_data(cfg).problems
    assert [problem.kind for problem in problems] == ['overlap']
    assert 'val_dataloader.dataset: it contains 1 labeled image(s), or copies of them: ' in problems[0].text
    cfg.default_hooks = dict(data=dict(allow_overlap=True))
    assert not inspect_data(cfg).problems


def test_of_very_many_unlabeled_images_training_looks_at_a_sample(data, check, monkeypatch):
    monkeypatch.setitem(set_rules.SAMPLED, 'unlabeled', 3)
    image(data, '02').write_bytes(b'')  # indices 0, 4, 7 of 00 02 03 05 07 08 09 10 are looked at
    assert check() == 4 + 3
    with pytest.raises(DatasetError, match='02.png: cannot be decoded'):
        check('headers')
    image(data, '07').write_bytes(b'')
    with pytest.raises(DatasetError, match='07.png: cannot be decoded'):
        check()


def test_of_many_problems_alike_a_few_are_written_out(data, check):
    for path in (data / 'ann_dir/train').iterdir():
        path.write_bytes(b'')
    image(data, '00').write_bytes(b'')
    with pytest.raises(DatasetError) as error:
        check(val=True)
    lines = str(error.value).splitlines()
    assert lines[0] == '18 problem(s) with the data:'  # 4 and 12 masks, an image in two sets
    assert lines[5] == '  ... and 12 more of this kind (damaged mask)'
    assert sum('00.png: cannot be decoded' in line and 'img_dir' in line for line in lines) == 2


def test_the_tool_reports_and_sets_the_exit_code(root, loader_cfg, tmp_path, capsys):
    config = tmp_path / 'config.py'
    config.write_text(f'train_dataloader = {loader_cfg()!r}\n')
    tool = root / 'tools/check_dataset.py'
    runpy.run_path(str(tool))['main']([str(config)])
    out = capsys.readouterr().out
    assert 'labeled   4 images, 32x24 (train_dataloader.dataset.labeled)' in out
    assert re.search(r'\n +0 sky +\d+\.\d\d % +4\n', out)
    assert out.endswith('12 images checked, no problem found.\n')
    command = [sys.executable, tool, config, '--cfg-options', 'train_dataloader.batch_size=9']
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 2
    assert 'has 4 image(s), the batch 9' in result.stderr
    assert 'Traceback' not in result.stderr


def test_the_tool_writes_new_masks_and_says_how_to_use_them(root, own, tmp_path, capsys):
    """As the error says, line by line: refused, mended, taken."""
    mask = np.zeros((24, 32), np.uint8)
    mask[:9], mask[9] = 255, 7
    cfg = own([mask])
    cfg.test_dataloader = cfg.val_dataloader
    config, new = tmp_path / 'my own.py', tmp_path / 'new masks'
    config.write_text('\n'.join(f'{key} = {value!r}' for key, value in cfg.to_dict().items()))
    main = runpy.run_path(str(root / 'tools/check_dataset.py'))['main']
    with pytest.raises(DatasetError, match=rf"check_dataset.py '{config}' --fix OUT --map 7=1"):
        main([str(config)])
    main([str(config), '--fix', str(new), '--map', '7=255', '255=1'])
    settings = shlex.split(' '.join(line for line in capsys.readouterr().out.splitlines() if '=' in line))
    assert [line.split('.')[0] for line in settings] == ['train_dataloader', 'val_dataloader', 'test_dataloader']
    main([str(config), '--cfg-options', *settings])
    assert re.search(r'0 class0 +60.87 % +4\n +1 class1 +39.13 % +4\n', capsys.readouterr().out)
    for line in (['--map', '1=2'], ['--fix', 'x', '--map', '1:2'], ['--fix', 'x', '--map', '1,2=2']):
        with pytest.raises(Exception, match='--map'):
            main([str(config), *line])
