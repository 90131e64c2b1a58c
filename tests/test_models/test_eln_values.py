"""ELN in its stages: the whole loss against its equations."""

from typing import Any, List, Tuple

import torch
from plain_loops import Losses, Step, binary_losses, cases, check, cross_entropy, mean, supervised, with_next
from plain_network import Network, Said, upsampled
from torch import Tensor


def decoded(step: Step, sup: Said) -> List[Tensor]:
    """Logits of the auxiliary decoders, on features that learn nothing from them."""
    count = len(step.option('slack', (20.0, 50.0)))
    heads = [Network(step.weights, f'auxiliary.{k}.') for k in range(count)]
    return [upsampled(head.conv(sup.levels[1].detach(), 'conv_seg')) for head in heads]


def constrained(step: Step, main: Tensor, own: Tensor, slack: float) -> Tuple[Any, float]:
    """Eq. 3: the cross entropy of an image (or of the batch) while it is more than slack times the student's."""
    labeled = step.truth != 255
    groups = [labeled]
    if step.option('gate', 'image') == 'image':
        groups = [labeled & (torch.arange(len(labeled)) == b)[:, None, None] for b in range(len(labeled))]
    pairs = [[cross_entropy(logits, step.truth, over) for logits in (own, main)] for over in groups]
    taught = [float(ours > slack * theirs) for ours, theirs in pairs]
    return sum(on * ours for on, (ours, _) in zip(taught, pairs)) / len(groups), sum(taught) / len(groups)


def labeled_losses(step: Step, sup: Said) -> Losses:
    """Eq. 7: L_sup + L_aux + L_ELN, the last the mean (or the sum) over K + 1 predictions, judged in one call."""
    losses, others = supervised(sup, step.truth), decoded(step, sup)
    for k, (slack, own) in enumerate(zip(step.option('slack', (20.0, 50.0)), others)):
        found = constrained(step, sup.logits.detach(), own, slack)
        losses[f'decoder_{k}.loss_constrained'], losses[f'decoder_{k}.taught'] = found
    shares = [value for key, value in losses.items() if key.endswith('.taught')]
    assert not shares or 0 < sum(shares) < len(shares)  # the gate is open here and closed there
    judged, count = torch.cat([sup.logits, *others]).detach(), 1 + len(others)
    truth, inside = (torch.cat([maps] * count) for maps in (step.truth, step.valid['sup']))
    correct, kind = judged.argmax(dim=1) == truth, step.option('localizer.type', 'ErrorLocalizer')
    ignored = (truth == 255) & (not step.option('localizer.ignored_as_wrong', False))
    valid = inside & ~ignored
    if kind == 'ConfidenceThreshold':
        return losses
    images = torch.cat([step.views['sup']] * count)
    if kind == 'ErrorCorrector':
        output = corrected(step, images, judged, train=True)
        found = dict(loss_correction=cross_entropy(output, truth, valid))
        found['wrong'] = mean(valid, lambda b, y, x: float(not correct[b, y, x]))
    else:
        inputs = step.option('localizer.inputs', 'probs')
        output = step.network('localizer').judged(images, judged, train=True, inputs=inputs)
        parts = zip(*(maps.chunk(count) for maps in (output, correct, valid)))  # each prediction by itself
        each = [binary_losses(*part, step.option('localizer.balance', 'image')) for part in parts]
        found = {key: sum(one[key] for one in each) / count for key in each[0]}
    scale = count if step.option('reduction', 'mean') == 'sum' else 1
    losses.update({f'localizer.{k}': value * scale if 'loss' in k else value for k, value in found.items()})
    return losses


def corrected(step: Step, images: Tensor, logits: Tensor, train: bool) -> Tensor:
    """The error corrector's logits: the localizer's network, one channel per class."""
    return step.network('localizer').judged(images, logits, train, channels=slice(None))


def pseudo_labels(step: Step, logits: Tensor) -> Tuple[Tensor, Tensor]:
    """Eq. 9: the argmax of the teacher where it is believed to be right (or the correction, everywhere)."""
    images, valid = step.views['weak'], step.valid['weak'].double()
    kind = step.option('localizer.type', 'ErrorLocalizer')
    if kind == 'ErrorCorrector':
        return corrected(step, images, logits, train=False).argmax(dim=1), valid
    if kind == 'ConfidenceThreshold':
        right = logits.softmax(dim=1).amax(dim=1)
    else:
        right = step.network('localizer').judged(
            images, logits, train=False, inputs=step.option('localizer.inputs', 'probs')
        )
        right = right.sigmoid()
    kept = (right > step.option('threshold', 0.5)) * valid
    assert 0 < kept.sum() < valid.sum()
    return logits.argmax(dim=1), kept


def cells(maps: Tensor, label: Tensor, weight: Tensor) -> Tuple[Tensor, Tensor]:
    """Unit vectors and classes of the cells of stride 2 whose pixel is believed to be right."""
    places = [(b, y, x) for b in range(4) for y in range(3) for x in range(4) if weight[b, 2 * y + 1, 2 * x + 1] > 0]
    vectors = torch.stack([maps[b, :, y, x] for b, y, x in places])
    classes = torch.tensor([int(label[b, 2 * y + 1, 2 * x + 1]) for b, y, x in places])
    assert len(set(classes.tolist())) > 1
    return vectors / (vectors**2).sum(dim=1, keepdim=True).sqrt(), classes


def contrast(step: Step, student: Tuple[Tensor, Tensor], teacher: Tuple[Tensor, Tensor]) -> Any:
    """Eq. 10 over cells: mean over anchors, mean (or sum) over positives; or the public code's."""
    (own, labels), (keys, classes) = student, teacher
    similar, costs = (own @ keys.T / step.option('contrast.temperature', 0.5)).exp(), []
    if (
        step.option('contrast.positives', 'mean') == 'log_sum'
    ):  # the teacher's are the anchors; a window covers the whole map here
        assert step.option('contrast.anchors', 'student') == 'teacher'
        for c in set(labels.tolist()):
            positives, negatives = (similar[same][:, classes == c] for same in (labels == c, labels != c))
            share = positives.sum() / (positives.sum() + negatives.sum())
            costs.append(-share.log() / int((classes == c).sum()))
        return sum(costs) / len(costs)
    for i, c in enumerate(labels.tolist()):
        positives, negatives = similar[i][classes == c], similar[i][classes != c].sum()
        terms = -(positives / (positives + negatives)).log()
        costs.append(terms.sum() if step.option('contrast.positives', 'mean') == 'sum' else terms.mean())
    return sum(costs) / len(costs)


def semi(step: Step) -> Losses:
    """Eq. 7 and 11: L_labeled + L_pseudo + L_contra."""
    train = not step.option('teacher.eval_mode', True)
    teacher = step.network('teacher')(step.views['weak'], train)
    label, kept = pseudo_labels(step, teacher.logits.detach())
    views, valid = [step.views[view] for view in step.option('student_views', ('strong',))], step.valid['weak']
    keys = cells(teacher.side['projection'], label, kept)
    if step.option('cutmix', None):  # the student's images, with their labels; the keys stay where the teacher saw them
        boxes = step.boxes(4)
        *views, label, kept, valid = (with_next(maps, boxes) for maps in (*views, label, kept, valid))
    sup, *taught = step.network('student').together(step.views['sup'], *views)
    losses = labeled_losses(step, sup)
    over = valid if step.option('pseudo_mean', 'all') == 'all' else kept > 0
    pseudo = sum(cross_entropy(own.logits, label, over, kept) for own in taught)
    push = sum(contrast(step, cells(own.side['projection'], label, kept), keys) for own in taught)
    losses['unsup.loss_pseudo'] = step.option('pseudo_weight', 1.0) * step.scale * pseudo
    losses['unsup.loss_contrast'] = step.option('contrast_weight', 1.0) * step.scale * push
    losses['unsup.kept'] = mean(valid, lambda b, y, x: kept[b, y, x])
    return losses


@cases('ELN', 'ELNWarmup')
def test_eln(name):
    if 'pretrain' in name:
        check(name, lambda step: supervised(step.network('student')(step.views['sup']), step.truth))
    elif 'armup' in name:
        check(name, lambda step: labeled_losses(step, step.network('student')(step.views['sup'])))
    else:
        check(name, semi)
