"""Panels of a training step, pixel by pixel."""

import numpy as np
import torch

from mmseg_ssl.structures import IGNORE_INDEX
from mmseg_ssl.visualization import NetworkSight, StepSight, step_rows
from mmseg_ssl.visualization.inline_images import heat
from mmseg_ssl.visualization.step_panels import GREEN_AND_RED

PALETTE = [[200, 0, 10], [0, 150, 20]]
WHITE, PALE = [255] * 3, [180] * 3  # an image of 60 in pale gray: 60 / 3 + 160


def sight():
    """Six pixels: taught rightly, taught wrongly, weight 0, no label, padding, taught where the mask is unknown."""
    seen = NetworkSight(
        image=torch.full((3, 1, 6), 60.0),
        pred=torch.tensor([[1, 1, 1, 0, 1, 1]]),
        label=torch.tensor([[0, 1, 1, IGNORE_INDEX, 0, 0]]),
        weight=torch.tensor([[1.0, 0.5, 0.0, 1.0, 1.0, 1.0]]),
        valid=torch.tensor([[1, 1, 1, 1, 0, 1]]).bool(),
        truth=torch.tensor([[0, 0, 1, 0, 0, IGNORE_INDEX]]),
    )
    return StepSight(networks=dict(student=seen))


def test_what_a_network_learns_by_hand():
    """Three of five image pixels are taught; of the two with a mask one rightly. Padding is white in every panel."""
    ((name, panels),) = step_rows(sight(), PALETTE)
    assert name == 'student\nlearns'
    one, two = PALETTE
    green, red = GREEN_AND_RED
    expected = {
        'what it sees': [[60] * 3] * 4 + [WHITE, [60] * 3],
        'pseudo label\nof 60 % of the pixels': [one, two, PALE, PALE, WHITE, one],
        'right (green) or wrong\n50 % of what is taught is right': [green, red, PALE, PALE, WHITE, PALE],
        'weight\ndark 0, bright 1': [*heat(np.array([[1, 0.5, 0, 0]]))[0].tolist(), WHITE, heat(np.ones((1, 1)))[0, 0]],
        'student predicts': [two, two, two, one, WHITE, two],
    }
    assert [panel.title for panel in panels] == list(expected)
    for panel, colors in zip(panels, expected.values()):
        assert np.array_equal(panel.picture[0], np.array(colors)), panel.title
    assert [list(panel.classes) for panel in panels] == [[], [0, 1], [], [], [0, 1]]  # of the legend


def test_nothing_is_taught():
    """No share of nothing."""
    seen = sight()
    seen.networks['student'].weight.zero_()
    titles = [panel.title for panel in step_rows(seen, PALETTE)[0][1]]
    assert titles[1:3] == ['pseudo label\nof 0 % of the pixels', 'nothing is taught']


def test_shades_are_those_of_the_numbers():
    """Black is the least, light yellow the most."""
    dark, bright = heat(np.array([[0.0, 1.0]]))[0].astype(int)
    assert dark.sum() < 20 and bright.sum() > 600 and bright[0] > bright[2]
