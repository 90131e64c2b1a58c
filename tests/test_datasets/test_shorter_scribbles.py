"""Scribbles that were drawn by hand lose their ends: lines of known length, a curve, a ring, one with branches."""

import cv2
import numpy as np
import pytest

from mmseg_ssl.datasets.shorter_scribbles import shorten_scribbles

RATIOS = (0.0, 0.3, 0.5, 0.8, 1.0)


def empty(height: int = 120, width: int = 160) -> np.ndarray:
    return np.full((height, width), 255, np.uint8)


def drawn(*lines, width: int = 3) -> np.ndarray:
    """A mask of open lines, each a class and its points (x, y)."""
    mask = empty()
    for label, points in lines:
        cv2.polylines(mask, [np.array(points, np.int32).reshape(-1, 1, 2)], False, (label,), width)
    return mask


@pytest.mark.parametrize('ratio', [0.3, 0.5, 0.8])
def test_a_straight_line_of_known_length(ratio):
    """101 pixels from column 20 to 120: the middle 101 r pixels stay, about column 70, over the line's whole width."""
    mask = empty()
    mask[60:63, 20:121] = 4
    short = shorten_scribbles(mask, ratio, unlabeled=255)
    rows, cols = (short == 4).nonzero()
    assert set(rows) == {60, 61, 62}
    assert cols.max() - 70 == 70 - cols.min() == pytest.approx(101 * ratio / 2, abs=1.5)
    assert len(rows) == pytest.approx(303 * ratio, abs=3)
    assert set(np.unique(short)) == {4, 255}


@pytest.mark.parametrize(('ratio', 'kept'), [(0.3, 3), (0.33, 5)])
def test_the_share_is_rounded_to_whole_pixels(ratio, kept):
    """11 pixels, of which 3.3 and 3.63 stay, so 3 and 4; of two at one distance both stay, so 3 and 5."""
    mask = empty()
    mask[60, 20:31] = 4
    cols = (shorten_scribbles(mask, ratio, unlabeled=255) == 4).nonzero()[1]
    assert cols.tolist() == list(range(25 - kept // 2, 26 + kept // 2))


def test_a_curve_is_measured_along_itself():
    """A half circle of radius 50: half of its length is the quarter about its top, not what lies within 39 pixels."""
    mask = empty()
    cv2.ellipse(mask, (80, 90), (50, 50), 0, 180, 360, (7,), 3)
    rows, cols = (shorten_scribbles(mask, 0.5, unlabeled=255) == 7).nonzero()
    angles = np.degrees(np.arctan2(90 - rows, cols - 80))
    assert angles.min() == pytest.approx(45, abs=4) and angles.max() == pytest.approx(135, abs=4)
    assert len(np.unique(np.rint(angles / 3))) > 25  # without gaps


def test_an_oblique_line_keeps_its_middle():
    mask = drawn((1, [(10, 10), (110, 90)]))
    rows, cols = (shorten_scribbles(mask, 0.5, unlabeled=255) == 1).nonzero()
    assert (cols.min(), cols.max()) == pytest.approx((35, 85), abs=3)
    assert (rows.min(), rows.max()) == pytest.approx((30, 70), abs=3)


def test_branches_count_with_all_of_their_length():
    """A cross of arms 40 long: its middle is where they meet, and half of each arm stays."""
    mask = drawn((2, [(40, 60), (120, 60)]), (2, [(80, 20), (80, 100)]))
    short = shorten_scribbles(mask, 0.5, unlabeled=255)
    rows, cols = (short == 2).nonzero()
    for ends in (rows.min() - 60, 60 - rows.max(), cols.min() - 80, 80 - cols.max()):
        assert ends == pytest.approx(-20, abs=2)
    assert len(rows) == pytest.approx((mask == 2).sum() / 2, abs=8)


def test_of_a_branch_at_an_end_the_path_decides_where_the_middle_is():
    """A line of 100 with a twig of 10 at its left end: the middle is that of the line, and the twig goes first."""
    mask = drawn((2, [(20, 60), (120, 60)]), (2, [(30, 60), (30, 50)]))
    short = shorten_scribbles(mask, 0.5, unlabeled=255)
    rows, cols = (short == 2).nonzero()
    assert rows.min() >= 58 and (cols.min() + cols.max()) / 2 == pytest.approx(70, abs=2)


def test_a_ring_keeps_an_arc():
    mask = empty()
    cv2.circle(mask, (80, 60), 40, (3,), 3)
    short = shorten_scribbles(mask, 0.5, unlabeled=255)
    assert (short == 3).sum() == pytest.approx((mask == 3).sum() / 2, abs=8)
    assert cv2.connectedComponents((short == 3).astype(np.uint8))[0] == 2  # background and one arc


@pytest.mark.parametrize(('width', 'dot'), [(1, 1), (3, 9), (5, 21)])
def test_a_length_of_zero_is_a_dot(width, dot):
    """As wide as the line: 3 x 3 pixels of a line of 3, 5 x 5 without its corners of one of 5."""
    mask = empty()
    mask[60 : 60 + width, 20:121] = 4
    rows, cols = (shorten_scribbles(mask, 0.0, unlabeled=255) == 4).nonzero()
    assert len(rows) == dot
    assert (rows.mean(), cols.mean()) == (60 + (width - 1) / 2, 70)


def test_each_scribble_has_its_own_middle_and_a_shorter_one_is_part_of_a_longer():
    rng = np.random.RandomState(0)
    lines = [(label, rng.randint(5, 115, (4, 2))) for label in (0, 1, 1, 20)]
    mask = drawn(*lines)
    masks = [shorten_scribbles(mask, ratio, unlabeled=255) for ratio in RATIOS]
    assert (masks[-1] == mask).all()
    for shorter, longer in zip(masks, masks[1:]):
        assert (longer[shorter != 255] == shorter[shorter != 255]).all()
        assert (shorter != 255).sum() < (longer != 255).sum()
    counts = [cv2.connectedComponents((mask == label).astype(np.uint8), connectivity=8)[0] for label in (0, 1, 20)]
    for short in masks:  # no scribble is lost or cut in two
        found = [cv2.connectedComponents((short == label).astype(np.uint8), connectivity=8)[0] for label in (0, 1, 20)]
        assert found == counts


def test_void_stays_and_what_is_cut_is_unlabeled():
    """As tools/make_scribbles.py writes it: 254 unlabeled, 255 void."""
    mask = np.full((9, 40), 254, np.uint8)
    mask[4, 5:35], mask[:2] = 1, 255
    short = shorten_scribbles(mask, 0.5)
    assert (short[:2] == 255).all() and set(short[4]) == {1, 254}
    assert (shorten_scribbles(np.full((4, 4), 254, np.uint8), 0.5) == 254).all()
    with pytest.raises(ValueError, match=r'ratio must be in \[0, 1\], got 1.5'):
        shorten_scribbles(mask, 1.5)
