"""PottsRegularized: the whole loss against its equation."""

from itertools import product
from typing import List, Tuple

import torch
from plain_loops import Losses, Step, cases, check, mean, supervised
from plain_scribbles import GRID, HEIGHT, WIDTH, Pixel, Scribbled, potts, scribbles_alone


def potts_regularized(step: Step) -> Losses:
    """Eq. 4: partial cross entropy, eta mean H over unlabeled pixels, and Potts over pairs, divided by Z."""
    sup, drawn = step.network('student')(step.views['sup']), Scribbled(step)
    options, probs, losses = step.option('potts', {}), sup.probs, supervised(sup, step.truth)
    entropy = mean(drawn.unlabeled, lambda b, y, x: -(probs[b, :, y, x] * probs[b, :, y, x].log()).sum())
    losses['unsup.loss_entropy'] = step.option('eta', 0.3) * step.scale * entropy
    pairs = pairs_of(options, drawn)
    cost = sum(
        drawn.affinity(b, one, two, options['bandwidth'])
        * closeness(options, one, two)
        * share
        / divisor(step, drawn, b, pairs)
        * potts(probs[b, :, one[0], one[1]], probs[b, :, two[0], two[1]], step.option('potts.relaxation', 'quadratic'))
        for b, one, two, share in pairs
    )
    losses['unsup.loss_potts'] = step.scale * step.option('potts.weight', 1.0) * cost
    losses['unsup.confidence'] = mean(drawn.unlabeled, lambda b, y, x: probs[b, :, y, x].max())
    return losses


def divisor(step: Step, drawn: Scribbled, b: int, pairs: list) -> int:
    """Unlabeled pixels of the batch, images, or images times the pairs of this one: a mean over images of means."""
    of_image = sum(image == b for image, *_ in pairs)
    number = dict(edges=2 * of_image, images=2, pixels=int(drawn.unlabeled.sum()))
    return number[step.option('potts.normalization', 'pixels')]


def pairs_of(options: dict, drawn: Scribbled) -> List[Tuple[int, Pixel, Pixel, float]]:
    """Image, both pixels, and how often the pair counts: on the grid, at random steps, or all of them.

    All pairs are half of the pairs (i, j), of which (i, i) is one.
    """
    steps = GRID + (far_steps(options) if options.get('neighborhood') == 'nonlocal' else [])
    if options.get('neighborhood') != 'dense':
        return [(b, one, two, 1.0) for b in range(2) for one, two in drawn.pairs(b, steps)]
    pairs = []
    for b in range(2):
        places = [(y, x) for y, x in product(range(HEIGHT), range(WIDTH)) if drawn.valid[b, y, x]]
        pairs += [(b, one, two, 0.5 if one == two else 1.0) for k, one in enumerate(places) for two in places[k:]]
    return pairs


def closeness(options: dict, one: Pixel, two: Pixel) -> float:
    """The dense neighborhood's factor of places; 1 for the others."""
    if options.get('neighborhood') != 'dense':
        return 1.0
    distance = (one[0] - two[0]) ** 2 + (one[1] - two[1]) ** 2
    return float(torch.tensor(-distance / (2 * options['spatial_bandwidth'] ** 2)).exp())


def far_steps(options: dict) -> List[Pixel]:
    """Given: torch's draw of steps, uniform over half a disc."""
    radius, angle = torch.rand(2, options['partners'], dtype=torch.float64)
    radius, angle = options['radius'] * radius.sqrt(), torch.pi * angle
    steps = zip((radius * angle.sin()).round().int().tolist(), (radius * angle.cos()).round().int().tolist())
    return [step if step != (0, 0) else (0, 1) for step in steps]


@cases('ScribbleSupervised', 'PottsRegularized')
def test_potts_regularized(name):
    alone = 'pretrain' in name or name == 'ScribbleSupervised'
    check(name, scribbles_alone if alone else potts_regularized)
