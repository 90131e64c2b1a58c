"""``tools/suggest.py``: images to label, corrected masks back into a training, masks that seem wrong."""

import json
import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from photo_run import LABELED, NAMES, read, snapshot, write_data_config, write_png
from tiny_run import META, noise, write_run

from mmseg_ssl import load
from mmseg_ssl.datasets import SemiDataset, read_ids
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.suggestions import suspects
from mmseg_ssl.tooling.suggestions.coco import write_coco
from mmseg_ssl.tooling.suggestions.doubt import Doubter
from mmseg_ssl.tooling.suggestions.label_errors import LabelError
from mmseg_ssl.tooling.suggestions.new_folder import NewFolder
from mmseg_ssl.tooling.suggestions.run_data import labeled_set
from mmseg_ssl.tooling.suggestions.thumbnails import doubtful_regions


def test_it_writes_what_an_annotator_starts_from(tool, place, capsys):
    """The most doubtful images come first; masks, annotations and thumbnails are of these."""
    before = snapshot(place)
    tool.main(['run', '--count', '3', '--pool', '1', '--out', 'out', '--device', 'cpu'])
    model = load('run', device='cpu')
    doubt = {name: model(f'photos/{name}.png').uncertainty.mean() for name in NAMES if name not in LABELED}
    chosen = (place / 'out/suggested.txt').read_text().split()
    assert chosen == sorted(doubt, key=lambda name: -doubt[name])[:3]
    assert read_ids('out/labeled.txt') == sorted([*LABELED, *chosen])
    lines = (place / 'out/scores.csv').read_text().splitlines()
    assert lines[0] == 'image,suggested,entropy,confidence' and len(lines) == 5
    assert [line.split(',')[1] for line in lines[1:]] == ['1', '2', '3', '']
    assert float(lines[1].split(',')[2]) == pytest.approx(doubt[chosen[0]], abs=1e-5)
    for name in chosen:
        assert np.array_equal(read(place / f'out/masks/{name}.png'), model(f'photos/{name}.png').mask)
    images = json.loads((place / 'out/annotations.json').read_text())['images']
    assert [image['file_name'] for image in images] == [f'{name}.png' for name in chosen]
    thumbnails = sorted(path.name for path in (place / 'out/thumbnails').iterdir())
    assert thumbnails == [f'{rank:04d}_{name.replace("/", "_")}.jpg' for rank, name in enumerate(chosen, start=1)]
    assert not (place / 'out/seen').exists() and not (place / 'out.partial').exists()
    assert snapshot(place) == before and '3 of 4 images' in capsys.readouterr().out


def test_what_is_there_is_never_overwritten(tool, place):
    (place / 'out').mkdir()
    with pytest.raises(UserError, match='out exists, and is never overwritten'):
        tool.main(['run', '--count', '1', '--out', 'out'])
    with pytest.raises(UserError, match='lies in the folder of images photos'):
        tool.main(['run', '--count', '1', '--out', 'photos/out'])
    with pytest.raises(UserError, match=r'--count 9: .*photos has 4 images without a label'):
        tool.main(['run', '--count', '9', '--out', 'new', '--device', 'cpu'])


def test_an_interrupted_command_goes_on(tool, place, monkeypatch):
    """Images that were looked at are not looked at again; with other settings they would be of another network."""
    kept = NewFolder.write_lines
    monkeypatch.setattr(NewFolder, 'write_lines', lambda *_: 1 / 0)
    words = ['run', '--count', '2', '--out', 'out', '--device', 'cpu']
    with pytest.raises(ZeroDivisionError):
        tool.main(words)
    assert not (place / 'out').exists()
    monkeypatch.setattr(NewFolder, 'write_lines', kept)
    with pytest.raises(UserError, match=r'out.partial was begun with another features'):
        tool.main([*words, '--features', 'head'])
    looks, predict = [], Doubter.predict
    monkeypatch.setattr(Doubter, 'predict', lambda self, *given: looks.append(1) or predict(self, *given))
    tool.main(words)
    assert len(looks) == 2  # of the two thumbnails alone
    other = [word if word != 'out' else 'again' for word in words]
    tool.main(other)
    for name in ('suggested.txt', 'scores.csv', 'annotations.json'):
        assert (place / 'out' / name).read_bytes() == (place / 'again' / name).read_bytes()


def test_random_images_are_a_function_of_the_seed(tool, place):
    for folder, seed in (('one', 3), ('two', 3), ('three', 4)):
        words = ['--by', 'random', '--seed', str(seed), '--lists-only', '--count', '3', '--device', 'cpu']
        tool.main(['run', '--out', folder, *words])
    lists = [(place / name / 'suggested.txt').read_text() for name in ('one', 'two', 'three')]
    assert lists[0] == lists[1] != lists[2]
    assert sorted(path.name for path in (place / 'one').iterdir()) == ['labeled.txt', 'settings.json', 'suggested.txt']


@pytest.mark.parametrize(('method', 'kinds'), [('DUEB', 'variance,disagreement'), ('ELNWarmup', 'correctness')])
def test_methods_are_asked_for_their_own_doubt(tool, place, method, kinds):
    write_run(place / 'own', method)
    write_data_config(place, 'own')
    by = kinds.split(',')[-1]
    tool.main(['own', '--count', '2', '--by', by, '--features', 'head', '--out', 'out', '--device', 'cpu'])
    head = (place / 'out/scores.csv').read_text().splitlines()[0]
    assert head == f'image,suggested,entropy,confidence,{kinds}'
    with pytest.raises(UserError, match=r'--by variance: the network of this run does not say it; it says entropy'):
        tool.main(['run', '--count', '2', '--by', 'variance', '--out', 'none', '--device', 'cpu'])


def test_other_images_and_damaged_ones(tool, place, capsys):
    """Copies of labeled images are no candidates; what cannot be read is left out and named."""
    for name, pixels in (('x', noise(9)), ('y', noise(8)), ('1', noise(1))):
        write_png(place / f'more/{name}.png', pixels)
    (place / 'more/bad.png').write_bytes(b'no image')
    tool.main(['run', '--images', 'more', '--count', '2', '--out', 'out', '--device', 'cpu'])
    assert sorted((place / 'out/suggested.txt').read_text().split()) == ['x', 'y']
    assert 'bad could not be read, and was left out' in capsys.readouterr().out
    assert not (place / 'out/labeled.txt').exists()  # images in two folders have no common list
    with pytest.raises(UserError, match='ids.txt: q is no image without a label'):
        (place / 'ids.txt').write_text('q\n')
        tool.main(['run', '--list', 'ids.txt', '--count', '1', '--out', 'q'])


def build(config):
    """The training set of a config, as a training would have it."""
    return SemiDataset(**{key: value for key, value in config.train_dataloader.dataset.items() if key != 'type'})


def test_corrected_masks_become_a_training(tool, place, capsys):
    """Through the folder of pre-labels: one is corrected, one stays, and a labeled one is replaced."""
    tool.main(['run', '--count', '2', '--out', 'out', '--device', 'cpu'])
    before, chosen = snapshot(place), read_ids('out/suggested.txt')
    corrected = np.full((40, 56), 1, np.uint8)
    corrected[:5] = 255
    write_png(place / f'out/masks/{chosen[0]}.png', corrected)
    write_png(place / 'out/masks/a/2.png', corrected)
    tool.main(['run', '--accept', 'out/masks', '--out', 'round2'])
    assert '2 new masks, 1 instead of old ones; 4 labeled images.' in capsys.readouterr().out
    assert snapshot(place) == before
    config = Config.fromfile('round2/tiny_mine_round2.py')
    assert config.work_dir == 'work_dirs/tiny_mine_round2'
    data = build(config)
    data.full_init()
    masks = {info['img_path']: info['seg_map_path'] for info in map(data.labeled.get_data_info, range(4))}
    assert {Path(path).resolve() for path in masks} == {
        (place / f'photos/{name}.png').resolve() for name in [*LABELED, *chosen]
    }
    assert len(data.unlabeled) == 2
    for name, expected in ((chosen[0], corrected), ('a/2', corrected), ('1', np.full((40, 56), 3))):
        assert np.array_equal(read(place / f'round2/masks/{name}.png'), expected)
    assert all(Path(path).is_file() for path in masks.values())
    # the next round begins where this one ended
    write_png(place / f'third/{chosen[1]}.png', corrected)
    tool.main(['round2/tiny_mine_round2.py', '--checkpoint', 'run/iter_6.pth', '--accept', 'third', '--out', 'round3'])
    assert '0 new masks, 1 instead of old ones; 4 labeled' in capsys.readouterr().out


def test_corrected_annotations_become_a_training(tool, place):
    """A COCO file, whose tool left out the folder of the image."""
    mask = np.full((40, 56), 255, np.uint8)
    mask[3:9, 4:20], mask[20:, :7] = 2, 0
    write_coco(place / 'coco.json', [('3.png', mask)], META['classes'])
    tool.main(['run', '--accept', 'coco.json', '--out', 'round2'])
    assert np.array_equal(read(place / 'round2/masks/a/b/3.png'), mask)
    write_coco(place / 'two.json', [('0.png', mask)], META['classes'])
    tool.main(['run', '--accept', 'two.json', '--out', 'exact'])  # 0 itself, not a/0
    assert read_ids('exact/labeled.txt') == ['0', '1', 'a/2']
    write_coco(place / 'bad.json', [('9.png', mask)], META['classes'])
    with pytest.raises(UserError, match=r'bad.json: 9.png is no image of this run'):
        tool.main(['run', '--accept', 'bad.json', '--out', 'no'])


def polygons_of(file_name, *outlines):
    """Return annotations as Label Studio exports them: ids from 0, polygons, only the classes that were drawn."""
    names = sorted({name for name, _ in outlines})
    categories = [dict(id=number, name=name) for number, name in enumerate(names)]
    annotations = [
        dict(id=number, image_id=0, category_id=names.index(name), segmentation=[corners], iscrowd=0)
        for number, (name, corners) in enumerate(outlines)
    ]
    image = dict(id=0, file_name=file_name, width=56, height=40)
    return json.dumps(dict(images=[image], categories=categories, annotations=annotations))


def test_names_and_classes_of_label_studio(tool, place, capsys):
    """It writes eight digits before the name of an uploaded image, and counts only what was drawn."""
    outlines = (META['classes'][3], [0, 0, 56, 0, 56, 30, 0, 30]), (META['classes'][1], [2.0, 2, 6, 2, 6, 6, 2, 6])
    (place / 'ls.json').write_text(polygons_of('/data/upload/1/0a1b2c3d-3.png', *outlines).replace('/', '\\/'))
    tool.main(['run', '--accept', 'ls.json', '--out', 'round2'])
    expected = np.full((40, 56), 255, np.uint8)
    expected[:30], expected[2:6, 2:6] = 3, 1
    assert np.array_equal(read(place / 'round2/masks/a/b/3.png'), expected)
    assert '25.00% of the pixels of the masks that were taken have no class' in capsys.readouterr().out
    write_png(place / 'photos/0a1b2c3d-9.png', noise(20))  # a name that begins so itself
    write_png(place / 'photos/9.png', noise(21))
    (place / 'own.json').write_text(polygons_of('0a1b2c3d-9.png', *outlines))
    tool.main(['run', '--accept', 'own.json', '--out', 'own'])
    assert read_ids('own/labeled.txt') == ['0a1b2c3d-9', *LABELED]
    (place / 'middle.json').write_text(polygons_of('x0a1b2c3d-9.png', *outlines))
    with pytest.raises(UserError, match='x0a1b2c3d-9.png is no image of this run'):
        tool.main(['run', '--accept', 'middle.json', '--out', 'no'])


def test_datumaro_reads_what_is_written_and_is_read(tool, place):
    """CVAT imports and exports COCO through it: nothing is lost there and back, and what lies above stays above."""
    datumaro = pytest.importorskip('datumaro')
    from datumaro.components.annotation import AnnotationType, Mask, Polygon

    tool.main(['run', '--count', '2', '--out', 'out', '--device', 'cpu'])
    images = place / 'dataset/images/default'
    shutil.copytree(place / 'photos', images)
    (place / 'dataset/annotations').mkdir()
    shutil.copy(place / 'out/annotations.json', place / 'dataset/annotations/instances_default.json')
    dataset = datumaro.Dataset.import_from(str(place / 'dataset'), 'coco_instances')
    expected = {}
    for item in dataset:
        mask = read(place / f'out/masks/{item.id}.png')
        found = np.full(mask.shape, 255, np.uint8)
        masks = [one for one in item.annotations if one.type == AnnotationType.mask]  # newer versions add boxes
        for one in masks:
            found[np.asarray(one.image, bool)] = one.label
            one.group = 0  # CVAT drops groups of one; those of several would be above all others
        assert np.array_equal(found, mask)
        brushed = np.zeros(mask.shape, bool)
        brushed[5:15, 5:15], brushed[8:11, 8:11] = True, False
        drawn = [Mask(brushed, label=2), Polygon([20, 20, 40, 20, 40, 30, 20, 30], label=1)]
        item.annotations = [*masks, *drawn]
        dataset.put(item)
        mask[brushed], mask[20:30, 20:40] = 2, 1
        expected[item.id] = mask
    dataset.export(str(place / 'exported'), 'coco_instances')
    tool.main(['run', '--accept', 'exported/annotations/instances_default.json', '--out', 'round2'])
    assert len(expected) == 2
    assert all(np.array_equal(read(place / f'round2/masks/{name}.png'), mask) for name, mask in expected.items())


def test_predictions_that_nobody_corrected_are_named(tool, place, capsys):
    """From the folder itself, a copy saved in another way, and COCO; a single corrected pixel, and it is a label."""
    write_data_config(place, 'run', reduce_zero_label=True)  # values of files are no class indices
    tool.main(['run', '--count', '3', '--out', 'out', '--device', 'cpu'])
    one, two, three = sorted(read_ids('out/suggested.txt'))
    mask = read(place / f'out/masks/{one}.png')
    mask[0, 0] = 1 if mask[0, 0] != 1 else 2
    write_png(place / f'out/masks/{one}.png', mask)
    saved = place / f'copy/{two}.png'
    saved.parent.mkdir(parents=True)
    cv2.imwrite(str(saved), read(place / f'out/masks/{two}.png'), [cv2.IMWRITE_PNG_COMPRESSION, 0])
    assert saved.read_bytes() != (place / f'out/masks/{two}.png').read_bytes()
    (place / 'annotated').mkdir()
    shutil.copy(place / 'out/annotations.json', place / 'annotated/instances.json')
    (place / 'annotated/settings.json').write_text('no notes of this tool')
    capsys.readouterr()
    cases = dict(out=('out/masks', [two, three]), copy=('copy', [two]))
    cases['annotated'] = ('annotated/instances.json', [one, two, three])
    for folder, (given, names) in cases.items():
        tool.main(['run', '--accept', given, '--out', f'round_{folder}'])
        said = f'warning: {len(names)} masks are exactly what the network predicted: {", ".join(names)}. '
        assert capsys.readouterr().out.count(said) == 1, folder
    write_png(place / f'right/{one}.png', mask)
    tool.main(['run', '--accept', 'right', '--out', 'round_right'])
    assert 'warning' not in capsys.readouterr().out


def test_images_that_nobody_labeled_are_not_taken(tool, place, capsys):
    """A labeling tool lists them without annotations; their masks would hold nothing, or replace what was labeled."""
    empty, mask = np.full((40, 56), 255, np.uint8), np.full((40, 56), 1, np.uint8)
    write_coco(place / 'coco.json', [('0.png', mask), ('1.png', empty), ('a/0.png', empty)], META['classes'])
    tool.main(['run', '--accept', 'coco.json', '--out', 'round2'])
    said = capsys.readouterr().out
    assert '1 new masks, 0 instead of old' in said and '2 images without a labeled pixel, such as 1, are' in said
    write_coco(place / 'twice.json', [('3.png', mask), ('x/3.png', mask)], META['classes'])
    with pytest.raises(UserError, match='twice.json: x/3.png is the image a/b/3, and so is another one'):
        tool.main(['run', '--accept', 'twice.json', '--out', 'no'])
    write_png(place / 'new/0.png', empty)
    with pytest.raises(UserError, match='new/0.png: no pixel has a class'):
        tool.main(['run', '--accept', 'new', '--out', 'no'])
    write_png(place / 'new/a/0.tif', mask)
    with pytest.raises(UserError, match='new/a/0.tif: the masks of this run end in .png'):
        tool.main(['run', '--accept', 'new', '--out', 'no'])


def test_masks_that_do_not_fit_are_named_all_at_once(tool, place):
    """Size, name, value and content; nothing is taken, and the folder is not there."""
    write_png(place / 'new/0.png', np.zeros((40, 56), np.uint8))
    write_png(place / 'new/a/0.png', np.zeros((56, 40), np.uint8))
    write_png(place / 'new/q.png', np.zeros((40, 56), np.uint8))
    write_png(place / 'new/a/b/3.png', np.full((40, 56), 7, np.uint8))
    write_png(place / 'new/a/b/4.png', np.zeros((40, 56, 3), np.uint8))
    with pytest.raises(UserError) as error:
        tool.main(['run', '--accept', 'new', '--out', 'no'])
    said = str(error.value)
    assert said.startswith('4 of 5 masks cannot be taken; nothing was:')
    for text in (
        'new/a/0.png is 40x56, its image photos/a/0.png is 56x40',
        'new/q.png: the run has no image q',
        'new/a/b/3.png: 2240 pixels have the value 7, which stands for no class',
        'new/a/b/4.png: the mask has 3 channels',
    ):
        assert text in said, said
    assert not (place / 'no').exists()
    for given, text in (('none', 'there is no such folder'), ('run', 'holds no mask that ends in .png')):
        with pytest.raises(UserError, match=text):
            tool.main(['run', '--accept', given, '--out', 'nothing'])


def test_images_of_another_folder_are_copied_beside_the_labeled_ones(tool, place):
    """A labeled set has one folder of images; the copies are no unlabeled images of the next training."""
    write_png(place / 'more/x.png', noise(9))
    write_png(place / 'new/x.png', np.zeros((40, 56), np.uint8))
    tool.main(['run', '--images', 'more', '--accept', 'new', '--out', 'round2'])
    data = build(Config.fromfile('round2/tiny_mine_round2.py'))
    data.full_init()
    images = [data.labeled.get_data_info(index)['img_path'] for index in range(3)]
    assert [Path(path).name for path in images] == ['1.png', '2.png', 'x.png']
    assert all('round2/images' in path for path in images) and len(data.unlabeled) == 4


def test_the_commands_that_are_printed_can_be_given(tool, place, capsys):
    """In folders with spaces, and of images of another folder, which the masks alone do not name."""
    write_png(place / 'more photos/x.png', noise(9))
    tool.main(['run', '--images', 'more photos', '--count', '1', '--out', 'to label', '--device', 'cpu'])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if '--accept' in line]
    tool.main([*shlex.split(line.partition('mmseg-ssl suggest')[2])[:-1], 'round 2'])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if 'mmseg-ssl train' in line]
    (config,) = shlex.split(line.partition('mmseg-ssl train')[2])
    assert Path(config).is_file()


def test_masks_that_seem_wrong_have_a_command_that_takes_them_or_a_place(tool, place, capsys, monkeypatch):
    """Those of a training are accepted; no training may learn from those of val, so they go over the old ones."""
    with open('run/tiny_mine.py', 'a') as config:
        config.write(
            "\nval_dataloader = dict(dataset=dict(train_dataloader['dataset']['labeled'], ann_file='list.txt'))"
        )
    words = ['run', '--errors', '--device', 'cpu', '--checkpoint', 'run/iter_6.pth']
    monkeypatch.setattr(tool, 'find_suspects', lambda *_: [])
    tool.main([*words, '--out', 'none'])
    assert 'Correct' not in capsys.readouterr().out  # and no mask was copied
    monkeypatch.setattr(tool, 'find_suspects', wrong_everywhere)
    tool.main([*words, '--out', 'wrong masks'])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if '--accept' in line]
    tool.main([*shlex.split(line.partition('mmseg-ssl suggest')[2])[:-1], 'round 2'])
    assert '0 new masks, 2 instead of old ones' in capsys.readouterr().out
    tool.main([*words[:2], 'val', *words[2:], '--out', 'wrong in val'])
    said = capsys.readouterr().out
    assert '--accept' not in said and 'masks in wrong in val/masks, then copy them over those in masks' in said


def wrong_everywhere(network, labeled, names, count, folder):
    """Find that each mask is another class, as a network may that nobody trained."""
    folder.begin()
    for name in names:
        write_png(folder.place / f'masks/{name}.png', np.full((40, 56), 1, np.uint8))
    folder.finish()
    return [LabelError(name, 3, 1, 1.0, 0.9, 1.0, (0, 0, 56, 40)) for name in names]


def test_files_keep_the_values_of_their_dataset(tool, place):
    """With reduce_zero_label, 0 is ignored and class 0 is a 1, in pre-labels as in corrected masks."""
    write_data_config(place, 'run', reduce_zero_label=True)
    tool.main(['run', '--count', '2', '--out', 'out', '--device', 'cpu'])
    name = read_ids('out/suggested.txt')[0]
    assert np.array_equal(
        read(place / f'out/masks/{name}.png'), load('run', device='cpu')(f'photos/{name}.png').mask + 1
    )
    tool.main(['run', '--accept', 'out/annotations.json', '--out', 'round2'])
    assert (place / f'round2/masks/{name}.png').read_bytes() == (place / f'out/masks/{name}.png').read_bytes()


class Knowing:
    """A network that knows the true masks, and is less sure of small objects."""

    classes, palette = META['classes'], np.array(META['palette'], np.uint8)

    def __init__(self, truth):
        self.truth = truth

    def read(self, path):
        return cv2.imread(str(path))

    def __call__(self, pixels):
        mask = self.truth[pixels.tobytes()]
        confidence = np.where(mask == 2, 0.7, 0.9).astype(np.float32)
        return type('Found', (), dict(mask=mask, confidence=confidence))


def test_planted_errors_come_first(tool, place):
    """Borders that are off by a pixel are none; a region of another class is, and the larger one is first."""
    truth, random = {}, np.random.RandomState(0)
    for number, name in enumerate(NAMES):
        mask = np.zeros((80, 112), np.uint8)
        mask[40:], mask[10:30, 20 + number : 50], mask[50:62, 70:90] = 1, 3, 2
        pixels = random.randint(0, 255, (80, 112, 3)).astype(np.uint8)
        write_png(place / f'photos/{name}.png', pixels)
        truth[pixels.tobytes()] = mask
        drawn = np.roll(mask, 1, axis=1)  # by a hand that is not exact
        if name == 'a/0':
            drawn[drawn == 3] = 2
        if name == '0':
            drawn[drawn == 2] = 255  # ignored, not wrong
        if name == 'a/b/3':
            drawn[drawn == 2] = 1  # an object that is missing
        write_png(place / f'masks/{name}.png', drawn)
    (place / 'list.txt').write_text('\n'.join(NAMES))
    labeled = labeled_set(Config.fromfile('run/tiny_mine.py'))
    errors = suspects.find_suspects(Knowing(truth), labeled, NAMES, 5, NewFolder(place / 'out', {}))
    assert [(e.image, e.given, e.predicted) for e in errors] == [('a/0', 2, 3), ('a/b/3', 1, 2)]
    assert errors[0].share == pytest.approx(20 * 27 / (80 * 112), abs=0.01) and errors[0].box[:2] == (23, 10)
    assert (place / 'out/suspects.txt').read_text() == 'a/0\na/b/3\n'
    assert '"car","tree"' in (place / 'out/errors.csv').read_text().splitlines()[1]
    for name in ('a/0', 'a/b/3'):
        assert (place / f'out/masks/{name}.png').read_bytes() == (place / f'masks/{name}.png').read_bytes()
    assert len(list((place / 'out/thumbnails').iterdir())) == 2


def test_errors_by_the_tool(tool, place, capsys):
    """The network of random weights contradicts what it likes; a list chooses masks, and sizes are compared."""
    (place / 'ids.txt').write_text('1\n')
    tool.main(['run', '--errors', '--list', 'ids.txt', '--out', 'out', '--device', 'cpu'])
    assert 'of 1 masks' in capsys.readouterr().out
    write_png(place / 'masks/1.png', np.zeros((20, 28), np.uint8))
    with pytest.raises(Exception, match=r'masks/1.png is 28x20, its image photos/1.png is 56x40'):
        tool.main(['run', '--errors', '--out', 'sizes', '--device', 'cpu'])


def test_doubtful_regions_are_of_all_images_and_of_each():
    """Twice as doubtful means more outlined pixels; no image is without a region."""
    high, low = (top * np.linspace(0, 1, 100)[:, None].repeat(100, 1) for top in (1.0, 0.1))
    found = doubtful_regions([high, low])
    assert 0.18 < found[0].mean() < 0.22 and 0.04 < found[1].mean() < 0.08
    assert found[0][-1].all() and found[1][-1].all() and not found[0][:50].any()
    binary = np.repeat([0.0, 1.0], 50)[:, None].repeat(100, 1)  # of two networks: yes or no
    assert doubtful_regions([binary])[0][70:].all() and not doubtful_regions([0 * binary])[0].any()
