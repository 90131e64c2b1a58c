"""Choice of images, COCO annotations and contradicted labels, by hand-made examples."""

import json

import cv2
import numpy as np
import pytest

from mmseg_ssl.structures import IGNORE_INDEX
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.suggestions.choice import choose, draw, farthest_first, standardized
from mmseg_ssl.tooling.suggestions.coco import read_coco, write_coco
from mmseg_ssl.tooling.suggestions.label_errors import Agreement, find_errors, ranked
from mmseg_ssl.tooling.suggestions.run_lengths import decompressed, from_run_lengths, run_lengths

CLASSES = ('sky', 'road', 'car')


def test_farthest_first_by_hand():
    """Points 0 1 5 9 on a line, 0 known: 9 is 9 away; then 5 is 4 from 9 and 5 from 0, 1 is 1 away."""
    line = np.array([[0.0], [1.0], [5.0], [9.0]])
    assert farthest_first(line, line[:1], 3) == [3, 2, 1]
    assert farthest_first(line, line[:0], 2) == [0, 3]  # nothing known: the first is the first
    same = np.zeros((3, 2))
    assert sorted(farthest_first(same, same[:1], 3)) == [0, 1, 2]  # copies are chosen once each


def test_features_count_alike_whatever_their_unit():
    """A constant one says nothing, and is no division by 0."""
    values = np.random.RandomState(0).randn(9, 2)
    scaled = np.column_stack([1000 * values[:, 0], values[:, 1], np.full(9, 7.0)])
    assert np.allclose(standardized(scaled)[:, :2], standardized(values)) and not standardized(scaled)[:, 2].any()


def test_choice_is_among_the_most_doubtful():
    """a b c d by doubt; b is a's double: of the pool of three, a is taken, then c; d is too sure to be in the pool."""
    scores = dict(d=0.1, c=0.5, b=0.8, a=0.9)
    vectors = dict(a=np.array([1.0, 0]), b=np.array([1.0, 0.01]), c=np.array([0.0, 1]), d=np.array([50.0, 50]))
    far = [np.array([0.0, 40.0])]
    assert choose(scores, vectors, far, 1, 1) == ['a'] and choose(scores, vectors, far, 2, 1) == ['a', 'b']
    two = choose(dict(scores, e=0.0), dict(vectors, e=vectors['d']), [], 2, 2)
    assert two == ['a', 'd']  # of all four in the pool the farthest from a
    assert set(choose(dict(a=0.9, b=0.8, c=0.5), vectors, [], 2, 5)) == {'a', 'c'}
    assert choose(scores, vectors, far, 9, 5) == ['a', 'b', 'c', 'd']


def test_draws_depend_on_names_and_seed_alone():
    assert draw(['c', 'a', 'b'], 2, 0) == draw(['a', 'b', 'c'], 2, 0)
    assert sorted(draw(['c', 'a', 'b'], 3, 1)) == ['a', 'b', 'c']


def test_run_lengths_by_hand():
    """Columns of [[0, 1], [1, 1]] are 0 1 and 1 1: one pixel outside, three inside."""
    region = np.array([[False, True], [True, True]])
    assert run_lengths(region) == [1, 3] and run_lengths(~region) == [0, 1, 3]
    assert run_lengths(np.zeros((2, 3), bool)) == [6]
    for seed in range(5):
        drawn = np.random.RandomState(seed).rand(7, 11) > 0.5
        assert np.array_equal(from_run_lengths(run_lengths(drawn), drawn.shape), drawn)


def test_compressed_run_lengths():
    """Texts of pycocotools 2.0.11; 40 is 8 + 32 in two digits, and the fourth number is a difference of -4."""
    assert decompressed('0S1') == [0, 35]
    assert decompressed('44d00H080H0')[:4] == [4, 4, 20, 4]
    assert decompressed('X14') == [40, 4]


def annotated(**changes):
    image = dict(id=1, file_name='a.jpg', height=10, width=12)
    whole = dict(id=5, image_id=1, category_id=2, segmentation=dict(size=[10, 12], counts=[120 - 7, 7]))
    return dict(
        images=[image],
        annotations=[dict(whole, **changes)],
        categories=[dict(id=number + 1, name=name) for number, name in enumerate(CLASSES)],
    )


def test_masks_survive_coco(tmp_path):
    """Pixel by pixel, holes, single pixels and ignored ones included; boxes and areas are those of the class."""
    random, path = np.random.RandomState(1), tmp_path / 'coco.json'
    masks = {f'{name}.png': random.choice([0, 1, 2, IGNORE_INDEX], (9, 13)).astype(np.uint8) for name in 'ab'}
    masks['only.png'] = np.full((4, 4), IGNORE_INDEX, np.uint8)
    masks['only.png'][1:3, 2:4] = 2
    write_coco(path, masks.items(), CLASSES)
    found = read_coco(path, CLASSES)
    assert all(np.array_equal(found[name], mask) for name, mask in masks.items())
    last = json.loads(path.read_text())['annotations'][-1]
    assert (last['bbox'], last['area'], last['category_id']) == ([2, 1, 2, 2], 4, 3)
    for annotation in json.loads(path.read_text())['annotations']:
        counts, size = annotation['segmentation']['counts'], annotation['segmentation']['size']
        inside = from_run_lengths(counts, size)
        assert run_lengths(inside) == counts and inside.sum() == annotation['area']
        assert cv2.boundingRect(inside.astype(np.uint8)) == tuple(annotation['bbox'])


def test_every_region_is_an_annotation(tmp_path):
    """Two cars of three and one pixels, and a sky around them: of regions in two pieces CVAT makes groups, and it
    exports groups above what was drawn over them."""
    mask = np.zeros((4, 5), np.uint8)
    mask[0, 0] = mask[1, 1] = mask[2, 1] = mask[3, 4] = 2
    write_coco(tmp_path / 'coco.json', [('a.png', mask)], CLASSES)
    found = [
        (one['category_id'], one['area'], one['bbox'])
        for one in json.loads((tmp_path / 'coco.json').read_text())['annotations']
    ]
    assert found == [(1, 16, [0, 0, 5, 4]), (3, 3, [0, 0, 2, 3]), (3, 1, [4, 3, 1, 1])]


def test_polygons_cover_pixels_whose_middle_is_inside(tmp_path):
    """As pycocotools draws it: corners (2, 3) and (6, 7) are 16 pixels, and a later annotation is above."""
    content = annotated(segmentation=[[2, 3, 6, 3, 6, 7, 2, 7], [9, 0, 12, 0, 12, 1, 9, 1]])
    content['annotations'].append(
        dict(content['annotations'][0], category_id=3, segmentation=[[2, 3, 3, 3, 3, 7, 2, 7]])
    )
    outside = dict(content['annotations'][0], segmentation=[[-9, -9, -3, -9, -3, -3], [50, 50, 60, 50, 60, 60]])
    content['annotations'].append(outside)
    (tmp_path / 'coco.json').write_text(json.dumps(content))
    expected = np.full((10, 12), IGNORE_INDEX)
    expected[3:7, 2:6], expected[0, 9:12], expected[3:7, 2] = 1, 1, 2
    assert np.array_equal(read_coco(tmp_path / 'coco.json', CLASSES)['a.jpg'], expected)


@pytest.mark.parametrize(
    ('content', 'said'),
    [
        (dict(a=1), 'is no file of COCO annotations'),
        (
            annotated(category_id=9),
            '5 is of category 9, which the file does not list; the classes are sky, road, car',
        ),
        (annotated(image_id=3), 'annotation 5 is of image 3, which the file does not list'),
        (annotated(segmentation=dict(size=[10, 12], counts=[3])), 'cannot be drawn: run lengths of 3 pixels'),
        (
            annotated(segmentation=dict(size=[9, 12], counts=[3])),
            r'its size is \(9, 12\), that of its image \(10, 12\)',
        ),
        (annotated(segmentation=[[1, 2, 3]]), 'annotation 5 cannot be drawn'),
        (annotated(segmentation=[[1, 2, 3, 4]]), 'a polygon needs three corners, this one has 2'),
        (annotated(segmentation=[]), 'cannot be drawn: it has no outline and no run lengths, at most a box'),
        (dict(annotated(), images=[dict(id=1, file_name='a.jpg')]), "an image needs .* 'height' is missing"),
        (dict(annotated(), images=2 * annotated()['images']), 'lists an image twice'),
    ],
)
def test_annotations_that_cannot_be_drawn_are_named(tmp_path, content, said):
    (tmp_path / 'coco.json').write_text(json.dumps(content))
    with pytest.raises(UserError, match=said):
        read_coco(tmp_path / 'coco.json', CLASSES)


def test_contradicted_regions_by_hand():
    """Class 2 agrees at 0.9: a square of it on a label of 1 is a region from 0.72 on, and a line of it never is."""
    agreement, whole = Agreement(3), np.full((50, 50), 2, np.uint8)
    agreement.add(whole, whole, np.full((50, 50), 0.9))
    assert agreement.thresholds() == pytest.approx([0.8, 0.8, 0.72])
    label, mask = np.full((50, 50), 1, np.uint8), np.full((50, 50), 1, np.uint8)
    mask[10:20, 5:25], mask[30, :], mask[40:48, 40:48] = 2, 2, 2
    confidence = np.where(np.arange(50)[:, None] > 35, 0.6, 0.8) * np.ones((50, 50))
    agreement.add(label, mask, confidence)
    ((found, inside),) = find_errors('x', label, mask, confidence, agreement)
    assert found[:3] == ('x', 1, 2) and found.box == (5, 10, 20, 10)
    assert found.share == 200 / 2500 and found.confidence == pytest.approx(0.8) and inside.sum() == 200
    # of the other image, all 2500 pixels predicted 2 are labeled 2, and one more pixel of each label is counted
    assert found.surprise == pytest.approx(np.log(2503))
    label[:] = IGNORE_INDEX
    assert not list(find_errors('x', label, mask, confidence, agreement))


def test_what_a_network_often_confuses_surprises_less():
    """Three images in which a label of 0 is called 2, and one with a label of 1: in a further image, both alike."""
    agreement, images = Agreement(3), []
    for given in (0, 0, 0, 1):
        label = np.full((40, 40), given, np.uint8)
        mask = label.copy()
        mask[:20] = 2
        images.append((label, mask, np.full((40, 40), 0.9)))
    agree = np.full((40, 40), 2, np.uint8)
    images.append((agree, agree, images[0][2]))
    for image in images:
        agreement.add(*image)
    errors = [error for place in (0, 3) for error, _ in find_errors(str(place), *images[place], agreement)]
    assert [error.share for error in errors] == [0.5, 0.5]
    assert [error.given for error in ranked(errors)] == [1, 0]
    # of 0: two other images of 800 pixels called 2 are labeled 0, 800 are 1 and 1600 are 2
    assert errors[0].surprise == pytest.approx(-np.log(1601 / (1601 + 801 + 1601)))
    assert errors[1].surprise == pytest.approx(-np.log(1 / (2401 + 1 + 1601)))
