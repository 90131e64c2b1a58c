"""FixMatch, UniMatch V1 and V2: the whole loss against its equation."""

from typing import Callable, Tuple

import torch
import torch.nn.functional as F
from plain_loops import Losses, Step, cases, check, cross_entropy, mean, supervised, with_next
from torch import Tensor

Target = Tuple[Tensor, Tensor]


def threshold_of(step: Step, probs: Tensor) -> float:
    """tau; one that learns moves to the mean over predicted classes of their largest confidence (CorrMatch)."""
    threshold = step.option('threshold', 0.95)
    if not isinstance(threshold, dict):
        return threshold
    largest = {}
    for b, y, x in step.valid['weak'].nonzero().tolist():
        confidence, label = probs[b, :, y, x].max(dim=0)
        largest[int(label)] = max(largest.get(int(label), 0.0), float(confidence))
    new = sum(largest.values()) / len(largest)
    return (1 - threshold['momentum']) * threshold['initial'] + threshold['momentum'] * new


def target_of(step: Step, probs: Tensor) -> Target:
    """argmax (or the k likeliest classes in their proportions), and 1 where an image pixel reaches the threshold."""
    probs, threshold = probs.detach(), threshold_of(step, probs.detach())
    label, weight = probs.argmax(dim=1), torch.zeros_like(probs[:, 0])
    for b, y, x in step.valid['weak'].nonzero().tolist():
        weight[b, y, x] = float(probs[b, :, y, x].max() >= threshold)
    if 'target' in step.case.options:
        label = torch.zeros_like(probs)
        for b, y, x in torch.ones_like(weight).nonzero().tolist():
            q = probs[b, :, y, x]
            kept = sorted(range(len(q)), key=lambda c, q=q: -q[c])[: step.option('target', {})['k']]
            label[b, kept, y, x] = q[kept] / q[kept].sum()
    return label, weight


def taught(step: Step, logits: Tensor, target: Target, boxes: Tensor = None) -> Tensor:
    """lambda s mean_i w_i CE(z_i, y_i) over the image pixels, mixed as the view is."""
    label, weight, valid = (*target, step.valid['weak'])
    if boxes is not None:
        label, weight, valid = (with_next(maps, boxes) for maps in (label, weight, valid))
    return step.option('unsup_weight', 0.5) * step.scale * cross_entropy(logits, label, valid, weight)


def labeled_and_logs(step: Step, sup, probs: Tensor, target: Target) -> Losses:
    """Half of the supervised losses; what is logged."""
    losses = supervised(sup, step.truth)
    weight = step.option('sup_weight', 0.5)
    losses = {key: value * weight if 'loss' in key else value for key, value in losses.items()}
    losses['unsup.kept'] = mean(step.valid['weak'], lambda b, y, x: float(target[1][b, y, x] > 0))
    assert 0 < losses['unsup.kept'] < 1
    if isinstance(step.option('threshold', 0.95), dict):
        losses['unsup.threshold'] = threshold_of(step, probs.detach())
    return losses


def fixmatch(step: Step) -> Losses:
    student, boxes = step.network('student'), step.boxes(4)
    probs = student(step.views['weak'], train=step.option('teacher_mode', 'eval') == 'train').probs
    target = target_of(step, probs)
    sup, strong = student.together(step.views['sup'], with_next(step.views['strong'], boxes))
    losses = labeled_and_logs(step, sup, probs, target)
    losses['unsup.loss_pseudo'] = taught(step, strong.logits, target, boxes)
    return losses


def dropped(step: Step) -> Callable:
    """Given: torch's draw of the channels that the last four images lose, level by level."""

    def perturb(levels):
        result = []
        for level in levels:
            kept = F.dropout2d(torch.ones(4, *level.shape[1:]), 0.5).double()
            result.append(torch.cat([level[:-4], level[-4:] * kept]))
        return result

    return perturb


def unimatch_v1(step: Step) -> Losses:
    """(L_sup + L_s1 / 4 + L_s2 / 4 + L_fp / 2) / 2."""
    weights = dict(dict(strong1=0.25, strong2=0.25, feature=0.5), **step.option('view_weights', {}))
    student, boxes = step.network('student'), [step.boxes(4, number) for number in (0, 1)]
    assert not torch.equal(*boxes)
    weak = step.views['weak']
    probs = student(weak, train=step.option('teacher_mode', 'eval') == 'train').probs
    target = target_of(step, probs)
    mixed = [with_next(step.views[f'strong{n + 1}'], boxes[n]) for n in (0, 1)]
    sup, one, two, feature = student.together(step.views['sup'], *mixed, weak, perturb=dropped(step))
    losses = labeled_and_logs(step, sup, probs, target)
    losses['unsup.strong1.loss_pseudo'] = weights['strong1'] * taught(step, one.logits, target, boxes[0])
    losses['unsup.strong2.loss_pseudo'] = weights['strong2'] * taught(step, two.logits, target, boxes[1])
    losses['unsup.feature.loss_pseudo'] = weights['feature'] * taught(step, feature.logits, target)
    return losses


def complementary(step: Step) -> Callable:
    """Given: torch's draw of whole images and of channels; the first views get 2 m z, the second ones 2 (1 - m) z."""
    whole = torch.randperm(4) < int(4 * step.option('feature_keep', 0.5))
    masks = [torch.randint(0, 2, (4, width)) for width in (5, 6)]

    def perturb(levels):
        result = []
        for level, mask in zip(levels, masks):
            level = level.clone()
            for i in range(4):
                if not whole[i]:
                    level[2 + i] = level[2 + i] * 2 * mask[i][:, None, None]
                    level[6 + i] = level[6 + i] * 2 * (1 - mask[i])[:, None, None]
            result.append(level)
        return result

    return perturb


def unimatch_v2(step: Step) -> Losses:
    """(L_sup + (L_s1 + L_s2) / 2) / 2, with labels of an EMA teacher."""
    boxes = [step.boxes(4, number) for number in (0, 1)]
    probs = step.network('teacher')(step.views['weak'], train=False).probs
    target = target_of(step, probs)
    mixed = [with_next(step.views[f'strong{n + 1}'], boxes[n]) for n in (0, 1)]
    sup, one, two = step.network('student').together(step.views['sup'], *mixed, perturb=complementary(step))
    losses = labeled_and_logs(step, sup, probs, target)
    losses['unsup.strong1.loss_pseudo'] = 0.5 * taught(step, one.logits, target, boxes[0])
    losses['unsup.strong2.loss_pseudo'] = 0.5 * taught(step, two.logits, target, boxes[1])
    return losses


@cases('FixMatch')
def test_fixmatch(name):
    check(name, fixmatch)


@cases('UniMatchV1')
def test_unimatch_v1(name):
    check(name, unimatch_v1)


@cases('UniMatchV2')
def test_unimatch_v2(name):
    check(name, unimatch_v2)
