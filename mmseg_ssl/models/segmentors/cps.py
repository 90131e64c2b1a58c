"""CPS: cross pseudo supervision (Chen et al., CVPR 2021, arXiv 2106.01226)."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor

from ...ops import likeliest, masked_mean
from ...structures import PixelTarget, Prediction
from ..branch import Branch
from ..data_preprocessor import valid_pixels
from ..labelling import TEACHER_MODES, labelling
from ..losses import pixel_cross_entropy
from .base import LossDict, SemiSegmentor, Views, ViewSamples

CROSS_MEANS = ('each', 'joint')


class Taught(NamedTuple):
    """Images on which the networks teach each other.

    Attributes:
        valid: ``(B, H, W)`` bool, which pixels are image.
        targets: By network, what it says of the images.
    """

    valid: Tensor
    targets: Dict[str, PixelTarget]


@MODELS.register_module()
class CPS(SemiSegmentor):
    r"""Two networks with different initial weights teach each other their argmax.

    ::

        sup  --> student, peer <-- ground truth
        weak --> student --> argmax --> peer          without CutMix: on labelled images, too
        weak --> peer ----> argmax --> student

    With CutMix, u0 and u1 are labelled without a gradient, and labels are mixed as the images are.

    .. math:: L = L_{sup} + \lambda \big( CE(f_1(u), \hat y_2) + CE(f_2(u), \hat y_1) \big)

    The means run over all pixels of the image. One call a network and step, two with CutMix.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``; each network initialises its own head.
        unsup_weight: :math:`\lambda`; 1.5 on VOC and 6 on Cityscapes, with CutMix 1 and 5 (public code).
        cutmix: Options of :class:`CutMix`, ``dict()`` for CPS's own; not given: nothing is mixed. The unlabelled batch
            then holds two images a labelled one (``unlabeled_per_labeled=2``).
        teacher_mode: Mode of a network while it labels u0 and u1: ``'train'`` (as the public code) or ``'eval'``.
            Without CutMix the labels are the training call's own.
        cross_mean: Without CutMix, ``'each'`` adds the mean over labelled and the mean over unlabelled images, as the
            paper's :math:`L_{cps}^l + L_{cps}^u`; ``'joint'`` is one mean over both (public code; half of ``'each'``
            for equal batches).
        side_heads: Side heads of each network by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper:
        1. Labelled and unlabelled images share a network call, so BatchNorm sees them together; so do u0 and u1. The
           public code does it without CutMix only.
        2. Padding is not part of the image: it is neither taught nor counted (it is in the public code).
        3. One optimiser for both networks; it acts on each weight alone, so this changes nothing but the config.
    """

    networks = ('student', 'peer')
    views = ('sup', 'weak')

    def __init__(
        self,
        segmentor: dict,
        unsup_weight: float = 1.5,
        cutmix: Optional[dict] = None,
        teacher_mode: str = 'train',
        cross_mean: str = 'each',
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if teacher_mode not in TEACHER_MODES or cross_mean not in CROSS_MEANS:
            raise ValueError(
                f'CPS: teacher_mode is one of {TEACHER_MODES} and cross_mean one of {CROSS_MEANS}, got '
                f'{teacher_mode!r} and {cross_mean!r}.'
            )
        self.student = Branch(segmentor, side_heads)
        self.peer = Branch(segmentor, side_heads)
        self.cutmix: Any = None if cutmix is None else MODELS.build(dict(type='CutMix', **cutmix))
        self.unsup_weight, self.teacher_mode, self.cross_mean = unsup_weight, teacher_mode, cross_mean

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Losses of one step."""
        images = dict(labeled=inputs['sup'], unlabeled=inputs['weak'])
        taught = {}
        if self.cutmix is not None:
            images['unlabeled'], taught['unlabeled'] = self.mixed(inputs['weak'], data_samples['weak'])

        merged, sizes = torch.cat(list(images.values())), [len(part) for part in images.values()]
        preds = {name: dict(zip(images, getattr(self, name)(merged).split(sizes))) for name in self.networks}
        if self.cutmix is None:
            for part, view in dict(labeled='sup', unlabeled='weak').items():
                targets = {name: self.pseudo_labels(images[part], preds[name][part].logits) for name in preds}
                taught[part] = Taught(valid_pixels(data_samples[view], images[part]), targets)

        losses = self.supervised_losses(inputs['sup'], preds, data_samples['sup'])
        for name, other in (('student', 'peer'), ('peer', 'student')):
            losses.update(add_prefix(self.cross_losses(preds[name], taught, other), name))
        losses.update(self.diagnostics(taught['unlabeled']))
        return losses

    def mixed(self, weak: Tensor, samples: List[SegDataSample]) -> Tuple[Tensor, Taught]:
        """Mixed images, and what each network says of them: its labels of the unmixed ones, mixed alike."""
        weak_a, weak_b = self.two_batches(weak)
        mix = self.cutmix.sample(samples[: len(weak_a)], weak_a)
        targets = {}
        for name in self.networks:
            with labelling(getattr(self, name), self.teacher_mode):
                logits = getattr(self, name)(weak).logits
            label, weight = (tensor.chunk(2) for tensor in self.pseudo_labels(weak, logits))
            targets[name] = PixelTarget(mix(*label), mix(*weight))
        return mix(weak_a, weak_b), Taught(mix(*valid_pixels(samples, weak).chunk(2)), targets)

    def pseudo_labels(self, images: Tensor, logits: Tensor) -> PixelTarget:
        """What a network teaches the other: its argmax, everywhere."""
        label = likeliest(logits)[1]
        return PixelTarget(label, torch.ones_like(label, dtype=logits.dtype))

    def supervised_losses(
        self, images: Tensor, preds: Dict[str, Dict[str, Prediction]], samples: List[SegDataSample]
    ) -> LossDict:
        """Both networks' losses of the labelled images."""
        losses = {}
        for name in self.networks:
            own = getattr(self, name).supervised_loss(preds[name]['labeled'], samples)
            losses.update(add_prefix(own, f'{name}.sup'))
        return losses

    def cross_losses(self, preds: Dict[str, Prediction], taught: Dict[str, Taught], by: str) -> LossDict:
        """What a network learns from the other one, ``by``, on labelled (without CutMix) and unlabelled images."""
        maps = {part: pixel_cross_entropy(preds[part].logits, step.targets[by]) for part, step in taught.items()}
        valid = {part: step.valid for part, step in taught.items()}
        weight = self.unsup_weight * self.unsup_scale
        if self.cross_mean == 'joint':
            total = masked_mean(torch.cat(list(maps.values())), over=torch.cat(list(valid.values())))
            return dict(loss_pseudo_joint=weight * total)
        keys = dict(labeled='loss_pseudo_labeled', unlabeled='loss_pseudo')
        return {keys[part]: weight * masked_mean(maps[part], over=valid[part]) for part in maps}

    def diagnostics(self, taught: Taught) -> LossDict:
        """What is logged of the unlabelled images: the share of pixels on which the networks agree."""
        student, peer = (taught.targets[name].label for name in self.networks)
        return {'unsup.agreement': masked_mean((student == peer).float(), over=taught.valid)}
