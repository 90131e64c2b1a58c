"""CPS and LocatedCPS: the whole loss against its equation."""

from typing import Dict, Tuple

import torch
from plain_loops import Losses, Step, binary_losses, cases, check, cross_entropy, mean, pasted, supervised
from torch import Tensor

OTHER = dict(student='peer', peer='student')
Target = Tuple[Tensor, Tensor]


def argmax_of(step: Step, images: Tensor, logits: Tensor) -> Target:
    """A network's classes; with a localizer only where it says "right"."""
    label, logits = logits.argmax(dim=1), logits.detach()
    if step.case.method == 'CPS':
        return label, torch.ones_like(logits[:, 0])
    right = step.network('localizer').judged(images, logits, train=False).sigmoid()
    return label, (right > step.option('threshold', 0.5)).double()


def cps(step: Step) -> Losses:
    """L_sup + lambda (CE(f1(u), y2) + CE(f2(u), y1)) on labeled and unlabeled images."""
    sup, weak, weight = step.views['sup'], step.views['weak'], step.option('unsup_weight', 1.5) * step.scale
    said, losses = {}, {}
    for name in OTHER:
        said[name] = dict(zip(('sup', 'weak'), step.network(name).together(sup, weak)))
        losses.update(supervised(said[name]['sup'], step.truth, f'{name}.sup'))
    targets = {
        name: {view: argmax_of(step, step.views[view], own[view].logits) for view in own} for name, own in said.items()
    }
    for name, other in OTHER.items():
        for view, key in (('sup', 'loss_pseudo_labeled'), ('weak', 'loss_pseudo')):
            label, share = targets[other][view]
            cost = cross_entropy(said[name][view].logits, label, step.valid[view], share)
            losses[f'{name}.unsup.{key}'] = weight * cost
    losses.update(logs(step, {name: target['weak'] for name, target in targets.items()}, step.valid['weak']))
    return dict(losses, **localizer_losses(step, {name: own['sup'].logits for name, own in said.items()}))


def cps_with_cutmix(step: Step) -> Losses:
    """The same on mixed images alone, whose labels are those of their parts, mixed alike."""
    weak, boxes = step.views['weak'], step.boxes(2)
    mixed, valid = (pasted(maps[:2], maps[2:], boxes) for maps in (weak, step.valid['weak']))
    train = step.option('teacher_mode', 'train') == 'train'
    targets, losses, labeled = {}, {}, {}
    for name in OTHER:
        said = step.network(name)(weak, train).logits
        targets[name] = tuple(pasted(maps[:2], maps[2:], boxes) for maps in argmax_of(step, weak, said))
    for name, other in OTHER.items():
        sup, taught = step.network(name).together(step.views['sup'], mixed)
        losses.update(supervised(sup, step.truth, f'{name}.sup'))
        cost = cross_entropy(taught.logits, targets[other][0], valid, targets[other][1])
        losses[f'{name}.unsup.loss_pseudo'] = step.option('unsup_weight', 1.5) * step.scale * cost
        labeled[name] = sup.logits
    losses.update(logs(step, targets, valid))
    return dict(losses, **localizer_losses(step, labeled))


def logs(step: Step, targets: Dict[str, Target], valid: Tensor) -> Losses:
    """The share of image pixels on which the networks agree, and which each teaches."""
    (one, own), (two, other) = targets['student'], targets['peer']
    result = {'unsup.agreement': mean(valid, lambda b, y, x: float(one[b, y, x] == two[b, y, x]))}
    assert 0 < result['unsup.agreement'] < 1
    if step.case.method == 'LocatedCPS':
        result['student.kept'] = mean(valid, lambda b, y, x: own[b, y, x])
        result['peer.kept'] = mean(valid, lambda b, y, x: other[b, y, x])
        assert 0 < result['student.kept'] < 1 and 0 < result['peer.kept'] < 1
    return result


def localizer_losses(step: Step, labeled: Dict[str, Tensor]) -> Losses:
    """Balanced binary cross entropy of the judge over both networks' predictions, in one call."""
    if step.case.method == 'CPS':
        return {}
    logits = torch.cat([labeled['student'], labeled['peer']])
    output = step.network('localizer').judged(torch.cat([step.views['sup']] * 2), logits, train=True)
    truth, valid = torch.cat([step.truth] * 2), torch.cat([step.valid['sup']] * 2)
    found = binary_losses(output, logits.argmax(dim=1) == truth, valid & (truth != 255))
    return {f'localizer.{key}': value for key, value in found.items()}


@cases('CPS', 'LocatedCPS')
def test_cps(name):
    check(name, cps_with_cutmix if 'cutmix' in name or 'Located' in name else cps)
