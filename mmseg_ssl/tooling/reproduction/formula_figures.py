"""Figures that follow from formulas alone: Potts relaxations and cross entropies of soft labels."""

import math
from typing import Dict, Tuple

import torch
from matplotlib.figure import Figure
from torch import Tensor

from ...models.losses import collision_cross_entropy, pixel_cross_entropy, reverse_cross_entropy
from ...ops.potts import EPS, potts
from ...structures import PixelTarget

TABLES = {
    'Table 1': {'bilinear': '-', 'quadratic': '--', 'normalized_quadratic': ':'},
    'Table 2': {'collision_cross_entropy': '-', 'log_quadratic': '--', 'collision_divergence': ':'},
}
LABELS = (1.0, 0.9, 0.7, 0.5)
"""Probability of class A in the labels of the cross entropies."""


def moves(steps: int = 201) -> Dict[str, Tuple[Tensor, Tensor]]:
    """Return the two moves of a pair of labels over three classes A, B, C, each ``(steps, 3)`` for both pixels."""
    t = torch.linspace(0, 1, steps)
    zero = torch.zeros_like(t)
    both, second = torch.stack([1 - t, t, zero], dim=1), torch.stack([zero, t, 1 - t], dim=1)
    first = torch.tensor([1.0, 0.0, 0.0]).expand(steps, 3)
    return {
        '(a) both pixels move from A to B': (both, both),
        '(b) one pixel is A, the other moves from C to B': (first, second),
    }


def draw_relaxations() -> Figure:
    """Draw the six relaxations along two moves that change nothing in the discrete model at their ends.

    In (a) only ``bilinear`` and its logarithm charge two equal labels for being soft; in (b) only ``quadratic`` and its
    logarithm pay a label for being soft.

    Returns:
        Two panels per table of the paper.
    """
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(10, 7), layout='constrained', sharex=True)
    for line, (table, styles) in zip(axes, TABLES.items()):
        for axis, (p, q) in zip(line, moves().values()):
            for number, (name, style) in enumerate(styles.items()):
                t = torch.linspace(0, 1, len(p))
                axis.plot(t, potts(p, q, name), style, color=f'C{number}', lw=4 - number, label=name.replace('_', ' '))
            axis.set_ylim(-0.04, max(1.1, 1.07 * axis.get_ylim()[1] / 1.05))
            axis.grid(alpha=0.3)
        line[0].set_ylabel(f'cost of the pair, {table}')
        line[0].legend(loc='upper right')
    for column, title in zip(axes.T, moves()):
        column[0].set_title(title)
        column[1].set_xlabel('share of the way')
    axes[1, 1].text(0.5, 12.6, f'{math.log1p(1 / EPS):.1f} stands for infinity: 1e-6 under the logarithm', ha='center')
    return figure


def draw_cross_entropies() -> Figure:
    """Draw eq. 9 to 11 of two classes over the prediction, for labels from certain to uniform.

    Only the standard one has its minimum, a dot, at the label itself: the network copies the label's doubt. Of a
    uniform label the other two say nothing.

    Returns:
        A panel per cross entropy.
    """
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(12, 4.2), layout='constrained', sharey=True)
    share = torch.linspace(0.002, 0.998, 499)
    # two classes of logits ln s and ln (1 - s), whose softmax is (s, 1 - s)
    logits = torch.stack([share.log(), (1 - share).log()])[None, :, None]
    kinds = {
        'standard, eq. 9': lambda label: pixel_cross_entropy(logits, PixelTarget(label, torch.ones_like(label[:, 0]))),
        'reverse, eq. 10': lambda label: reverse_cross_entropy(logits, label),
        'collision, eq. 11': lambda label: collision_cross_entropy(logits, label),
    }
    for axis, (title, cross_entropy) in zip(axes, kinds.items()):
        for number, certain in enumerate(LABELS):
            label = torch.tensor([certain, 1 - certain])[None, :, None, None].expand_as(logits)
            values = cross_entropy(label).flatten()
            axis.plot(share, values, color=f'C{number}', lw=2, label=f'label ({certain:g}, {1 - certain:g})')
            if values.max() - values.min() > 1e-3:
                lowest = values.argmin()
                axis.plot(share[lowest], values[lowest], 'o', color=f'C{number}', clip_on=False)
        axis.set(title=title, xlabel='predicted probability of the first class', xlim=(0, 1), ylim=(0, 3))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel('loss')
    axes[0].legend(loc='upper right')
    return figure
