"""Every kind of bad data is found before training, and the error names the file and the fix."""

import runpy
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from mmengine.config import ConfigDict

from mmseg_ssl.datasets import DatasetError, check_semi_dataset


@pytest.fixture
def check(data, loader_cfg):
    """Run the check on the fixture's data; returns the number of images."""

    def run(full: bool = False, val: bool = False, **changes) -> int:
        cfg = dict(train_dataloader=loader_cfg(**changes))
        if val:
            cfg['val_dataloader'] = dict(dataset=cfg['train_dataloader']['dataset']['labeled'])
        return check_semi_dataset(ConfigDict(cfg), full=full)

    return run


def image(data, name: str):
    return data / f'img_dir/train/{name}.png'


def mask(data, name: str):
    return data / f'ann_dir/train/{name}.png'


def test_good_data_passes(check):
    assert check() == 4
    assert check(full=True, val=True) == 4 + 8 + 12


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
    """OpenCV fills the rest of a cut JPEG with grey and goes on; the check does not."""
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
    assert f'{mask(data, "04")}: missing. Every labelled image needs its mask' in message
    assert f'{mask(data, "06")}: cannot be decoded' in message


def test_mask_of_another_size(data, check):
    cv2.imwrite(str(mask(data, '11')), np.zeros((24, 30), np.uint8))
    expected = r'ann_dir/train/11.png: the mask is 30x24, its image .*/11.png is 32x24. Pair them'
    with pytest.raises(DatasetError, match=expected):
        check()


def test_mask_with_three_channels(data, check):
    cv2.imwrite(str(mask(data, '11')), np.zeros((24, 32, 3), np.uint8))
    with pytest.raises(DatasetError, match=r'11.png: the mask has 3 channels, .*Convert colours'):
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
    assert check_semi_dataset(dict(train_dataloader=cfg)) == 4
    cfg = loader_cfg()
    cfg['dataset']['labeled'].update(reduce_zero_label=True)
    cv2.imwrite(str(mask(data, '06')), np.full((24, 32), 11, np.uint8))  # becomes class 10
    assert check_semi_dataset(dict(train_dataloader=cfg)) == 4
    cv2.imwrite(str(mask(data, '06')), np.full((24, 32), 12, np.uint8))
    with pytest.raises(DatasetError, match=r'label id 12 \(768 pixels\)'):
        check_semi_dataset(dict(train_dataloader=cfg))


def test_empty_and_absent_lists(data, check):
    (data / 'labeled.txt').write_text('\n\n')
    with pytest.raises(DatasetError, match=r'labeled.txt: the list is empty. Write one image id'):
        check()
    with pytest.raises(DatasetError, match=r"No list of images named 'nowhere.txt'. Looked for"):
        check(split='nowhere.txt')


def test_labelled_set_smaller_than_the_batch(check):
    with pytest.raises(DatasetError, match=r'labeled.txt\) has 4 image\(s\), the batch 5: set'):
        check(batch_size=5)
    assert check(batch_size=4) == 4


def test_batches_that_could_repeat_an_unlabelled_image(loader_cfg):
    cfg = loader_cfg(unlabeled_per_labeled=2)  # 8 of 8 unlabelled images
    with pytest.raises(DatasetError, match=r'8 of 8 .* only 6 are sure .*sampler.distinct=8'):
        check_semi_dataset(dict(train_dataloader=cfg))
    cfg['sampler']['distinct'] = 8
    assert check_semi_dataset(dict(train_dataloader=cfg)) == 4


@pytest.mark.parametrize('folder', ['img_dir', 'ann_dir'])
def test_absent_data_says_where_it_looked_and_how_to_get_it(data, check, folder):
    shutil.rmtree(data / folder)
    expected = rf'CamVidDataset is absent: looked in {data}/{folder}/train. Get the CamVid'
    with pytest.raises(DatasetError, match=expected):
        check()


def test_unlabelled_and_validation_images_are_checked_on_demand(data, check):
    image(data, '00').write_bytes(b'')
    mask(data, '02').unlink()  # an unlabelled image: its mask concerns only validation
    assert check() == 4
    with pytest.raises(DatasetError, match=r'1 problem(.|\n)*00.png: cannot be decoded'):
        check(full=True)
    with pytest.raises(DatasetError, match=r'02.png: missing. Every labelled'):
        check(full=True, val=True)


def test_at_most_twenty_problems_are_listed(data, check):
    for path in [*(data / 'ann_dir/train').iterdir(), *(data / 'img_dir/train').iterdir()]:
        path.write_bytes(b'')
    with pytest.raises(DatasetError) as error:
        check(full=True, val=True)
    lines = str(error.value).splitlines()
    assert len(lines) == 21
    assert lines[0].startswith('20 problem(s) with the data (the first ones')


def test_the_tool_reports_and_sets_the_exit_code(root, loader_cfg, tmp_path, capsys):
    config = tmp_path / 'config.py'
    config.write_text(f'train_dataloader = {loader_cfg()!r}\n')
    tool = root / 'tools/check_dataset.py'
    runpy.run_path(str(tool))['main']([str(config)])
    assert '4 images checked, no problem found' in capsys.readouterr().out
    command = [sys.executable, tool, config, '--cfg-options', 'train_dataloader.batch_size=9']
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 2
    assert 'has 4 image(s), the batch 9' in result.stderr
    assert 'Traceback' not in result.stderr
