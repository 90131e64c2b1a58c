"""TreeEnergy: the whole loss against its equation."""

from itertools import product
from typing import Dict

import torch
from plain_loops import Losses, Step, cases, check, supervised
from plain_scribbles import HEIGHT, WIDTH, Pixel, Scribbled, scribbles_alone
from torch import Tensor


def cell_mean(maps: Tensor, valid: Tensor, y: int, x: int) -> Tensor:
    """Mean of the image pixels of a cell of 2 x 2, 0 without any."""
    places = [p for p in product((2 * y, 2 * y + 1), (2 * x, 2 * x + 1)) if valid[p]]
    return sum((maps[:, p[0], p[1]] for p in places), torch.zeros_like(maps[:, 0, 0])) / max(len(places), 1)


def along_the_tree(values: Dict, features: Dict, valid: Dict, sigma: float) -> Dict:
    """Mean of all cells, weighted by exp(- squared steps / sigma) along the minimum spanning tree (Kruskal)."""
    squares = {}
    for one in valid:
        for two in ((one[0], one[1] + 1), (one[0] + 1, one[1])):
            if two in valid and valid[one] and valid[two]:
                squares[one, two] = ((features[one] - features[two]) ** 2).sum()
    group, tree = {place: place for place in valid}, {place: [] for place in valid}

    def root(place: Pixel) -> Pixel:
        return place if group[place] == place else root(group[place])

    for one, two in sorted(squares, key=lambda edge: float(squares[edge])):
        if root(one) != root(two):
            group[root(one)] = root(two)
            tree[one].append((two, squares[one, two]))
            tree[two].append((one, squares[one, two]))
    result = {}
    for place in valid:
        reached, waiting = {place: torch.ones(()).double()}, [place]
        while waiting:
            at = waiting.pop()
            for other, square in tree[at]:
                if other not in reached:
                    reached[other] = reached[at] * (-square / sigma).exp()
                    waiting.append(other)
        result[place] = sum(w * values[p] for p, w in reached.items()) / sum(reached.values())
    return result


def tree_energy(step: Step) -> Losses:
    """Partial cross entropy, and lambda mean |P - P^|_1 over the cells with an unlabeled pixel."""
    sup, drawn = step.network('student')(step.views['sup']), Scribbled(step)
    costs = []
    for b in range(2):
        places = list(product(range(HEIGHT // 2), range(WIDTH // 2)))
        window = {(y, x): (slice(2 * y, 2 * y + 2), slice(2 * x, 2 * x + 2)) for y, x in places}
        valid = {p: bool(drawn.valid[b][window[p]].any()) for p in places}
        probs = {p: cell_mean(sup.probs[b], drawn.valid[b], *p) for p in places}
        colors = {p: cell_mean(step.views['sup'][b], drawn.valid[b], *p) for p in places}
        smooth = along_the_tree(probs, colors, valid, step.option('tree.sigma', 0.02))
        embedding = {p: sup.levels[1][b, :, p[0], p[1]] for p in places}
        smooth = along_the_tree(smooth, embedding, valid, 1.0)
        assert any(valid[p] and not drawn.unlabeled[b][window[p]].any() for p in places)
        counted = [p for p in places if drawn.unlabeled[b][window[p]].any()]
        costs += [(probs[p] - smooth[p]).abs().sum() for p in counted]
    losses = supervised(sup, step.truth)
    losses['unsup.loss_tree'] = step.scale * step.option('tree.weight', 0.4) * sum(costs) / len(costs)
    return losses


@cases('TreeEnergy')
def test_tree_energy(name):
    check(name, scribbles_alone if 'pretrain' in name else tree_energy)
