"""FARCLUSS: the whole loss against its equation."""

import math
from typing import Any, List, Tuple

import plain
import torch
from plain import Case
from plain_cases import BOX, HEAD
from plain_loops import Losses, Step, cases, check, mean, supervised, with_next
from plain_network import Said
from torch import Tensor

Pixel = Tuple[int, int, int]


def soft_label(step: Step, q: Tensor) -> Tensor:
    """The k likeliest classes of a pixel (or all, or those that hold a share) in the teacher's proportions."""
    order = sorted(range(len(q)), key=lambda c: -q[c])
    mode = step.option('label.mode', 'topk')
    count = dict(hard=1, topk=step.option('label.k', 3), full=len(q)).get(mode)
    if mode == 'cumulative':
        count = next(k for k in range(1, len(q) + 1) if q[order[:k]].sum() >= step.option('label.mass', 0.9))
    label = torch.zeros_like(q)
    label[order[:count]] = q[order[:count]] / q[order[:count]].sum()
    return label


def reliability_of(step: Step, q: Tensor) -> float:
    """(1 - H / ln C)^a, exp(-a H), or 1."""
    entropy = -float((q * q.log()).sum())
    form, exponent = step.option('reliability.form', 'linear'), step.option('reliability.exponent', 1.0)
    if form == 'exponential':
        return math.exp(-exponent * entropy)
    return 1.0 if form == 'none' else (1 - entropy / math.log(len(q))) ** exponent


def rarity(step: Step, frequency: Tensor) -> Tensor:
    """clip((1 / C / f)^g, l, h), the mean over the classes there are set to 1; without rebalancing 1."""
    exponent = step.option('rebalancing.exponent', 0.5)
    raw = [min(max((1 / len(frequency) / max(float(f), 1e-4)) ** exponent, 0.5), 5.0) for f in frequency]
    present = [value for value, f in zip(raw, frequency) if f > 0]
    return torch.tensor([value / (sum(present) / len(present)) for value in raw], dtype=torch.float64)


def energy_factor(step: Step, sup: Said, weak: Said) -> Tensor:
    """Of the project: sigmoid((m - E) / tau), m between the energies of right and wrong labeled pixels."""
    temperature = step.option('reliability.temperature', 1.0)
    energies = [-temperature * (said.logits / temperature).exp().sum(dim=1).log() for said in (sup, weak)]
    right = sup.logits.argmax(dim=1) == step.truth
    groups = right, ~right & (step.truth != 255)
    low, high = (mean(over, lambda b, y, x: energies[0][b, y, x]) for over in groups)
    return (((low + high) / 2 - energies[1]) / temperature).sigmoid()


def cells(step: Step, label: Tensor, weight: Tensor) -> List[Tuple[Pixel, int, float]]:
    """Labeled images, then the others: place, class and weight of the cells of stride 2 that count (nearest pixel)."""
    result = []
    for b in range(6):
        for y in range(3):
            for x in range(4):
                near = 2 * y + 1, 2 * x + 1
                if b < 2 and step.truth[(b, *near)] != 255:
                    result.append(((b, y, x), int(step.truth[(b, *near)]), 1.0))
                elif b >= 2 and weight[(b - 2, *near)] > 0:
                    own = int(label[b - 2, :, near[0], near[1]].argmax())
                    result.append(((b, y, x), own, float(weight[(b - 2, *near)])))
    return result


def embedded(said: Said, place: Pixel) -> Tensor:
    """An embedding of length one."""
    b, y, x = place
    vector = said.side['projection'][b, :, y, x]
    return vector / (vector**2).sum().sqrt()


def contrast(step: Step, teacher: Said, own: List, student: Said, anchors: List) -> Any:
    """Prototypes of the teacher's cells; over the student's, mean r_i times minus the log of the softmax of cosines."""
    temperature, prototypes = step.option('contrast.temperature', 0.1), {}
    for c in {label for _, label, _ in own}:
        total = sum(weight * embedded(teacher, place) for place, label, weight in own if label == c)
        prototypes[c] = total / (total**2).sum().sqrt()
    assert len(prototypes) == plain.CLASSES
    costs = []
    for place, label, weight in anchors:
        similar = {c: (embedded(student, place) * p).sum() / temperature for c, p in prototypes.items()}
        costs.append(-weight * (similar[label] - sum(s.exp() for s in similar.values()).log()))
    return sum(costs) / len(costs)


def farcluss(step: Step) -> Losses:
    """L_sup + lambda_u 1/N sum_i r_i omega_i [- sum_c y_ic ln p_ic] + lambda_c L_con, the last after the ramp."""
    valid, boxes = step.valid['weak'], step.boxes(4)
    teacher = step.network('teacher')(torch.cat([step.views['sup'], step.views['weak']]), train=False)
    probs = teacher.part(2, 6).probs
    label, reliability = torch.full_like(probs, 1 / plain.CLASSES), torch.zeros_like(probs[:, 0])
    for b, y, x in torch.ones_like(valid).nonzero().tolist():
        label[b, :, y, x] = soft_label(step, probs[b, :, y, x])
        reliability[b, y, x] = reliability_of(step, probs[b, :, y, x]) * float(valid[b, y, x])
    if step.option('reliability.type', '') == 'EnergyReliability':
        reliability = reliability * energy_factor(step, teacher.part(0, 2), teacher.part(2, 6))
    counts = sum(label[b, :, y, x] for b, y, x in valid.nonzero().tolist())
    omega, weight = rarity(step, counts / counts.sum()), torch.zeros_like(reliability)
    assert omega.max() > 1.1 * omega.min() or step.option('rebalancing.exponent', 0.5) == 0
    said = label.clone()  # the class of an embedding, whatever the cross entropy weighs
    for b, y, x in torch.ones_like(valid).nonzero().tolist():
        rare = label[b, :, y, x] * omega
        weight[b, y, x] = reliability[b, y, x] * rare.sum()
        if step.option('rebalancing.weights', 'pixel') == 'class':
            label[b, :, y, x] = rare / rare.sum()

    own, maps = cells(step, said, reliability), (label, said, weight, reliability, valid)
    label, said, weight, reliability, valid = (with_next(one, boxes) for one in maps)
    merged = torch.cat([step.views['sup'], with_next(step.views['strong'], boxes)])
    student = step.network('student')(merged)
    log_probs = student.logits[2:].log_softmax(dim=1)
    cost = sum(
        -weight[b, y, x] * (label[b, :, y, x] * log_probs[b, :, y, x]).sum() for b, y, x in valid.nonzero().tolist()
    )
    losses = supervised(student.part(0, 2), step.truth)
    losses['unsup.loss_fuzzy'] = step.option('unsup_weight', 1.0) * step.scale * cost / int(valid.sum())
    push = contrast(step, teacher, own, student, cells(step, said, reliability))
    on = 1.0 if step.scale >= 1 else 0.0
    losses['unsup.loss_contrast'] = step.option('contrast.weight', 0.1) * on * push
    losses['unsup.reliability'] = mean(valid, lambda b, y, x: reliability[b, y, x])
    return losses


@cases('FARCLUSS')
def test_farcluss(name):
    check(name, farcluss)


def test_with_energy(root, monkeypatch):
    """The project that multiplies the reliability by the energy's."""
    monkeypatch.syspath_prepend(str(root / 'projects' / 'energy_farcluss'))
    import energy_farcluss  # noqa: F401

    energy = dict(type='EnergyReliability', temperature=2.0)
    check(Case('FARCLUSS', dict(projection=HEAD, cutmix=BOX, reliability=energy), scale=1.0), farcluss)
