"""``tools/predict.py``: what it writes for folders, patterns, files and videos, and how it goes on."""

import json

import cv2
import numpy as np
import pytest
from tiny_run import META, noise, write_run

from mmseg_ssl import load
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
    (place / 'photos/a/bad.png').write_bytes(b'no image')
    with pytest.raises(UserError, match=r'1 images could not be read; the others are predicted:\n  a/bad: '):
        tool.main(['run', 'photos', '--out', 'out', '--device', 'cpu'])
    assert list(json.loads((place / 'out/summary.json').read_text())['failed']) == ['a/bad']
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
