"""SoftSelfLabeling and ScribbleMeanTeacher: the whole loss against its equation, the soft labels solved for by hand."""

from typing import Any

import plain
import torch
import torch.nn.functional as F
from plain_loops import Losses, Step, cases, check, mean, supervised
from plain_scribbles import EPS, GRID, Scribbled, potts, scribbles_alone
from test_teacher_values import mean_teacher
from torch import Tensor


def descended(step: Step, logits: Tensor, drawn: Scribbled) -> Tensor:
    """Eq. 8's labels: y = softmax(u), so many steps of gradient descent on u from the prediction, seeds one-hot."""
    options, sigma = step.option('self_labeling', {}), logits.detach().softmax(dim=1)
    free = drawn.unlabeled[:, None]
    fixed = torch.full_like(sigma, 1 / plain.CLASSES)
    for b, y, x in (drawn.seeds != 255).nonzero().tolist():
        fixed[b, :, y, x] = F.one_hot(drawn.seeds[b, y, x], plain.CLASSES).double()
    unary = dict(
        collision=lambda y, s: -(y @ s + EPS).log(),
        standard=lambda y, s: -(y @ s.log()),
        reverse=lambda y, s: -(s @ (y + EPS).log()),
    )[step.option('self_labeling.cross_entropy', 'collision')]
    relaxation, bandwidth = step.option('self_labeling.relaxation', 'collision_divergence'), options['bandwidth']
    edges = [
        (b, one, two, drawn.affinity(b, one, two, bandwidth)) for b in range(2) for one, two in drawn.pairs(b, GRID)
    ]
    places = drawn.unlabeled.nonzero().tolist()
    u = sigma.log()
    for _ in range(options['steps']):
        u.requires_grad_()
        label = u.softmax(dim=1).where(free, fixed)
        near = [(label[b, :, i[0], i[1]], label[b, :, j[0], j[1]], w) for b, i, j, w in edges]
        energy = step.option('self_labeling.eta', 0.3) * sum(
            unary(label[b, :, y, x], sigma[b, :, y, x]) for b, y, x in places
        )
        energy = energy + step.option('self_labeling.potts_weight', 6.0) * sum(
            w * potts(p, q, relaxation) for p, q, w in near
        )
        u = u.detach() - 0.075 * torch.autograd.grad(energy, u)[0]
    return u.softmax(dim=1).where(free, fixed)


def self_label_losses(step: Step, logits: Tensor, label: Tensor, drawn: Scribbled) -> Losses:
    """eta mean H(y_i, sigma_i) over unlabeled pixels (eq. 9 to 11)."""
    log_probs = logits.log_softmax(dim=1)

    def cost(b: int, y: int, x: int) -> Any:
        y_i, log_s = label[b, :, y, x], log_probs[b, :, y, x]
        kind = step.option('self_labeling.cross_entropy', 'collision')
        if kind == 'standard':
            return -(y_i @ log_s)
        return -(log_s.exp() @ (y_i + EPS).log()) if kind == 'reverse' else -(log_s.exp() @ y_i).log()

    same = label.argmax(dim=1) == logits.argmax(dim=1)
    return {
        'unsup.loss_self_label': step.option('self_labeling.eta', 0.3) * step.scale * mean(drawn.unlabeled, cost),
        'unsup.confidence': mean(drawn.unlabeled, lambda b, y, x: label[b, :, y, x].max()),
        'unsup.agreement': mean(drawn.unlabeled, lambda b, y, x: float(same[b, y, x])),
    }


def soft_self_labeling(step: Step) -> Losses:
    sup, drawn = step.network('student')(step.views['sup']), Scribbled(step)
    if step.option('self_labeling.solver', 'chebyshev') == 'gd':
        label = descended(step, sup.logits, drawn)
    else:  # given: what the method's solver answered, if it was asked the right question
        logits, scribbles, answer = step.answers[0]
        torch.testing.assert_close(logits.detach().double(), sup.logits.detach(), rtol=1e-4, atol=1e-4)
        assert torch.equal(scribbles.images.double(), drawn.colors)
        assert torch.equal(scribbles.seeds, drawn.seeds) and torch.equal(scribbles.valid, drawn.valid)
        label = answer.double()
    return dict(supervised(sup, step.truth), **self_label_losses(step, sup.logits, label, drawn))


def scribble_mean_teacher(step: Step) -> Losses:
    """Soft labels on scribbled images, and a mean teacher on the others; one student call."""
    losses = mean_teacher(step)
    losses['unsup.teacher_confidence'] = losses.pop('unsup.confidence')
    sup, _ = step.network('student').together(step.views['sup'], step.views['strong'])
    drawn = Scribbled(step)
    if step.case.stage == 'pretrain':
        return losses
    return dict(losses, **self_label_losses(step, sup.logits, descended(step, sup.logits, drawn), drawn))


@cases('SoftSelfLabeling')
def test_soft_self_labeling(name):
    check(name, scribbles_alone if 'pretrain' in name else soft_self_labeling)


@cases('ScribbleMeanTeacher')
def test_scribble_mean_teacher(name):
    check(name, scribble_mean_teacher)
