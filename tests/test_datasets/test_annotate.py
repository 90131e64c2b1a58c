"""Strokes and blocks stay inside their classes, and are functions of the seed and the name."""

import cv2
import numpy as np
import pytest

from mmseg_ssl.datasets import draw_blocks, draw_scribbles
from mmseg_ssl.structures import IGNORE_INDEX, UNLABELED
from mmseg_ssl.tooling.annotate import WeakAnnotator

RATIOS = (0, 0.3, 0.5, 0.8, 1)


@pytest.fixture(scope='module')
def scene() -> np.ndarray:
    """Sky (0), road (1), a ring (2), a thin pole (3), specks (4) and a void rim."""
    mask = np.zeros((120, 160), np.uint8)
    mask[80:] = 1
    cv2.ellipse(mask, (50, 50), (30, 20), 0, 0, 300, 2, 9)
    mask[20:110, 120:122] = 3
    mask[10:13, 100:103] = 4
    mask[:, :3] = IGNORE_INDEX
    return mask


def draw(mask: np.ndarray, seed: int = 0, **options) -> np.ndarray:
    return draw_scribbles(mask, np.random.RandomState(seed), **options)


@pytest.mark.parametrize('ratio', RATIOS)
@pytest.mark.parametrize('width', [1, 3, 6])
def test_strokes_never_leave_their_class(scene, ratio, width):
    weak = draw(scene, ratio=ratio, width=width)
    labeled = weak < UNLABELED
    assert (weak[labeled] == scene[labeled]).all()
    assert ((weak == IGNORE_INDEX) == (scene == IGNORE_INDEX)).all()
    assert set(weak[labeled]) == {0, 1, 2, 3}  # the specks are below min_area


def test_void_may_have_another_index(scene):
    """Where the ring's 2 is void: 255 in the result, and no stroke."""
    for weak in (draw(scene, void=2), draw_blocks(scene, np.random.RandomState(0), 1.0, void=2)):
        assert (weak[scene == 2] == IGNORE_INDEX).all() and 2 not in weak
        assert {0, 1, 3} < set(np.unique(weak))
    weak = draw(scene, void=2)
    assert (weak[(scene != 2) & (scene != IGNORE_INDEX)] != IGNORE_INDEX).all()


def test_a_longer_ratio_contains_a_shorter_one(scene):
    strokes = [draw(scene, ratio=ratio) for ratio in RATIOS]
    for shorter, longer in zip(strokes, strokes[1:]):
        inside = shorter < UNLABELED
        assert (longer[inside] == shorter[inside]).all()
        assert (longer < UNLABELED).sum() > inside.sum()


def test_a_click_is_one_dot_of_the_pen_in_every_region(scene):
    """A pen of 3 pixels is a plus of 5, less where the region is thinner; regions have at least 100 pixels."""
    weak = draw(scene, ratio=0)
    for label in (0, 1, 2, 3):
        regions = cv2.connectedComponentsWithStats((scene == label).astype(np.uint8), connectivity=8)[2][1:, -1]
        dots = cv2.connectedComponentsWithStats((weak == label).astype(np.uint8), connectivity=8)[2][1:, -1]
        assert len(dots) == (regions >= 100).sum() > 0
        assert (dots <= 5).all() and (dots >= 3).all()


def test_a_stroke_runs_along_the_middle_of_a_bar():
    """Bar of 21 x 141 pixels around row 20, eroded by half its depth, 5.5 pixels; the ends are corners of the rest."""
    mask = np.full((40, 160), 7, np.uint8)
    mask[10:31, 10:151] = 1
    rows, cols = np.nonzero(draw(mask, width=1, classes=[1]) == 1)
    assert abs(rows - 20).max() <= 6
    assert (abs(rows - 20) <= 1).mean() > 0.7
    assert (cols.min(), cols.max()) == (pytest.approx(16, abs=3), pytest.approx(144, abs=3))
    half = np.nonzero(draw(mask, width=1, classes=[1], ratio=0.5) == 1)[1]
    assert half.max() - half.min() == pytest.approx(0.5 * (cols.max() - cols.min()), abs=3)
    assert (half.max() + half.min()) / 2 == pytest.approx((cols.max() + cols.min()) / 2, abs=3)


def test_a_stroke_follows_a_bent_region_and_does_not_cut_across(scene):
    """It covers most of the ring's 300 degrees."""
    rows, cols = np.nonzero(draw(scene, width=1) == 2)
    angles = np.degrees(np.arctan2((rows - 50) / 20, (cols - 50) / 30)) % 360
    assert len(np.unique(angles // 20)) >= 13


@pytest.mark.parametrize('shape', [(1, 1), (1, 30), (30, 1), (2, 2), (300, 400)])
def test_every_region_however_thin_gets_a_pixel(shape):
    for ratio in (0, 1):
        weak = draw(np.zeros(shape, np.uint8), ratio=ratio, min_area=1)
        assert (weak == 0).any()


def test_wobble_depends_on_the_seed_and_classes_can_be_chosen(scene):
    assert (draw(scene, 1) == draw(scene, 1)).all()
    assert (draw(scene, 1) != draw(scene, 2)).any()
    chosen = draw(scene, 1, classes=[0, 3])
    assert set(np.unique(chosen)) == {0, 3, UNLABELED, IGNORE_INDEX}


@pytest.mark.parametrize('options', [dict(ratio=1.1), dict(ratio=-0.1), dict(width=0)])
def test_bad_options_of_strokes(scene, options):
    with pytest.raises(ValueError, match=r'ratio must be in \[0, 1\] and width at least 1, got'):
        draw(scene, **options)


@pytest.mark.parametrize('share', [0.1, 0.2, 0.5, 1.0])
@pytest.mark.parametrize('block', [8, 17])
def test_blocks_meet_the_share_within_one_block(scene, share, block):
    weak = draw_blocks(scene, np.random.RandomState(0), share, block)
    labeled = weak < UNLABELED
    target = share * (scene != IGNORE_INDEX).sum()
    assert target <= labeled.sum() < target + block**2
    assert (weak[labeled] == scene[labeled]).all()
    assert ((weak == IGNORE_INDEX) == (scene == IGNORE_INDEX)).all()
    for y in range(0, 120, block):
        for x in range(0, 160, block):
            kinds = set(np.unique(weak[y : y + block, x : x + block] == UNLABELED))
            void = (scene[y : y + block, x : x + block] == IGNORE_INDEX).any()
            assert len(kinds) == 1 or void  # a block is labeled or not


def test_blocks_depend_on_the_seed_and_bad_shares_are_refused(scene):
    one, same, other = (draw_blocks(scene, np.random.RandomState(seed), 0.2) for seed in (0, 0, 1))
    assert (one == same).all() and (one != other).any()
    for options in (dict(share=0), dict(share=1.5), dict(share=0.5, block=0)):
        with pytest.raises(ValueError, match=r'share must be in \(0, 1\] and block at least 1'):
            draw_blocks(scene, np.random.RandomState(0), **options)


@pytest.mark.parametrize('kind', ['scribble', 'block'])
def test_an_annotator_is_a_function_of_seed_and_name(scene, kind):
    annotate = WeakAnnotator(kind=kind, share=0.5)
    assert (annotate(scene, 'a/b.png') == annotate(scene, 'a/b.png')).all()
    assert (annotate(scene, 'a/b.png') != annotate(scene, 'a/c.png')).any()
    assert (annotate(scene, 'a/b.png') != annotate._replace(seed=1)(scene, 'a/b.png')).any()
    plain, dropped = annotate(scene, 'a'), annotate._replace(drop_void=True)(scene, 'a')
    assert (dropped == np.where(plain == IGNORE_INDEX, UNLABELED, plain)).all()
    chosen = annotate._replace(classes=(1,))(scene, 'a')
    assert set(np.unique(chosen)) == {1, UNLABELED, IGNORE_INDEX}
    with pytest.raises(ValueError, match='kind must be one of'):
        annotate._replace(kind='point')(scene, 'a')
