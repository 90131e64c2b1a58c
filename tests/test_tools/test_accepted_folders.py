"""``tools/suggest.py --accept`` on what people hand in: every fault is named with its file, and nothing is written."""

import builtins
import json
import os
import shutil

import cv2
import numpy as np
import pytest
from load_tool import load_tool
from photo_run import read, write_data_config, write_png
from tiny_run import META, PIPELINE, noise

from mmseg_ssl.datasets import read_ids
from mmseg_ssl.errors import DatasetError
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.suggestions import acceptance, mask_coding
from mmseg_ssl.tooling.suggestions.coco import write_coco

MASK = np.random.RandomState(0).randint(0, 4, (40, 56)).astype(np.uint8)  # noise, so that half of a file is not all


@pytest.fixture(scope='module')
def tool():
    return load_tool('suggest')


def forbid(monkeypatch, path):
    """Let no one read a file or a folder, whoever runs the test."""
    true_open, true_scan = builtins.open, os.scandir

    def refuse(given):
        if isinstance(given, (str, os.PathLike)) and os.path.abspath(given) == str(path):
            raise PermissionError(13, 'Permission denied', str(given))

    monkeypatch.setattr(builtins, 'open', lambda file, *args, **more: refuse(file) or true_open(file, *args, **more))
    monkeypatch.setattr(os, 'scandir', lambda given='.': refuse(given) or true_scan(given))


def everything(place):
    return {path: path.read_bytes() for path in sorted(place.rglob('*')) if path.is_file() and not path.is_symlink()}


def cut(path):
    write_png(path, MASK)
    path.write_bytes(path.read_bytes()[:300])


def replaced_by_link(path, target):
    path.unlink()
    path.symlink_to(target)


FAULTS = {
    'cut': (cut, 'image file is truncated). Export the mask again, or remove it'),
    'empty': (lambda path: path.write_bytes(b''), 'the file is empty. Export the mask again, or remove it'),
    'text': (lambda path: path.write_bytes(b'no image'), 'its content is not an image. Export'),
    'colors': (lambda path: write_png(path, np.zeros((40, 56, 3))), 'class indices. Export it as an index mask'),
    'deep': (lambda path: write_png(path, 300 * MASK.astype(np.uint16)), 'pixels have the value 300, which'),
    'values': (lambda path: write_png(path, MASK + 4), 'have the value 4, which stands for no class'),
    'size': (lambda path: write_png(path, MASK[:20]), 'is 56x20, its image photos/0.png is 56x40. Export'),
    'circle': (lambda path: replaced_by_link(path, '0.png'), 'missing, a link that leads nowhere'),
    'capitals': (lambda path: path.rename(path.parent / 'a/B.png'), 'the run has no image a/B. Name'),
    'moved': (lambda path: path.rename(path.with_name('3.png')), 'the run has no image 3. Is it a/b/3? Name the mask'),
}  # fmt: skip


@pytest.mark.parametrize('fault', FAULTS)
def test_a_fault_is_named_with_its_file_and_nothing_is_written(tool, place, fault):
    write_png(place / 'new/0.png', MASK)
    write_png(place / 'new/a/0.png', MASK)
    make, said = FAULTS[fault]
    make(place / 'new/0.png')
    before, there = everything(place), set(os.listdir(place))
    with pytest.raises(UserError) as error:
        tool.main(['run', '--accept', 'new', '--out', 'round2'])
    assert said in str(error.value) and '1 of 2 masks cannot be taken; nothing was:\n  new/' in str(error.value)
    assert everything(place) == before and set(os.listdir(place)) == there


def test_what_may_not_be_read_is_no_missing_mask(tool, place, monkeypatch):
    """A file, a folder in the folder, and the photo; without a word there would be fewer masks."""
    write_png(place / 'new/0.png', MASK)
    write_png(place / 'new/a/0.png', MASK)
    cases = {
        'new/a/0.png': 'new/a/0.png: cannot be opened: Permission denied. Give yourself the right to read it',
        'new/a': 'new/a cannot be read (Permission denied), so its images would be missing',
        'photos/0.png': 'photos/0.png: cannot be opened: Permission denied. Get the image again',
    }
    for path, said in cases.items():
        with monkeypatch.context() as patch, pytest.raises((UserError, DatasetError)) as error:
            forbid(patch, place / path)
            tool.main(['run', '--accept', 'new', '--out', 'round2'])
        assert said in str(error.value)
        assert not list(place.glob('round2*'))


def test_two_masks_of_one_image_are_a_question(tool, place):
    write_png(place / 'new/0.png', MASK)
    shutil.copy(place / 'new/0.png', place / 'new/0.PNG')
    with pytest.raises(UserError, match=r'new/0.PNG and new/0.png are masks of one image. Remove one'):
        tool.main(['run', '--accept', 'new', '--out', 'round2'])
    (place / 'new/0.png').unlink()
    tool.main(['run', '--accept', 'new', '--out', 'round2'])
    assert np.array_equal(read(place / 'round2/masks/0.png'), MASK)


def test_what_systems_leave_in_folders_is_no_mask(tool, place):
    """Hidden files, thumbnails of Windows, empty folders, circles; names may hold anything but a line break."""
    names = ('a b (1)', 'größe 日本', 'x[1]', "it's 100%", 'v1.2')
    for number, name in enumerate(names):
        write_png(place / f'photos/{name}.png', noise(50 + number))
        write_png(place / f'new/{name}.png', MASK)
    for name in ('.DS_Store', 'Thumbs.db', 'desktop.ini', '._0.png', '__MACOSX/._0.png', '.git/x.png'):
        (place / 'new' / name).parent.mkdir(exist_ok=True)
        (place / 'new' / name).write_bytes(b'\0')
    (place / 'new/empty').mkdir()
    (place / 'new/again').symlink_to(place / 'new')
    (place / 'new/self').symlink_to('self')
    before = everything(place)
    tool.main(['run', '--accept', 'new', '--out', 'round2'])
    assert set(read_ids('round2/labeled.txt')) == {*names, '1', 'a/2'}
    after = everything(place)
    assert all(after[path] == content for path, content in before.items())
    write_png(place / 'photos/two\nlines.png', noise(60))
    with pytest.raises(UserError, match=r'two\\nlines.*a list of images cannot hold this name'):
        tool.main(['run', '--accept', 'new', '--out', 'round3'])


def test_a_run_that_lost_a_mask(tool, place):
    """The new set would need it; nothing is written when it is found missing."""
    write_png(place / 'new/0.png', MASK)
    (place / 'masks/1.png').unlink()
    with pytest.raises(UserError, match=r'masks/1.png: this mask of the run is missing .*\(1 such'):
        tool.main(['run', '--accept', 'new', '--out', 'round2'])
    assert not list(place.glob('round2*'))


def test_each_mask_is_read_once(tool, place, monkeypatch):
    opened, true_open = [], mask_coding.open_mask
    monkeypatch.setattr(
        mask_coding, 'open_mask', lambda *given: opened.append(given[1]['seg_map_path']) or true_open(*given)
    )
    for name in ('0', 'a/0'):
        write_png(place / f'new/{name}.png', MASK)
    tool.main(['run', '--accept', 'new', '--out', 'round2'])
    assert opened == ['new/0.png', 'new/a/0.png']


def test_a_write_that_fails_leaves_nothing(tool, place, monkeypatch):
    """And what a killed one left, the next start replaces: an old mask would be in the new set."""
    write_png(place / 'new/0.png', MASK)
    with monkeypatch.context() as patch, pytest.raises(OSError, match='disk full'):
        patch.setattr(acceptance, 'write_config', lambda *_: (_ for _ in ()).throw(OSError('disk full')))
        tool.main(['run', '--accept', 'new', '--out', 'round2'])
    assert not list(place.glob('round2*'))
    with monkeypatch.context() as patch, pytest.raises(OSError, match='killed'):
        patch.setattr(acceptance.NewFolder, 'discard', lambda self: None)
        patch.setattr(acceptance, 'write_config', lambda *_: (_ for _ in ()).throw(OSError('killed')))
        tool.main(['run', '--accept', 'new', '--out', 'round2'])
    assert (place / 'round2.partial/masks/0.png').is_file()
    (place / 'new/0.png').rename(place / 'new/a0.png')
    (place / 'new/a').mkdir()
    (place / 'new/a0.png').rename(place / 'new/a/0.png')
    tool.main(['run', '--accept', 'new', '--out', 'round2'])
    masks = {path.relative_to(place / 'round2/masks').as_posix() for path in (place / 'round2/masks').rglob('*.png')}
    assert masks == {'1.png', 'a/2.png', 'a/0.png'}


def coco(**changes):
    """Return annotations of one image, as a tool would write them."""
    image = dict(id=1, file_name='0.png', height=40, width=56)
    annotation = dict(id=5, image_id=1, category_id=1, segmentation=[[0, 0, 20, 0, 20, 20]])
    return dict(dict(images=[image], annotations=[annotation], categories=[dict(id=1, name='sky')]), **changes)


def of_image(**changes):
    return coco(images=[dict(coco()['images'][0], **changes)])


def of_annotation(**changes):
    return coco(annotations=[dict(coco()['annotations'][0], **changes)])


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        (coco(annotations=[]), 'it lists no image with a labeled pixel'),
        (coco(annotations=None), '"annotations" is no list of entries. Export it again'),
        (coco(annotations=['a']), '"annotations" is no list of entries'),
        (coco(images={'a': 1}), '"images" is no list of entries'),
        (coco(categories=[dict(id=1, name='horse')]), "of the class 'horse'; the classes are .*or remove"),
        (of_annotation(category_id=[1]), r'of category \[1\], which the file does not list'),
        (of_annotation(image_id=[1]), 'annotation 5 is of image .*Remove it'),
        (of_annotation(segmentation=[[0, 0, float('nan'), 1, 2, 3]]), 'a corner of a polygon is no number'),
        (of_annotation(segmentation=dict(size=[40, 56], counts='~' * 99 + '1')), 'annotation 5 cannot be drawn'),
        (of_image(id=[1]), 'an id is neither number nor text'),
        (of_image(file_name=3), 'the image 3 is 56 wide and 40 high. Correct the entry'),
        (of_image(height=-40), "the image '0.png' is 56 wide and -40 high. Correct the entry"),
        (of_image(height=10**6, width=10**6), '1000000 wide and 1000000 high'),
        (of_image(height=None), 'None high'),
        (of_image(height=56, width=40), 'coco.json: 0.png is 40x56, its image photos/0.png is 56x40'),
        (of_image(file_name='A/3.PNG'), None),
        (of_image(file_name='B.png'), 'coco.json: B.png is no image of this run. Correct its file_name'),
        (of_image(file_name='../../0x.png'), 'is no image of this run'),
        (of_image(height=40.0), None),
    ],
)  # fmt: skip
def test_annotations_that_cannot_be_taken(tool, place, content, said):
    (place / 'coco.json').write_text(json.dumps(content))
    before = everything(place)
    if said is None:
        tool.main(['run', '--accept', 'coco.json', '--out', 'round2'])
        return
    with pytest.raises(UserError, match=said) as error:
        tool.main(['run', '--accept', 'coco.json', '--out', 'round2'])
    assert 'coco.json' in str(error.value)
    assert everything(place) == before and not list(place.glob('round2*'))


@pytest.mark.parametrize(
    ('options', 'unlabeled'), [({}, 254), (dict(unlabeled_value=255, void_value=None), 255), (None, 255)]
)
def test_pixels_without_an_annotation_are_unlabeled_among_scribbles(tool, place, options, unlabeled):
    """As void they would be no image: a method could not label them. Among full masks they are ignored."""
    load = dict(type='LoadAnnotations') if options is None else dict(type='LoadScribbles', **options)
    pipeline = [PIPELINE[0], load, dict(type='PackSemiInputs')]
    write_data_config(place, 'run', pipeline=pipeline)
    (place / 'coco.json').write_text(json.dumps(coco()))
    tool.main(['run', '--accept', 'coco.json', '--out', 'round2'])
    mask = read(place / 'round2/masks/0.png')
    assert mask[2, 15] == 0 and mask[30, 50] == unlabeled and set(np.unique(mask)) == {0, unlabeled}


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-8'])
def test_annotations_in_any_encoding(tool, place, encoding):
    """What a shell or an editor of Windows writes; a file that is cut is not to be thrown away."""
    write_coco(place / 'coco.json', [('0.png', MASK)], META['classes'])
    text = (place / 'coco.json').read_text()
    (place / 'coco.json').write_text(text, encoding=encoding)
    tool.main(['run', '--accept', 'coco.json', '--out', 'round2'])
    assert np.array_equal(cv2.imread('round2/masks/0.png', cv2.IMREAD_UNCHANGED), MASK)
    (place / 'coco.json').write_text(text[:-9], encoding=encoding)
    with pytest.raises(UserError, match=r'coco.json is not a JSON file, or is truncated: .*\. Export it again'):
        tool.main(['run', '--accept', 'coco.json', '--out', 'round3'])


def test_a_command_that_fails_early_leaves_no_folder(tool, place):
    """With another --out the right command would be refused: the folder was begun with other settings."""
    words = ['run', '--count', '2', '--out', 'out', '--device', 'cpu']
    with pytest.raises(ValueError, match='peer'):
        tool.main([*words, '--predict-on', 'peer'])
    with pytest.raises(UserError, match='--count 9'):
        tool.main(['run', '--count', '9', '--out', 'out', '--device', 'cpu'])
    assert not list(place.glob('out*'))
    tool.main(words)
    assert len(read_ids('out/suggested.txt')) == 2


def test_an_interrupted_choice_leaves_no_mask_for_the_next_one(tool, place, monkeypatch):
    """Its pre-labels would be accepted later, as labels of images that were not suggested."""
    words = ['run', '--out', 'out', '--device', 'cpu', '--pool', '1']
    with monkeypatch.context() as patch, pytest.raises(OSError, match='killed'):
        patch.setattr(acceptance.NewFolder, 'finish', lambda self: (_ for _ in ()).throw(OSError('killed')))
        tool.main([*words, '--count', '4'])
    assert len(list((place / 'out.partial/masks').rglob('*.png'))) == 4
    tool.main([*words, '--count', '1'])
    for kind in ('masks', 'thumbnails'):
        assert len([path for path in (place / 'out' / kind).rglob('*') if path.is_file()]) == 1
