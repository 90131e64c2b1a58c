"""HardSelfLabeling: the whole loss against its equation, the hard labels found by another exact solver."""

from itertools import product
from math import inf
from typing import Tuple

import plain
import torch
from plain_loops import Losses, Step, cases, check, mean, supervised
from plain_scribbles import HEIGHT, WIDTH, Scribbled, scribbles_alone
from torch import Tensor

Column = Tuple[int, ...]
COLUMNS = list(product((0, 1), repeat=HEIGHT))


class Cut:
    """The best hard labels of an image with seeds of two classes, by dynamic programming.

    Column by column, over all labelings of a column: exact, where alpha-expansion is exact for two classes too.
    """

    def __init__(self, step: Step, logits: Tensor, drawn: Scribbled, b: int) -> None:
        self.drawn, self.b = drawn, b
        self.classes = sorted({int(c) for c in drawn.seeds[b].unique() if c != 255})
        assert len(self.classes) == 2
        pairs = drawn.pairs(b, [(0, 1), (1, 0), (1, 1), (1, -1)])
        squares = [drawn.distance(b, *pair) for pair in pairs]
        bandwidth = step.option('self_labeling.bandwidth', 'adaptive')
        if bandwidth == 'adaptive':
            bandwidth = (sum(squares) / len(squares)) ** 0.5
        self.edges = []
        for one, two in pairs:
            length = ((one[0] - two[0]) ** 2 + (one[1] - two[1]) ** 2) ** 0.5
            near = step.option('self_labeling.potts_weight', 100.0) * drawn.affinity(b, one, two, bandwidth) / length
            self.edges.append((*sorted((one, two), key=lambda place: place[1]), near))
        self.cost = -step.option('self_labeling.unary_weight', 0.05) * logits[b].detach().log_softmax(dim=0)

    def of_pixel(self, y: int, x: int, k: int) -> float:
        """Cost of a pixel's class: none where it is not image, infinite against a seed."""
        seed = int(self.drawn.seeds[self.b, y, x])
        if not self.drawn.valid[self.b, y, x]:
            return 0.0
        if seed != 255:
            return 0.0 if seed == self.classes[k] else inf
        return float(self.cost[self.classes[k], y, x])

    def of_column(self, x: int, column: Column) -> float:
        """Cost of a labeling of a column, and of the edges in it."""
        inner = sum(w for one, two, w in self.edges if one[1] == two[1] == x and column[one[0]] != column[two[0]])
        return inner + sum(self.of_pixel(y, x, k) for y, k in enumerate(column))

    def labels(self) -> Tensor:
        """(H, W), 255 where it is not image."""
        best, came = {column: (self.of_column(0, column), [column]) for column in COLUMNS}, []
        for x in range(1, WIDTH):
            came = {column: way for column, way in best.items() if way[0] < inf}
            between = [(one[0], two[0], w) for one, two, w in self.edges if (one[1], two[1]) == (x - 1, x)]
            best = {}
            for column in COLUMNS:
                own = self.of_column(x, column)
                if own < inf:
                    ways = [
                        (value + sum(w for y, z, w in between if left[y] != column[z]), path)
                        for left, (value, path) in came.items()
                    ]
                    value, path = min(ways, key=lambda way: way[0])
                    best[column] = (value + own, [*path, column])
        _, path = min(best.values(), key=lambda way: way[0])
        return torch.tensor(self.classes)[torch.tensor(path).T].where(self.drawn.valid[self.b], 255)


def hard_self_labeling(step: Step) -> Losses:
    """Partial cross entropy, and - ln[(1 - C e / (C - 1)) sigma_l + e / (C - 1)] with labels of a graph cut."""
    sup, drawn = step.network('student')(step.views['sup']), Scribbled(step)
    label = torch.stack([Cut(step, sup.logits, drawn, b).labels() for b in range(2)])
    rate, probs = step.option('error_rate', 0.944), sup.probs
    right, wrong = 1 - plain.CLASSES * rate / (plain.CLASSES - 1), rate / (plain.CLASSES - 1)
    losses, same = supervised(sup, step.truth), sup.logits.argmax(dim=1) == label
    cost = mean(drawn.unlabeled, lambda b, y, x: -(right * probs[b, label[b, y, x], y, x] + wrong).log())
    losses['unsup.loss_robust'] = step.scale * cost
    losses['unsup.agreement'] = mean(drawn.unlabeled, lambda b, y, x: float(same[b, y, x]))
    return losses


@cases('HardSelfLabeling')
def test_hard_self_labeling(name):
    check(name, scribbles_alone if 'pretrain' in name else hard_self_labeling)
