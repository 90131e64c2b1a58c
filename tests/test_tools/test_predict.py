"""``tools/predict.py``: what it writes for folders, patterns, files and videos, and how it goes on."""

import json
import re

import cv2
import numpy as np
import pytest
from PIL import Image
from tiny_run import META, noise, write_run

from mmseg_ssl import load
from mmseg_ssl.apis import TrainedNetwork
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.prediction_inputs import find_items


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A run, and photos in two folders, of which one has a name that is elsewhere too."""
    write_run(tmp_path / 'run')
    for number, name in enumerate(('0.png', 'a/0.png', 'a/b/1.JPG')):
        (tmp_path / 'photos' / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / 'photos' / name), noise(number))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(folder):
    return [json.loads(line) for line in (folder / 'images.jsonl').read_text().splitlines()]


def test_a_folder_keeps_names_and_subfolders(tool, place, capsys):
    tool.main(['run', 'photos', '--out', 'out', '--device', 'cpu'])
    model, total = load('run', device='cpu'), {}
    for name, source in {'0': '0.png', 'a/0': 'a/0.png', 'a/b/1': 'a/b/1.JPG'}.items():
        result = model(str(place / 'photos' / source))
        mask = cv2.imread(f'out/masks/{name}.png', cv2.IMREAD_UNCHANGED)
        assert np.array_equal(mask, result.mask)
        gray = cv2.imread(f'out/uncertainty/{name}.png', cv2.IMREAD_UNCHANGED)
        assert np.abs(gray / 255 - result.uncertainty).max() <= 0.5 / 255 + 1e-6
        assert cv2.imread(f'out/overlays/{name}.jpg').shape == (40, 56, 3)
        line = next(line for line in lines(place / 'out') if line['name'] == name)
        assert line['shares'] == {key: round(share, 6) for key, share in result.shares().items()}
        for key, share in result.shares().items():
            total[key] = total.get(key, 0) + share / 3
    summary = json.loads((place / 'out/summary.json').read_text())
    assert summary['images'] == 3 and list(summary['shares']) == list(META['classes'])
    assert summary['shares'] == pytest.approx(total, abs=2e-6)
    assert '3 of 3 images to predict' in capsys.readouterr().out


def test_it_goes_on_behind_the_last_complete_image(tool, place, capsys):
    """A killed process leaves a mask without a line, or half a line: both are predicted again."""
    words = ['run', 'photos', '--out', 'out', '--device', 'cpu', '--save', 'masks']
    tool.main(words)
    complete = (place / 'out/images.jsonl').read_text().splitlines()
    (place / 'out/images.jsonl').write_text(f'{complete[0]}\n{complete[1][:40]}')
    (place / 'out/masks/0.png').unlink()
    before = (place / 'out/masks/a/0.png').stat().st_mtime_ns
    capsys.readouterr()
    tool.main(words)
    assert '3 of 3 images' in capsys.readouterr().out  # 0: no mask; a/0: half a line; a/b/1: none
    assert (place / 'out/masks/a/0.png').stat().st_mtime_ns > before
    tool.main(words)
    assert '0 of 3 images' in capsys.readouterr().out
    assert json.loads((place / 'out/summary.json').read_text())['images'] == 3
    assert not (place / 'out/overlays').exists()


def test_other_settings_want_another_folder(tool, place):
    tool.main(['run', 'photos/0.png', '--out', 'out', '--device', 'cpu'])
    with pytest.raises(UserError, match='predictions made with another tile'):
        tool.main(['run', 'photos/0.png', '--out', 'out', '--tile', '32', '--overlap', '8'])


def test_a_damaged_image_does_not_stop_the_others(tool, place):
    """In words of this project, not in OpenCV's."""
    (place / 'photos/a/bad.png').write_bytes(b'no image')
    (place / 'photos/empty.png').write_bytes(b'')
    with pytest.raises(UserError, match='2 images could not be predicted; the others are:') as error:
        tool.main(['run', 'photos', '--out', 'out', '--device', 'cpu'])
    assert sorted(str(error.value).splitlines()[1:]) == [
        '  a/bad: photos/a/bad.png: cannot be decoded: its content is not an image. Get the file again, or remove it.',
        '  empty: photos/empty.png: cannot be decoded: the file is empty. Get the file again, or remove it.',
    ]
    assert sorted(json.loads((place / 'out/summary.json').read_text())['failed']) == ['a/bad', 'empty']
    assert len(lines(place / 'out')) == 3


def test_the_network_can_write_its_own_maps(tool, place):
    write_run(place / 'dueb', 'DUEB')
    tool.main(['dueb', 'photos/0.png', '--out', 'out', '--device', 'cpu', '--save', 'maps'])
    maps = load('dueb', device='cpu')('photos/0.png').maps
    assert np.array_equal(np.load('out/variance/0.npy'), maps['variance'])


def test_frames_of_a_video(tool, place):
    """Every third one; each is the frame of its number, decoded once more from the start."""
    writer = cv2.VideoWriter('clip.avi', cv2.VideoWriter_fourcc(*'MJPG'), 10, (56, 40))
    for number in range(7):
        writer.write(noise(number))
    writer.release()
    tool.main(['run', 'clip.avi', '--out', 'out', '--every', '3', '--device', 'cpu', '--save', 'masks'])
    assert [line['frame'] for line in lines(place / 'out')] == [0, 3, 6]
    video = cv2.VideoCapture('clip.avi')
    frames = [video.read()[1] for _ in range(7)]
    mask = cv2.imread('out/masks/clip/000003.png', cv2.IMREAD_UNCHANGED)
    assert np.array_equal(mask, load('run', device='cpu')(frames[3]).mask)


def test_what_words_name(place):
    def names(*words):
        return [item.name for item in find_items(words)]

    assert names('photos/**/*.png') == ['0', 'a/0']
    assert names('photos/a/*/*.JPG') == ['b/1']
    assert names('photos/a/0.png', 'photos/a/b/1.JPG') == ['0', 'b/1']
    assert names('photos/0.png') == names('photos/0.png', 'photos/0.png') == ['0']
    with pytest.raises(UserError, match=r'photos/0.png and photos/a/0.png would both be written as 0'):
        names('photos', 'photos/a')
    with pytest.raises(UserError, match='there is no image, folder or video photos/c'):
        names('photos/c*.png')
    (place / 'empty').mkdir()
    with pytest.raises(UserError, match='empty holds no image'):
        names('empty')
    (place / 'fake.mp4').write_bytes(b'no video')
    with pytest.raises(UserError, match='fake.mp4 is not a video'):
        names('fake.mp4')


def test_predictions_do_not_lie_among_the_images(tool, place):
    with pytest.raises(UserError, match='lies in the folder of images photos'):
        tool.main(['run', 'photos', '--out', 'photos/out'])


def test_a_folder_takes_no_other_image_of_the_same_name(tool, place):
    """Once the mask of the first image was left for the second."""
    words = ['--out', 'out', '--device', 'cpu', '--save', 'masks']
    tool.main(['run', 'photos/0.png', *words])
    with pytest.raises(UserError, match=r'out holds the prediction of photos/0.png as 0, which photos/a/0.png would'):
        tool.main(['run', 'photos/a', *words])


def test_what_is_asked_for_later_is_written_too(tool, place, capsys):
    words = ['run', 'photos/0.png', '--out', 'out', '--device', 'cpu', '--save']
    tool.main([*words, 'masks'])
    tool.main([*words, 'overlays'])
    assert (place / 'out/overlays/0.jpg').is_file()
    capsys.readouterr()
    tool.main([*words, 'masks'])
    assert '0 of 1 images' in capsys.readouterr().out


def test_predictions_are_no_images_of_a_pattern(tool, place, capsys):
    for _ in range(2):
        tool.main(['run', 'photos/**/*.png', '--out', 'photos/out', '--device', 'cpu', '--save', 'masks'])
    assert '0 of 2 images' in capsys.readouterr().out


def test_an_image_that_the_network_refuses_does_not_stop_the_others(tool, place, monkeypatch):
    predict = TrainedNetwork.__call__

    def picky(network, pixels, *args):
        assert pixels.shape[0] != 8, 'too small'
        return predict(network, pixels, *args)

    cv2.imwrite('photos/a/small.png', noise(0, 8, 8))
    monkeypatch.setattr(TrainedNetwork, '__call__', picky)
    with pytest.raises(UserError, match=r'1 images could not be predicted; the others are:\n  a/small: .*too small'):
        tool.main(['run', 'photos', '--out', 'out', '--device', 'cpu', '--save', 'masks'])
    assert len(lines(place / 'out')) == 3


def test_values_that_the_loader_cuts_off_are_said(tool, place, capsys):
    """Of 11 bits in 16 the host's loader leaves 8 levels."""
    cv2.imwrite('deep.png', noise(0).astype(np.uint16) * 8)
    tool.main(['run', 'deep.png', '--out', 'out', '--device', 'cpu', '--save', 'masks'])
    assert re.search(r'warning: deep.png .*the network would see values 0 to 7 of 0 to 255', capsys.readouterr().out)


def test_a_test_pipeline_that_nothing_reads_is_said(tool, place, capsys):
    """Images are prepared as they are scored, and a variable is not."""
    config = place / 'mine.py'
    config.write_text(
        "_base_ = 'run/tiny_mine.py'\ntest_pipeline = [dict(type='LoadImageFromFile'), dict(type='Pad')]\n"
    )
    words = ['photos/0.png', '--device', 'cpu', '--save', 'masks', '--checkpoint', 'run/iter_6.pth', '--out']
    tool.main(['mine.py', *words, 'out'])
    assert 'mine.py: test_pipeline differs from the pipelines of the sets' in capsys.readouterr().out
    tool.main(['run/tiny_mine.py', *words, 'other'])
    assert 'warning' not in capsys.readouterr().out


def test_a_file_that_the_loader_cannot_read_hides_no_others(tool, place, capsys):
    """A float TIFF comes first: it is named, and so are the 11 bits behind it."""
    (place / 'deep').mkdir()
    Image.fromarray(noise(0)[..., 0].astype(np.float32)).save('deep/a.tif')
    for number in (1, 2):
        cv2.imwrite(f'deep/{number}.png', noise(number).astype(np.uint16) * 8)
    with pytest.raises(UserError, match='1 images could not be predicted'):
        tool.main(['run', 'deep/a.tif', 'deep/1.png', 'deep/2.png', '--out', 'out', '--device', 'cpu'])
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith('warning: ')]
    assert len(said) == 2 and said[0].startswith('warning: deep/a.tif: the loader of the images cannot read it')
    assert said[1].startswith('warning: deep/1.png and 1 more of the images have more than 8 bits')
    assert 'values 0 to 7 of 0 to 255' in said[1]


def test_an_image_that_was_replaced_is_predicted_again(tool, place, capsys):
    """Once its old mask stayed; what was written of it before, and is not asked for now, does not stay either."""
    words = ['run', 'photos', '--out', 'out', '--device', 'cpu', '--save']
    tool.main([*words, 'masks', 'overlays'])
    old = {name: (place / 'out' / name).read_bytes() for name in ('masks/0.png', 'overlays/0.jpg', 'masks/a/0.png')}
    cv2.imwrite('photos/0.png', noise(9))
    capsys.readouterr()
    tool.main([*words, 'masks'])
    assert '1 of 3 images' in capsys.readouterr().out
    new = {name: (place / 'out' / name).read_bytes() for name in old}
    assert [name for name in old if new[name] == old[name]] == ['masks/a/0.png']
    assert np.array_equal(cv2.imread('out/masks/0.png', 0), load('run', device='cpu')('photos/0.png').mask)
    assert json.loads((place / 'out/summary.json').read_text())['images'] == 3
    tool.main([*words, 'masks', 'overlays'])
    assert '0 of 3 images' in capsys.readouterr().out


def test_lines_of_an_earlier_version_count(tool, place, capsys):
    """They do not say which file it was."""
    words = ['run', 'photos', '--out', 'out', '--device', 'cpu', '--save', 'masks']
    tool.main(words)
    text = (place / 'out/images.jsonl').read_text()
    (place / 'out/images.jsonl').write_text(re.sub(r', "file": "[^"]*"', '', text))
    assert text != (place / 'out/images.jsonl').read_text()
    tool.main(words)
    assert '0 of 3 images' in capsys.readouterr().out
