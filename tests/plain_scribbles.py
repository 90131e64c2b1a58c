"""Scribbled images pixel by pixel: who is labeled, who is alike, and what it costs to differ."""

from typing import List, Tuple

import plain
import torch
from plain_loops import Losses, Step, supervised
from torch import Tensor

EPS = 1e-6
HEIGHT, WIDTH = plain.SIZE
GRID = [(0, 1), (1, 0)]
Pixel = Tuple[int, int]


class Scribbled:
    """Colors in 0..255, seeds, and pixels that are image: labeled, or without a label; not void, not padding."""

    def __init__(self, step: Step) -> None:
        mean_, std = (torch.tensor(values).double()[:, None, None] for values in (plain.MEAN, plain.STD))
        self.colors = (step.views['sup'] * std + mean_).round()
        self.seeds = step.truth
        self.unlabeled = torch.cat([sample.unlabeled_mask.data for sample in step.samples['sup']])
        self.valid = self.unlabeled | (self.seeds != 255)
        assert self.unlabeled.sum() > 20 and (~self.valid & step.valid['sup']).any()

    def pairs(self, b: int, steps: List[Pixel]) -> List[Tuple[Pixel, Pixel]]:
        """Pairs of image pixels at some steps."""
        return [
            ((y, x), (y + dy, x + dx))
            for dy, dx in steps
            for y in range(HEIGHT)
            for x in range(WIDTH)
            if 0 <= y + dy < HEIGHT and 0 <= x + dx < WIDTH and self.valid[b, y, x] and self.valid[b, y + dy, x + dx]
        ]

    def distance(self, b: int, one: Pixel, two: Pixel) -> float:
        """Squared, of colors."""
        return float(((self.colors[b, :, one[0], one[1]] - self.colors[b, :, two[0], two[1]]) ** 2).sum())

    def affinity(self, b: int, one: Pixel, two: Pixel, bandwidth: float) -> float:
        """exp(-|I_i - I_j|^2 / (2 beta^2))."""
        return float(torch.tensor(-self.distance(b, one, two) / (2 * bandwidth**2)).exp())


def potts(p: Tensor, q: Tensor, relaxation: str) -> Tensor:
    """Tables 1 and 2 of arXiv 2507.01721."""
    if relaxation == 'bilinear':
        return 1 - p @ q
    if relaxation == 'quadratic':
        return ((p - q) ** 2).sum() / 2
    return ((p @ p + EPS).log() + (q @ q + EPS).log()) / 2 - (p @ q + EPS).log()  # collision divergence


def scribbles_alone(step: Step) -> Losses:
    """Partial cross entropy: a method's first stage."""
    return supervised(step.network('student')(step.views['sup']), step.truth)
