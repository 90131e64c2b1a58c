"""tools/make_splits.py: subsets by class and in groups; test_datasets/test_splits.py holds random ones to the lists."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from mmseg_ssl.datasets import DatasetError, read_ids
from mmseg_ssl.tooling.class_cover import Unit, cover
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.subsets import make_units, stratified_rings


@pytest.fixture
def draw(tool, tmp_path):
    """Write masks with the given classes, draw subsets of them, and return the ids of each."""

    def run(classes, *options, stratify=True):
        (tmp_path / 'masks').mkdir(exist_ok=True)
        for image_id, inside in classes.items():
            mask = np.full((4, 8), 255, np.uint8)
            mask[0, : len(inside)] = inside
            Image.fromarray(mask).save(tmp_path / 'masks' / f'{image_id}.png')
        (tmp_path / 'list.txt').write_text('\n'.join(classes) + '\n')
        masks = ['--stratify', str(tmp_path / 'masks')] if stratify else []
        tool.main([str(tmp_path / 'list.txt'), '--out', str(tmp_path / 'out'), *masks, *options])
        return {path.stem: read_ids(str(path)) for path in (tmp_path / 'out').iterdir()}

    return run


def rare_classes(number=60):
    """Class 0 is everywhere, 1 in every second image, 2 in a sixth, 3 in two, 4 in one."""
    classes = {f'{k:02d}': {0} | ({1} if k % 2 else set()) | ({2} if k % 6 == 0 else set()) for k in range(number)}
    for image_id, label in (('07', 3), ('31', 3), ('44', 4)):
        classes[image_id].add(label)
    return {image_id: sorted(inside) for image_id, inside in classes.items()}


def test_every_class_is_in_the_smallest_subset_and_shares_are_kept(draw, capsys):
    """At random, 5 of 60 images have class 4 once in 12 draws. Half of the images have as many of each class, give or
    take one; the 2 and 1 images of the rare classes belong to the smallest subset.
    """
    classes = rare_classes()
    subsets = draw(classes, '--subset', 'a=5', '--subset', 'b=30', '--draws', '4')
    for k in range(4):
        small, large = subsets[f'a_draw{k}'], subsets[f'b_draw{k}']
        assert (len(small), len(large)) == (5, 30) and set(small) <= set(large)
        for subset in (small, large):
            assert {label for image_id in subset for label in classes[image_id]} == {0, 1, 2, 3, 4}
        counts = Counter(label for image_id in large for label in classes[image_id])
        assert abs(counts[1] - 15) <= 1 and abs(counts[2] - 5) <= 1
    assert len({tuple(subset) for subset in subsets.values()}) == 8
    assert 'did not fit' not in capsys.readouterr().out


def test_a_draw_depends_on_its_seed_and_not_on_the_order_of_the_list(draw):
    classes = rare_classes()
    first = draw(classes, '--subset', 'a=9')
    again = draw(dict(reversed(classes.items())), '--subset', 'a=9')
    assert first == again
    assert draw(classes, '--subset', 'a=9', '--seed', '1')['a_draw0'] == first['a_draw1']


def test_a_class_that_does_not_fit_is_said_and_comes_with_the_next_size(draw, capsys):
    """Four images of one class each, in 1, 2, 3 and 4 images: two images take the two rarest."""
    classes = {f'{label}{k}': [label] for label in range(4) for k in range(label + 1)}
    subsets = draw(classes, '--subset', 'a=2', '--subset', 'b=4', '--draws', '1')
    assert [image_id[0] for image_id in subsets['a_draw0']] == ['0', '1']
    assert [image_id[0] for image_id in subsets['b_draw0']] == ['0', '1', '2', '3']
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == [f'  class {k} did not fit: {k + 1} images of the list have it' for k in (2, 3)]
    assert lines[3].endswith('b_draw0.txt: 4 of 10') and len(lines) == 4


def test_all_classes_are_found_where_the_greedy_choice_misses_one():
    """The rarest class, 0, is in A with 1 and 2, and in B with 1 and 3: greedily A, and 3 or 4 is left. B and C fit."""
    inside = dict(A=(0, 1, 2), B=(0, 1, 3), C=(2, 4), D=(3,), E=(4,), F=(2,))
    units = [Unit((name,), dict.fromkeys(has, 1)) for name, has in inside.items()]
    total = Counter(label for has in inside.values() for label in has)
    assert {unit.ids[0] for unit in cover(units, range(5), 2, total)} == {'B', 'C'}
    assert len(cover(units, range(5), 3, total)) <= 3
    assert [unit.ids[0] for unit in cover(units, range(5), 1, total)] in (['A'], ['B'])


def test_iterative_stratification_by_hand():
    """Classes of 4 and 2 images of 8 and a subset of 4: two of the first, one of the second, one without any."""
    units = [Unit((str(k),), dict.fromkeys((1,) * (k < 4) + (2,) * (4 <= k < 6), 1)) for k in range(8)]
    for seed in range(5):
        (ring,) = stratified_rings(units, [4], np.random.RandomState(seed))
        assert Counter(label for unit in ring for label in unit.counts or [None]) == {1: 2, 2: 1, None: 1}


@pytest.mark.parametrize('stratify', [True, False])
def test_groups_stay_together_and_sizes_are_at_most(draw, stratify):
    """Videos a to f of 2 to 7 frames; no video is in part in a subset, and smaller subsets are in larger ones."""
    frames = {f'{name}_{k}': [0, ord(name) - 96] for name, size in zip('abcdef', range(2, 8)) for k in range(size)}
    subsets = draw(frames, '--groups', '^[^_]+', '--subset', 's=7', '--subset', 't=16', stratify=stratify)
    sizes = dict(zip('abcdef', range(2, 8)))
    for name, subset in subsets.items():
        videos = Counter(image_id[0] for image_id in subset)
        assert dict(videos) == {video: sizes[video] for video in videos}
        assert 0 < len(subset) <= (7 if name[0] == 's' else 16)
    assert all(set(subsets[f's_draw{k}']) <= set(subsets[f't_draw{k}']) for k in range(3))


def test_the_name_of_a_group_is_in_the_brackets():
    ids = ['left/p1_0', 'right/p1_1', 'left/p2_0']
    assert [unit.ids for unit in make_units(ids, r'/p(\d)', {})] == [('left/p1_0', 'right/p1_1'), ('left/p2_0',)]
    assert [unit.ids for unit in make_units(ids, None, {})] == [(image_id,) for image_id in sorted(ids)]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--suffix', '_gt.png'), "00_gt.png: the image '00' of the list has no mask. Correct the folder"),
        (('--groups', '('), r'--groups \(: not a regular expression'),
        (('--groups', 'x'), "--groups x finds nothing in the image id '00': every image needs a group"),
        (('--groups', r'^\d'), 'the smallest group has 10 images. Ask for as many, or for finer --groups'),
    ],
)
def test_errors_tell_the_fix(draw, options, message):
    with pytest.raises((DatasetError, UserError), match=message):
        draw(rare_classes(), '--subset', 'a=5', *options)
