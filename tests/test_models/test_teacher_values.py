"""Supervised, MeanTeacher, CutMixSeg and PseudoLabel: the whole loss against its equation."""

import plain
import torch
from plain_loops import Losses, Step, cases, check, cross_entropy, mean, pasted, supervised


def squared_distance(one: torch.Tensor, other: torch.Tensor):
    return lambda b, y, x: ((one[b, :, y, x] - other[b, :, y, x]) ** 2).sum()


def mean_teacher(step: Step) -> Losses:
    """L_sup + lambda mean_i 1/C sum_c (p^S - p^T)^2, or the cross entropy with p^T (Tarvainen & Valpola)."""
    train = not step.option('teacher.eval_mode', True)
    taught = step.network('teacher')(step.views['weak'], train).probs
    sup, strong = step.network('student').together(step.views['sup'], step.views['strong'])
    losses, valid = supervised(sup, step.truth), step.valid['weak']
    if step.option('consistency', 'mse') == 'ce':
        distance = cross_entropy(strong.logits, taught, valid)
    else:
        distance = mean(valid, squared_distance(strong.probs, taught)) / plain.CLASSES
    losses['unsup.loss_consistency'] = step.option('unsup_weight', 100.0) * step.scale * distance
    losses['unsup.confidence'] = mean(valid, lambda b, y, x: taught[b, :, y, x].max())
    return losses


def cutmix_seg(step: Step) -> Losses:
    """L_sup + lambda r mean_i sum_c (p^S - p^T)^2 on mixed images; r the confident share (French et al.)."""
    boxes = step.boxes(2)
    said = step.network('teacher')(step.views['weak'], train=False).logits
    taught = pasted(said[:2], said[2:], boxes).softmax(dim=1)
    valid = pasted(step.valid['weak'][:2], step.valid['weak'][2:], boxes)
    strong = step.views['strong']
    sup, mixed = step.network('student').together(step.views['sup'], pasted(strong[:2], strong[2:], boxes))

    threshold = step.option('threshold', 0.97)
    sure = [[[float(taught[b, :, y, x].max() >= threshold) for x in range(8)] for y in range(6)] for b in range(2)]
    share = mean(valid, lambda b, y, x: sure[b][y][x])
    distance = squared_distance(mixed.probs, taught)
    cost = share * mean(valid, distance)
    assert 0 < share < 1
    losses = supervised(sup, step.truth)
    losses['unsup.loss_consistency'] = step.option('unsup_weight', 1.0) * step.scale * cost
    losses['unsup.confident'] = share
    return losses


def pseudo_label(step: Step) -> Losses:
    """L_sup + lambda 1/|K| sum_K CE(f(s)_i, y_i), K the pixels with a label that reach the threshold."""
    valid, threshold = step.valid['weak'], step.option('threshold', 0.0)
    label = torch.full(valid.shape, 255)
    for b, y, x in valid.nonzero().tolist():
        written, confidence = step.samples['weak'][b].pseudo_sem_seg.data[:, y, x].tolist()
        label[b, y, x] = written if confidence / 255 >= threshold else 255
    kept = valid & (label != 255)
    sup, strong = step.network('student').together(step.views['sup'], step.views['strong'])
    losses = supervised(sup, step.truth)
    cost = cross_entropy(strong.logits, label, kept)
    losses['unsup.loss_pseudo'] = step.option('unsup_weight', 1.0) * step.scale * cost
    losses['unsup.kept'] = int(kept.sum()) / int(valid.sum())
    return losses


@cases('Supervised')
def test_supervised(name):
    check(name, lambda step: supervised(step.network('student')(step.views['sup']), step.truth))


@cases('MeanTeacher')
def test_mean_teacher(name):
    check(name, mean_teacher)


@cases('CutMixSeg')
def test_cutmix_seg(name):
    check(name, cutmix_seg)


@cases('PseudoLabel')
def test_pseudo_label(name):
    check(name, pseudo_label)
