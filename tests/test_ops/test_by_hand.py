"""Small functions on which the formulas rest, each against numbers that are derived beside it."""

import math

import numpy as np
import pytest
import torch

from mmseg_ssl.evaluation.boundary_iou_metric import boundary_areas
from mmseg_ssl.evaluation.calibration_metric import squared_errors
from mmseg_ssl.evaluation.uncertainty_metric import doubts_of_logits, kept_scores
from mmseg_ssl.models.loss_dicts import is_unlabeled_loss, weighted
from mmseg_ssl.models.losses.consistency import consistency_distance
from mmseg_ssl.ops.affinity import square_distances, squared_bandwidth
from mmseg_ssl.ops.dense_neighborhood import cell_means, cell_size
from mmseg_ssl.ops.potts import potts_value
from mmseg_ssl.ops.probabilities import class_probabilities
from mmseg_ssl.ops.unary import unary_value
from mmseg_ssl.targets.confidence import argmax_target

LN2, LN3 = math.log(2), math.log(3)


def pixel(*values):
    """One pixel of these channels, (1, C, 1, 1)."""
    return torch.tensor(values).view(1, -1, 1, 1)


@pytest.mark.parametrize(
    ('relaxation', 'unequal', 'equal'),
    [
        ('bilinear', 1 / 4, 3 / 8),  # two doubtful pixels cost more than a doubtful and a sure one
        ('quadratic', ((1 / 4) ** 2 + (1 / 4) ** 2) / 2, 0),
        ('normalized_quadratic', 1 - (3 / 4) / math.sqrt(5 / 8), 0),
        ('collision_cross_entropy', -math.log(3 / 4), -math.log(5 / 8)),
        ('log_quadratic', -math.log(1 - 1 / 16), 0),
        ('collision_divergence', math.log(5 / 8) / 2 - math.log(3 / 4), 0),
    ],
)
def test_potts_of_a_doubtful_pixel(relaxation, unequal, equal):
    """p = (3/4, 1/4) beside q = (1, 0), and beside itself: p.q = 3/4 or 5/8, |p|^2 = 5/8, |q|^2 = 1 or 5/8."""
    dot, own, one = torch.tensor(3 / 4), torch.tensor(5 / 8), torch.tensor(1.0)
    assert float(potts_value(dot, own, one, relaxation)) == pytest.approx(unequal, abs=1e-5)
    assert float(potts_value(dot, one, own, relaxation)) == pytest.approx(unequal, abs=1e-5)
    assert float(potts_value(own, own, own, relaxation)) == pytest.approx(equal, abs=1e-5)


@pytest.mark.parametrize(
    ('unary', 'cost'),
    [
        ('standard', -math.log(0.8 * 0.2) / 2),  # the labels weigh the prediction's logarithms
        ('reverse', LN2),  # the prediction weighs those of the labels, which are equal
        ('collision', -math.log(0.8 / 2 + 0.2 / 2)),
        ('quadratic', 0.3**2),  # two differences of 0.3, and one half
    ],
)
def test_cost_of_undecided_labels(unary, cost):
    """y = (1/2, 1/2) where the network says (0.8, 0.2)."""
    labels, prediction = (torch.tensor(pair).view(1, 2, 1) for pair in ((0.5, 0.5), (0.8, 0.2)))
    prediction = prediction.log() if unary == 'standard' else prediction
    assert unary_value(labels, prediction, unary).item() == pytest.approx(cost, abs=1e-5)


def test_color_distances_of_a_row():
    """Black, (3, 4, 0), (3, 4, 0): the first step is 9 + 16, the second 0; the last pixel has no right neighbor."""
    image = torch.tensor([[0.0, 3, 3], [0, 4, 4], [0, 0, 0]]).view(1, 3, 1, 3)
    distance, inside = square_distances(image, [(0, 1)], None)
    assert distance.tolist() == [[[[25, 0, 0]]]] and inside.tolist() == [[[[True, True, False]]]]
    assert squared_bandwidth(image, 'adaptive', 4, None).item() == 25 / 2  # two edges, none downward
    assert squared_bandwidth(image, 10, 4, None) == 100
    tiny = torch.finfo(torch.float32).tiny  # of one color, or without an edge: not 0, by which it would be divided
    each = squared_bandwidth(torch.cat([image, 2 * image, 0 * image]), 'adaptive', 4, None)
    assert each.shape == (3, 1, 1) and each.flatten().tolist() == pytest.approx([25 / 2, 100 / 2, tiny])
    assert squared_bandwidth(image, 'adaptive', 4, torch.zeros(1, 1, 3, dtype=torch.bool)).item() == tiny
    padded = torch.tensor([[[True, False, True]]])
    distance, inside = square_distances(image, [(0, 1)], padded)
    assert not distance.any() and not inside.any()  # both edges end in the padding


def test_cells_keep_the_proportions():
    assert cell_size((480, 360), 48) == (48, 36)
    assert cell_size((20, 10), 48) == (20, 10)  # smaller than the cells: its pixels
    assert cell_size((1000, 3), 10) == (10, 1)
    assert cell_size((15, 40), 10) == (4, 10) and cell_size((40, 15), 10) == (10, 4)  # 3.75, rounded


def test_cells_are_means_of_the_image_alone():
    """Two cells of 2x2; (1 + 2 + 3 + 6) / 4 = 3, and without the padded NaN (10 + 20 + 6) / 3 = 12."""
    values = torch.tensor([[1, 2, 10, float('nan')], [3, 6, 20, 6]]).view(1, 1, 2, 4)
    valid = ~values[:, 0].isnan()
    means, share = cell_means(values, valid, (1, 2), fill=-1.0)
    assert means.tolist() == [[[3, 12]]] and share.tolist() == [[1, 0.75]]
    means, share = cell_means(values, torch.zeros_like(valid), (1, 2), fill=-1.0)
    assert means.tolist() == [[[-1, -1]]] and not share.any()


def test_one_channel_is_the_probability_of_class_one():
    """Two channels are logits, 0 and ln 3: odds of 1 to 3."""
    two = class_probabilities(torch.tensor([0.0, LN3]).view(2, 1, 1))
    one = class_probabilities(torch.tensor([0.75]).view(1, 1, 1))
    for probs in (two, one):
        assert probs.flatten().tolist() == pytest.approx([0.25, 0.75])


def test_the_first_of_equal_classes_is_the_label():
    label, weight = argmax_target(torch.tensor([[1.0, 3.0], [2.0, 3.0], [2.0, -1.0]]).view(1, 3, 1, 2))
    assert label.tolist() == [[[1, 0]]] and weight.tolist() == [[[1, 1]]]
    assert argmax_target(pixel(*[math.nan] * 3)).label.item() == 2  # a class, where a loss would fail on the number 3


def test_distance_of_a_student_from_an_undecided_teacher():
    """(1/4, 3/4) from (1/2, 1/2): a mean over the classes, not a sum; and -(ln 1/4 + ln 3/4) / 2."""
    student, teacher = pixel(0.0, LN3), pixel(0.5, 0.5)
    assert consistency_distance(student, teacher, 'mse').item() == pytest.approx(0.25**2)
    assert consistency_distance(student, teacher, 'ce').item() == pytest.approx(-math.log(3 / 16) / 2)


def test_brier_score_of_three_pixels():
    """Class 0 at 0.7, 0.4 and 1: 2 x 0.3^2 + 2 x 0.6^2 + 0 = 0.9."""
    probs = torch.tensor([[0.7, 0.4, 1], [0.3, 0.6, 0]])
    assert squared_errors(probs, torch.zeros(3, dtype=torch.long)).tolist() == pytest.approx([0.9, 3])


def test_doubts_of_two_classes():
    """Equal logits: entropy 1, energy -ln(1 + 1). One channel at 0.9: logits -+ln 9 / 2, so -ln(3 + 1/3)."""
    flat = torch.zeros(2, 1, 1)
    found = doubts_of_logits(flat, flat + 0.5)
    assert (found['entropy'].item(), found['energy'].item()) == pytest.approx((1, -LN2))
    sure = torch.tensor([0.1, 0.9]).view(2, 1, 1)
    found = doubts_of_logits(sure[1:], sure)
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1)) / LN2
    assert (found['entropy'].item(), found['energy'].item()) == pytest.approx((entropy, -math.log(10 / 3)))
    certain = torch.tensor([0.0, 1.0]).view(2, 1, 1)  # at most 1 - 1e-12, whose logits are -+12 ln 10 / 2
    assert doubts_of_logits(certain[1:], certain)['energy'].item() == pytest.approx(-6 * math.log(10))


def test_scores_of_a_choice_of_pixels():
    """4 of 11 pixels are kept, 3 of the 6 right ones among them."""
    scores = kept_scores(kept=4, right_kept=3, wrong=5, right=6)
    assert scores == dict(share=4 / 11, precision=3 / 4, recall=3 / 6, F1=2 * 3 / (4 + 6))
    assert math.isnan(kept_scores(kept=0, right_kept=0, wrong=5, right=6)['precision'])


def test_contours_of_two_pixels():
    """Truth 0 1, prediction 0 0, all of it contour: class 0 has 1 of 1 + 2 - 1, class 1 has 0 of 1."""
    label, predicted, every = np.array([[0, 1]]), np.array([[0, 0]]), np.ones((1, 2), bool)
    assert boundary_areas(label, predicted, every, every, 2).tolist() == [[1, 0], [2, 1]]
    nothing = ~every
    assert boundary_areas(label, predicted, every, nothing, 2).tolist() == [[0, 0], [1, 1]]
    no_class = np.array([[0, 7]])  # the prediction still has 2 pixels of class 0
    assert boundary_areas(no_class, predicted, every, every, 2).tolist() == [[1, 0], [2, 0]]


def test_the_ramp_knows_its_losses_by_their_key():
    for key in ('unsup.loss_pseudo', 'peer.unsup.loss_pseudo', 'unsup.strong1.loss_pseudo'):
        assert is_unlabeled_loss(key)
    for key in ('sup.loss_ce', 'unsup.kept', 'unsupervised.loss_ce', 'localizer.loss_detection', 'loss_unsup'):
        assert not is_unlabeled_loss(key)


def test_a_weight_leaves_alone_what_is_only_logged():
    assert weighted({'sup.loss_ce': 3.0, 'sup.acc_seg': 90.0}, 0.5) == {'sup.loss_ce': 1.5, 'sup.acc_seg': 90.0}
