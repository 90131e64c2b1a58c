"""CPCL and DUEB: the whole loss against its equation, the noise given."""

from typing import Dict, List, NamedTuple, Optional, Tuple

import plain
import torch
import torch.nn.functional as F
from plain_loops import Losses, Step, cases, check, cross_entropy, mean, pasted, supervised
from plain_network import Said
from torch import Tensor


class MixedTargets(NamedTuple):
    """Mixed images, which of their pixels are image, where the networks agree, and what each is taught."""

    images: Tensor
    valid: Tensor
    agreed: Tensor
    label: Dict[str, Tensor]
    weight: Dict[str, Tensor]


def indicator(one: Tensor, two: Tensor, valid: Tensor) -> List[float]:
    """I_k of the confusion matrix, one added on its diagonal."""
    classes = range(plain.CLASSES)
    matrix = [[int(i == j) for j in classes] for i in classes]
    for b, y, x in valid.nonzero().tolist():
        matrix[one[b, y, x]][two[b, y, x]] += 1
    columns = [sum(matrix[i][k] for i in classes) for k in classes]
    rows = [sum(matrix[k]) for k in classes]
    raw = [(columns[k] - matrix[k][k]) / columns[k] + (rows[k] - matrix[k][k]) / rows[k] for k in classes]
    return [value / (sum(raw) + 1e-6) for value in raw]


def taught_by_both(step: Step) -> MixedTargets:
    """Labels of u0 and u1, their logits mixed as the images are; intersection and union."""
    weak_a, weak_b = step.views['weak'][:2], step.views['weak'][2:]
    boxes, train = step.boxes(2), step.option('teacher_mode', 'train') == 'train'
    valid = pasted(step.valid['weak'][:2], step.valid['weak'][2:], boxes)
    probs = {}
    for name in ('conservative', 'progressive'):
        said_a, said_b = step.network(name).together(weak_a, weak_b, train=train)
        probs[name] = pasted(said_a.logits, said_b.logits, boxes).softmax(dim=1).detach()
    (sure_c, label_c), (sure_p, label_p) = (probs[name].max(dim=1) for name in ('conservative', 'progressive'))
    argued = indicator(label_c, label_p, valid)
    both, either = torch.full_like(label_c, 255), label_c.clone()
    weight_both, weight_either = torch.zeros_like(sure_c), torch.zeros_like(sure_c)
    for b, y, x in valid.nonzero().tolist():
        c, p = int(label_c[b, y, x]), int(label_p[b, y, x])
        if c == p:
            both[b, y, x], weight_both[b, y, x] = c, (sure_c[b, y, x] + sure_p[b, y, x]) / 2
            weight_either[b, y, x] = weight_both[b, y, x]
        elif argued[c] > argued[p]:
            weight_either[b, y, x] = sure_c[b, y, x]
        else:
            either[b, y, x], weight_either[b, y, x] = p, sure_p[b, y, x]
    return MixedTargets(
        pasted(weak_a, weak_b, boxes),
        valid,
        (label_c == label_p) & valid,
        dict(conservative=both, progressive=either.masked_fill(~valid, 255)),
        dict(conservative=weight_both, progressive=weight_either),
    )


def cpcl(step: Step) -> Losses:
    """L_sup + lambda (mean_i w^int CE(f1, y^int) + mean_i w^uni CE(f2, y^uni)), the means over all image pixels."""
    taught, losses = taught_by_both(step), {}
    for name in ('conservative', 'progressive'):
        sup, mixed = step.network(name).together(step.views['sup'], taught.images)
        weight = taught.weight[name]
        if step.case.method == 'DUEB':
            extra, weight = dueb(step, sup, mixed, taught, name)
            losses.update({f'{name}.{key}': value for key, value in extra.items()})
        losses.update(supervised(sup, step.truth, f'{name}.sup'))
        cost = cross_entropy(mixed.logits, taught.label[name], taught.valid, weight)
        losses[f'{name}.unsup.loss_pseudo'] = step.option('unsup_weight', 1.0) * step.scale * cost
    losses['unsup.agreement'] = int(taught.agreed.sum()) / int(taught.valid.sum())
    losses['unsup.confidence'] = mean(taught.valid, lambda b, y, x: taught.weight['progressive'][b, y, x])
    assert 0.1 < losses['unsup.agreement'] < 0.9
    return losses


def dueb(step: Step, sup: Said, mixed: Said, taught: MixedTargets, name: str) -> Tuple[Losses, Tensor]:
    """The aleatoric and the energy term on ground truth and on pseudo labels; CPCL's weights, by energy."""
    losses, weight, pseudo = {}, taught.weight[name], taught.label[name]
    energy = type_of(step, 'energy', 'ReleaseEnergyTerm')
    if step.option('aleatoric', {}) is not None:
        on_truth, on_pseudo = step.option('aleatoric.weight', (0.5, 1.0))
        term = release if type_of(step, 'aleatoric', '') == 'ReleaseAleatoricTerm' else kendall_gal
        losses['sup.loss_aleatoric'] = on_truth * term(step, sup, step.truth)
        losses['unsup.loss_aleatoric'] = on_pseudo * step.scale * term(step, mixed, pseudo)
        losses['variance'] = mean(taught.valid, lambda b, y, x: mixed.side['variance'][b, 0, y, x])
    low, high = margins(step, sup)
    if energy == 'EnergyWeighting':
        half, temperature = (low + high) / 2, temperature_of(step)
        weight = weight * ((half - free_energy(step, mixed)) / temperature).sigmoid().detach()
    elif energy:
        on_truth, on_pseudo = step.option('energy.weight', (0.5, 1.0))
        disagreed = taught.valid & ~taught.agreed
        losses['sup.loss_energy'] = on_truth * energy_term(step, energy, sup, step.truth, (low, high))
        term = energy_term(step, energy, mixed, pseudo, (low, high), disagreed)
        losses['unsup.loss_energy'] = on_pseudo * step.scale * term
    return losses, weight


def type_of(step: Step, part: str, default: str) -> Optional[str]:
    """Return the term that the case has, None for none."""
    config = step.option(part, {})
    return None if config is None else config.get('type', default)


def temperature_of(step: Step) -> float:
    return step.option('energy.temperature', 1.0)


def free_energy(step: Step, said: Said) -> Tensor:
    """E = - tau ln sum_c exp(z_c / tau)."""
    temperature = temperature_of(step)
    return -temperature * (said.logits / temperature).exp().sum(dim=1).log()


def margins(step: Step, sup: Said) -> Tuple[float, float]:
    """Mean energies of the rightly and of the wrongly predicted labeled pixels: of this batch, the first one."""
    energy, named = free_energy(step, sup).detach(), sup.logits.argmax(dim=1)
    right, wrong = named == step.truth, (named != step.truth) & (step.truth != 255)
    assert right.any() and wrong.any()
    return tuple(float(mean(over, lambda b, y, x: energy[b, y, x])) for over in (right, wrong))


def energy_term(step: Step, mode: str, said: Said, label: Tensor, margins: Tuple, disagreed: Tensor = None):
    """The equation of the term's loss."""
    z, energy, over = said.logits, free_energy(step, said), label != 255
    if mode == 'JointEnergyTerm':
        share = step.option('energy.logit_weight', 0.1)
        return mean(over, lambda b, y, x: -z[b, label[b, y, x], y, x] + share * (z[b, :, y, x] ** 2).sum())
    if mode == 'ReleaseEnergyTerm':
        probs = z.softmax(dim=1)
        return sum(probs[b, label[b, y, x], y, x].exp() for b, y, x in over.nonzero().tolist()).log()
    low, high = margins
    over = over if disagreed is None else over & ~disagreed
    cost = mean(over, lambda b, y, x: max(energy[b, y, x] - low, energy[b, y, x] * 0) ** 2)
    if disagreed is None:
        return cost
    return cost + mean(disagreed, lambda b, y, x: max(high - energy[b, y, x], energy[b, y, x] * 0) ** 2)


def thin(step: Step, said: Said, label: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    """Every n-th row and column."""
    n = step.option('aleatoric.sample_stride', 1)
    return said.logits[..., ::n, ::n], said.side['variance'][..., ::n, ::n], label[..., ::n, ::n]


def noise_like(logits: Tensor) -> Tensor:
    """Given: the method's draw of standard normal noise."""
    return torch.empty(logits.shape).normal_().double()


def kendall_gal(step: Step, said: Said, label: Tensor):
    """mean_i - ln 1/T sum_t softmax(z_i + sigma_i eps_it)_y."""
    z, variance, label = thin(step, said, label)
    samples = step.option('aleatoric.num_samples', 10)
    noisy = [(z + variance.sqrt() * noise_like(z)).softmax(dim=1) for _ in range(samples)]
    return mean(label != 255, lambda b, y, x: -(sum(p[b, label[b, y, x], y, x] for p in noisy) / samples).log())


def release(step: Step, said: Said, label: Tensor):
    """r u + u + mean_i (e^v - 1), r = - 1/T sum_t ELU(u - d_t); the noise is not reparametrized."""
    z, variance, label = thin(step, said, label)
    over, samples = label != 255, step.option('aleatoric.num_samples', 10)
    deviation = variance.detach().sqrt() + 1e-15
    clean = cross_entropy(z, label, over)
    noisy = [cross_entropy(z + deviation * noise_like(z), label, over) for _ in range(samples)]
    ratio = -sum(F.elu(clean - distance) for distance in noisy) / samples
    everywhere = torch.ones_like(over)
    return ratio * clean + clean + mean(everywhere, lambda b, y, x: variance[b, 0, y, x].exp() - 1)


@cases('CPCL', 'DUEB')
def test_cpcl(name):
    check(name, cpcl)
