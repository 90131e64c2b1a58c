"""``tools/suggest.py``: which images are asked for, and that each mask that comes back is that of its image."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from load_tool import load_tool
from mmengine.config import Config
from photo_run import LABELED, NAMES, read, write_png
from tiny_run import META, PIPELINE, noise

from mmseg_ssl.datasets import SemiDataset, read_ids
from mmseg_ssl.datasets.checks.check import build_set
from mmseg_ssl.datasets.data_summary import find_overlap
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.suggestions import new_set
from mmseg_ssl.tooling.suggestions.coco import write_coco
from mmseg_ssl.tooling.suggestions.new_folder import NewFolder

MASK = np.random.RandomState(0).randint(0, 4, (40, 56)).astype(np.uint8)
RANDOM = ('--by', 'random', '--device', 'cpu')


@pytest.fixture(scope='module')
def tool():
    return load_tool('suggest')


def masked(photos, masks, **changes):
    """The config of a set with masks."""
    common = dict(type='BaseSegDataset', metainfo=META, pipeline=PIPELINE, img_suffix='.png', serialize_data=False)
    return dict(common, data_prefix=dict(img_path=photos, seg_map_path=masks), **changes)


def append(place, **settings):
    """Set variables of the run's config."""
    with open(place / 'run/tiny_mine.py', 'a') as config:
        config.writelines(f'{name} = {value!r}\n' for name, value in settings.items())


def built(config):
    """The training set of a config, as a training would have it."""
    dataset = Config.fromfile(config).train_dataloader.dataset
    data = SemiDataset(**{key: value for key, value in dataset.items() if key != 'type'})
    data.full_init()
    return data


def pairs(config):
    """The pixels and the masks that a training reads together, by the ends of the images' paths."""
    labeled = built(config).labeled
    infos = [labeled.get_data_info(number) for number in range(len(labeled))]
    return {Path(info['img_path']).name: (read(info['img_path']), read(info['seg_map_path'])) for info in infos}


def test_a_name_of_two_images_is_refused(tool, place):
    """Another camera counts alike: 1.png is one photo with a mask, and another one without."""
    write_png(place / 'more/1.png', noise(20))
    write_png(place / 'more/x.png', noise(21))
    write_png(place / 'new/1.png', MASK)
    before = set(place.rglob('*'))
    said = (
        r'photos/1.png, which has a mask, and more/1.png are two images with the name 1 \(1 such names\).* subfolder, '
        'such as more/new, where they are new/1'
    )
    for words in (['--count', '1', *RANDOM], ['--accept', 'new']):
        with pytest.raises(UserError, match=said):
            tool.main(['run', '--images', 'more', '--out', 'out', *words])
    assert set(place.rglob('*')) == before
    (place / 'new/1.png').rename(place / 'new/x.png')
    tool.main(['run', '--images', 'more', '--accept', 'new', '--out', 'round2'])  # the old mask stays with its photo
    found = pairs('round2/tiny_mine_round2.py')
    for name, photo, mask in (('1.png', noise(1), np.full((40, 56), 3)), ('x.png', noise(21), MASK)):
        assert np.array_equal(found[name][0], photo) and np.array_equal(found[name][1], mask), name
    (place / 'more/new').mkdir()  # as the message says
    (place / 'more/1.png').rename(place / 'more/new/1.png')
    tool.main(['run', '--images', 'more', '--count', '2', '--out', 'out', *RANDOM])
    write_png(place / 'out/masks/new/1.png', MASK)
    tool.main(['run', '--images', 'more', '--accept', 'out/masks', '--out', 'round3'])
    assert read_ids('round3/labeled.txt') == ['1', 'a/2', 'new/1', 'x']


def test_masks_of_val_are_not_accepted(tool, place):
    """Counted like the training images, they would become masks of these."""
    for name in LABELED:
        write_png(place / f'photos_val/{name}.png', noise(30))
        write_png(place / f'masks_val/{name}.png', MASK)
    append(place, val_dataloader=dict(dataset=masked('photos_val', 'masks_val')))
    tool.main(['run', '--errors', 'val', '--out', 'dv', '--device', 'cpu'])
    write_png(place / 'dv/masks/1.png', MASK)  # corrected
    for given in ('masks', 'annotations.json'):
        with pytest.raises(UserError, match=r'these are masks of val .*dv/settings.json.*Copy the corrected ones over'):
            tool.main(['run', '--accept', f'dv/{given}', '--out', 'round2'])
    assert not list(place.glob('round2*'))
    tool.main(['run', '--errors', '--out', 'dl', '--device', 'cpu'])
    write_png(place / 'dl/masks/1.png', MASK)
    tool.main(['run', '--accept', 'dl/masks', '--out', 'round2'])


def test_images_of_val_and_test_are_nobodys_work(tool, place):
    """They lie beside the labeled ones, or are copies under other names; a training would refuse their masks."""
    (place / 'val.txt').write_text('0\n')
    write_png(place / 'test/copy.png', noise(2))
    assert NAMES[2] == 'a/0'
    append(
        place,
        val_dataloader=dict(dataset=masked('photos', 'masks', ann_file='val.txt')),
        test_dataloader=dict(dataset=masked('test', 'test', seg_map_suffix='_mask.png')),
    )
    with open(place / 'run/tiny_mine.py', 'a') as config:  # a training on the labeled images alone
        config.write("train_dataloader['dataset'].update(unlabeled=None, unlabeled_per_labeled=0)\n")
    tool.main(['run', '--count', '2', '--out', 'out', *RANDOM])
    assert sorted(read_ids('out/suggested.txt')) == ['a/b/3', 'a/b/4']
    with pytest.raises(UserError, match=r'ids.txt: 0 is an image of val \(2 such ids\)'):
        (place / 'ids.txt').write_text('0\na/0\n')
        tool.main(['run', '--list', 'ids.txt', '--count', '1', '--out', 'no', *RANDOM])
    with pytest.raises(UserError, match=r'holds no image without a label, except 1 of val or test'):
        tool.main(['run', '--images', 'test', '--count', '1', '--out', 'no', *RANDOM])
    for name, role in (('0', 'val'), ('a/0', 'test')):
        shutil.rmtree(place / 'new', ignore_errors=True)
        write_png(place / f'new/{name}.png', MASK)
        write_coco(place / 'new.json', [(f'{name}.png', MASK)], META['classes'])
        for given, fix in (('new', 'Remove the mask'), ('new.json', 'Correct its file_name, or take it out')):
            with pytest.raises(UserError, match=f'It is one of {role}, or a copy, and no training .* {fix}'):
                tool.main(['run', '--accept', given, '--out', 'no'])
    assert not list(place.glob('no*'))
    tool.main(['run', '--accept', 'out/masks', '--out', 'round2'])
    config = Config.fromfile('round2/tiny_mine_round2.py')
    for role in ('val', 'test'):
        scored = build_set(role, config[f'{role}_dataloader'].dataset)
        assert not find_overlap(built('round2/tiny_mine_round2.py'), role, scored).labeled


MIXED = {
    'labeled ones have one': (['p.png', 'q.png'], ['r.png', 's.jpg', 't.jpg']),
    'others have one': (['p.png', 'q.jpg'], ['r.png', 's.png', 't.png']),
    'each has its own': (['p.png', 'q.png'], ['r.jpg', 's.jpg', 't.jpg']),
    'labeled ones have another': (['p.png', 'q.png'], ['r.JPG', 's.jpeg', 't.PNG']),
}


@pytest.mark.parametrize('elsewhere', [False, True])
@pytest.mark.parametrize('case', MIXED)
def test_suffixes_that_differ(tool, place, case, elsewhere):
    """Lists and suffixes as ``new`` writes them: ids include the suffix where it differs within a set."""
    labeled, others = MIXED[case]
    photos, where = {}, 'more' if elsewhere else 'mixed'
    for number, name in enumerate([*labeled, *others]):
        path = place / (where if name in others else 'mixed') / name
        write_png(path, noise(40 + number))
        photos[name] = read(path)

    def ids_of(names):
        suffixes = sorted({Path(name).suffix for name in names})
        plain = [name if suffixes[1:] else Path(name).stem for name in names]
        return plain, '' if suffixes[1:] else suffixes[0]

    sets = {}
    for name, of in (('labeled', labeled), ('unlabeled', others)):
        lines, sets[name] = ids_of(of)
        (place / f'{name}.txt').write_text('\n'.join(lines))
    old = {}
    for number, name in enumerate(ids_of(labeled)[0]):
        old[labeled[number]] = np.full((40, 56), number, np.uint8)
        write_png(place / f'old/{name}.png', old[labeled[number]])
    unlabeled = dict(type='UnlabeledImages', img_suffix=sets['unlabeled'], ann_file='unlabeled.txt', pipeline=[])
    data = dict(
        type='SemiDataset',
        split='labeled.txt',
        labeled=dict(masked('mixed', 'old'), img_suffix=sets['labeled']),
        unlabeled=dict(unlabeled, data_prefix=dict(img_path=where), serialize_data=False),
    )
    append(place, train_dataloader=dict(batch_size=1, dataset=data))
    tool.main(['run', '--count', '1', '--list', 'unlabeled.txt', '--out', 'out', *RANDOM])
    (mask,) = (place / 'out/masks').iterdir()
    write_png(mask, MASK)
    first = next(name for name in others if mask.name.startswith(name[0]))
    tool.main(['run', '--accept', 'out/masks', '--out', 'round2'])
    found = pairs('round2/tiny_mine_round2.py')
    expected = {**old, first: MASK}
    assert set(found) == set(expected)
    for name, (pixels, drawn) in found.items():
        assert np.array_equal(pixels, photos[name]) and np.array_equal(drawn, expected[name]), name
    assert len(built('round2/tiny_mine_round2.py').unlabeled) == 2
    # and the next round, with what is left
    words = ['round2/tiny_mine_round2.py', '--checkpoint', 'run/iter_6.pth']
    tool.main([*words, '--count', '1', '--out', 'out3', *RANDOM])
    (mask,) = (place / 'out3/masks').iterdir()
    assert not mask.name.startswith(first[0])
    tool.main([*words, '--accept', 'out3/masks', '--out', 'round3'])
    found = pairs('round3/tiny_mine_round2_round3.py')
    assert len(found) == 4 and set(found) < set(photos)
    assert all(np.array_equal(pixels, photos[name]) for name, (pixels, _) in found.items())


def test_two_suffixes_of_one_name_are_a_question(tool, place):
    """In a project whose labeled images all end in .png, r.jpg and r.bmp would both have the mask r.png."""
    for name in ('r.jpg', 'r.bmp'):
        write_png(place / f'photos/{name}', noise(50))
    (place / 'unlabeled.txt').write_text('r.jpg\nr.bmp')
    with open(place / 'run/tiny_mine.py', 'a') as config:
        config.write("train_dataloader['dataset']['unlabeled'].update(img_suffix='', ann_file='unlabeled.txt')\n")
    with pytest.raises(UserError, match=r'photos/r.bmp and photos/r.jpg would have masks of one name. Rename one'):
        tool.main(['run', '--count', '1', '--out', 'out', *RANDOM])


def test_a_mask_without_the_suffix_of_its_image(tool, place):
    """Where ids include it, the message says which mask is wanted."""
    (place / 'list.txt').write_text('1.png\na/2.png')
    for name in LABELED:
        shutil.copy(place / f'masks/{name}.png', place / f'masks/{name}.png.png')
    with open(place / 'run/tiny_mine.py', 'a') as config:
        config.write("train_dataloader['dataset']['labeled'].update(img_suffix='')\n")
    write_png(place / 'new/0.png', MASK)
    with pytest.raises(UserError, match=r'new/0.png: the run has no image 0. Is it 0.png\? Name the mask like its'):
        tool.main(['run', '--accept', 'new', '--out', 'round2'])
    write_coco(place / 'new.json', [('0a1b2c3d-4.png', MASK), ('3.png', MASK)], META['classes'])
    tool.main(['run', '--accept', 'new.json', '--out', 'round2'])
    assert read_ids('round2/labeled.txt') == ['1.png', 'a/2.png', 'a/b/3.png', 'a/b/4.png']


def test_a_set_that_no_training_finds_is_not_written(tool, place, monkeypatch):
    """Whatever the reason: here the images of the new set are looked for with another suffix."""
    write_png(place / 'new/0.png', MASK)
    true = new_set.NewSet
    monkeypatch.setattr(new_set, 'NewSet', lambda ids, images, _: true(ids, images, '.jpg'))
    with pytest.raises(Exception, match='3 of 3 line'):
        tool.main(['run', '--accept', 'new', '--out', 'round2'])
    assert not list(place.glob('round2*'))


def test_other_images_are_not_what_was_seen(tool, place, monkeypatch):
    """Interrupted on one folder, and started on another with the same names: the doubts would be the first one's."""
    for number, folder in enumerate(('first', 'second')):
        for name in ('x', 'y'):
            write_png(place / f'{folder}/{name}.png', noise(60 + number))
    words = ['run', '--count', '2', '--out', 'out', '--device', 'cpu', '--images']
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(NewFolder, 'write_lines', lambda *_: 1 / 0)
        tool.main([*words, 'first'])
    with pytest.raises(UserError, match=r'out.partial was begun with another images. Remove it, or give another --out'):
        tool.main([*words, 'second'])
    tool.main([*words, str(place / 'first')])  # the same folder in other words
