"""The slow side of the value tests: what a step is given, and means of pixels, in double precision and in loops.

Nothing here or in the tests' equations calls the package, whose defaults are read off its signatures alone: what is
given is the mask of CutMix and torch's noise.
Gradients come along, because constants are constants here by ``detach``, one at a time.
"""

import inspect
from typing import Any, Callable, Dict, List, Optional, Union

import plain
import pytest
import torch
import torch.nn.functional as F
from plain import Case
from plain_cases import CASES
from plain_network import Network, Said
from torch import Tensor, nn

from mmseg_ssl.targets import hard_self_label, self_label

Losses = Dict[str, Any]
PLACES = {'label': 'labels'}
"""Parts of a method that are not kept under the name of their options."""
FUNCTIONS = dict(SelfLabeling=(self_label,), GraphCutLabeling=(hard_self_label,))
"""Functions that a part hands further options to."""


class Step:
    """Inputs of a method in a step: networks, views, which pixels are image, labels, options, the scale."""

    def __init__(self, model: nn.Module, case: Case) -> None:
        self.model, self.case, self.scale = model, case, case.scale
        self.answers: List[tuple] = []
        self.inputs, self.samples = plain.batch(case.scribbles)
        self.views = {view: images.double() for view, images in self.inputs.items()}
        self.valid = {view: plain.inside(shapes) for view, shapes in plain.SHAPES.items()}
        self.truth = torch.cat([sample.gt_sem_seg.data for sample in self.samples['sup']])
        self.weights = {
            name: value.detach().double().requires_grad_(value.requires_grad)
            for name, value in model.named_parameters()
        }

    def network(self, name: str) -> Network:
        return Network(self.weights, f'{name}.network.' if name == 'teacher' else f'{name}.')

    def option(self, path: str, default: Any) -> Any:
        """Return an option by its dotted path, or the default that the equation has.

        That must be the default of the constructor which takes it, the part's for ``label.k``, unless that is None.
        """
        *parts, name = path.split('.')
        options, takers = self.case.options, [type(self.model)]
        for part in parts:
            options, takers = options.get(part) or {}, self.takers(part)
        for taker in takers:
            declared = inspect.signature(taker).parameters.get(name)
            if declared is not None:
                assert declared.default is None or declared.default == default, path
                break
        return options.get(name, default)

    def takers(self, part: str) -> List[Callable]:
        """Classes, and then functions, that take the options of a part."""
        module = getattr(self.model, PLACES.get(part, part))
        module = module['conservative'] if isinstance(module, nn.ModuleDict) else module
        return [*type(module).__mro__[:-1], *FUNCTIONS.get(type(module).__name__, ())]

    def boxes(self, images: int, number: int = 0) -> Tensor:
        """Given: the boxes that the method draws for the first images of ``weak``."""
        mask = self.model.cutmix.sample(self.samples['weak'][:images], self.inputs['weak'][:images], number).mask
        assert 0 < mask.sum() < mask.numel()
        return mask


def pasted(own: Tensor, partner: Tensor, boxes: Tensor) -> Tensor:
    """Pixel by pixel: the partner's inside of the boxes."""
    result = own.clone()
    for b, y, x in boxes.nonzero().tolist():
        result[b, ..., y, x] = partner[b, ..., y, x]
    return result


def with_next(maps: Tensor, boxes: Tensor) -> Tensor:
    """Boxes of the next image, of the first one for the last."""
    return pasted(maps, torch.stack([maps[(b + 1) % len(maps)] for b in range(len(maps))]), boxes)


def mean(over: Tensor, cost: Callable[[int, int, int], Any]) -> Any:
    """Mean of a cost over the pixels of a mask; 0 without any."""
    places = over.nonzero().tolist()
    return sum(cost(b, y, x) for b, y, x in places) / max(len(places), 1)


def cross_entropy(logits: Tensor, label: Tensor, over: Tensor, weight: Optional[Tensor] = None) -> Any:
    """Mean over a mask of w_i CE(z_i, y_i); a pixel of label 255 counts as 0."""
    log_probs = logits.log_softmax(dim=1)

    def cost(b: int, y: int, x: int) -> Any:
        share = 1.0 if weight is None else weight[b, y, x]
        if label.dim() == 4:
            return -share * (label[b, :, y, x] * log_probs[b, :, y, x]).sum()
        return 0.0 if label[b, y, x] == 255 else -share * log_probs[b, int(label[b, y, x]), y, x]

    return mean(over, cost)


def supervised(said: Said, truth: Tensor, prefix: str = 'sup') -> Losses:
    """Cross entropy of decode and auxiliary head over labeled pixels, and their accuracy in per cent."""
    labeled, losses = truth != 255, {}
    for name, logits, weight in (('', said.logits, 1.0), ('aux.', said.auxiliary, 0.4)):
        losses[f'{prefix}.{name}loss_ce'] = weight * cross_entropy(logits, truth, labeled)
        right = logits.argmax(dim=1) == truth
        losses[f'{prefix}.{name}acc_seg'] = 100 * mean(labeled, lambda b, y, x, right=right: float(right[b, y, x]))
    return losses


def binary_losses(output: Tensor, correct: Tensor, valid: Tensor, balance: str = 'image') -> Losses:
    """ELN, eq. 5 and 6: in each image, wrong pixels weigh #correct / #wrong; the mean over all valid pixels."""
    count = [(int((own & over).sum()), int((~own & over).sum())) for own, over in zip(correct, valid)]
    if balance == 'batch':
        count = [tuple(map(sum, zip(*count)))] * len(count)

    def cost(b: int, y: int, x: int) -> Any:
        if correct[b, y, x]:
            return F.softplus(-output[b, y, x])
        return count[b][0] / max(count[b][1], 1) * F.softplus(output[b, y, x])

    assert all(right and wrong for right, wrong in count)
    return dict(loss_detection=mean(valid, cost), wrong=mean(valid, lambda b, y, x: float(not correct[b, y, x])))


def check(name: Union[str, Case], reference: Callable[[Step], Losses]) -> None:
    """Compare every value of ``loss()``, and the gradient of a sum in which each term has a weight of its own."""
    case = CASES[name] if isinstance(name, str) else name
    model = case.build()
    step = Step(model, case)
    if hasattr(model, 'self_labeling'):
        keep = lambda _, asked, answer: step.answers.append((*asked, answer))  # noqa: E731
        model.self_labeling.register_forward_hook(keep)
    losses = case.losses(model)
    torch.manual_seed(plain.SEED)
    expected = reference(step)
    assert losses.keys() == expected.keys()
    for key, value in losses.items():
        assert value.requires_grad == ('loss' in key), key
        assert float(value.detach()) == pytest.approx(float(expected[key]), rel=1e-5, abs=1e-6), key
    ours, theirs = (
        sum((1 + n) * terms[key] for n, key in enumerate(sorted(terms)) if 'loss' in key)
        for terms in (losses, expected)
    )
    ours.backward()
    names = [name for name, weight in step.weights.items() if weight.requires_grad]
    gradients = torch.autograd.grad(theirs, [step.weights[name] for name in names], allow_unused=True)
    actual = dict(model.named_parameters())
    for name, gradient in zip(names, gradients):
        found = actual[name].grad if actual[name].grad is not None else torch.zeros_like(actual[name])
        wanted = torch.zeros_like(step.weights[name]) if gradient is None else gradient
        torch.testing.assert_close(
            found.double(), wanted, rtol=1e-4, atol=1e-5, msg=lambda text, n=name: f'{n}: {text}'
        )


def cases(*methods: str) -> pytest.MarkDecorator:
    """Parametrize a test by the cases of some methods."""
    return pytest.mark.parametrize('name', [name for name, case in CASES.items() if case.method in methods])
