"""FixMatch (Sohn et al., NeurIPS 2020, arXiv 2001.07685) for segmentation, as the UniMatch authors run it."""

from typing import Any, List, Optional, Tuple, Union

import torch
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor

from ...ops import masked_mean
from ...structures import PixelTarget, Prediction
from ...targets import confident
from ..branch import Branch
from ..cutmix import UNIMATCH_BOX
from ..data_preprocessor import valid_pixels
from ..labelling import TEACHER_MODES, labelling, target_function
from ..losses import pixel_cross_entropy
from ..threshold import build_threshold
from .base import LossDict, SemiSegmentor, Views, ViewSamples, weighted


@MODELS.register_module()
class FixMatch(SemiSegmentor):
    r"""The confident labels of a weak view train the same network on a strong, CutMix-ed view.

    ::

        sup    --> student <-- ground truth
        weak   --> student, without a gradient --> argmax where confidence >= threshold, mixed alike
        strong, mixed with the next image --> student <------------'

    .. math:: L = \tfrac12 L_{sup} + \tfrac12 \, \mathrm{mean}_i \, 1[\max_c p_{ic} \ge \tau] \,
              CE(f(u^s)_i, \arg\max_c p_{ic})

    The mean runs over all pixels of the image: one that is not confident counts as 0. One call without a gradient for
    the labels and one merged call a step.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        threshold: :math:`\tau`, 0.95 on VOC and 0 on Cityscapes; or the config of a threshold that learns,
            ``dict(type='AdaptiveThreshold')``.
        sup_weight: Weight of the labelled images.
        unsup_weight: Weight of the unlabelled images.
        target: Another labelling in the place of the argmax: the name in :mod:`mmseg_ssl.targets` and options of a
            function of the probabilities, e.g. ``dict(type='fuzzy_topk', k=2)``. The threshold still decides which
            pixels count; 0 leaves that to the target's own weights.
        cutmix: Options of :class:`CutMix` beside UniMatch's own.
        teacher_mode: Mode of the network while it labels: ``'eval'``, or ``'train'``.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper (FixMatch is one of images; what follows is against UniMatch's public code):
        1. An image is mixed with the next one of the batch, not with one of a second unlabelled batch, so the call that
           labels the image labels its partner, too.
        2. All labels are made in eval mode. The public code does so for the partner, and takes the image's own labels
           from the training call (``teacher_mode='train'`` comes near it).
        3. All images share the training call, so BatchNorm sees weak, strong and labelled images together.
        4. A box longer than the image is cut to it (drawn again).
    """

    networks: Tuple[str, ...] = ('student',)
    views: Tuple[str, ...] = ('sup', 'weak', 'strong')

    def __init__(
        self,
        segmentor: dict,
        threshold: Union[float, dict] = 0.95,
        sup_weight: float = 0.5,
        unsup_weight: float = 0.5,
        target: Optional[dict] = None,
        cutmix: Optional[dict] = None,
        teacher_mode: str = 'eval',
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if teacher_mode not in TEACHER_MODES:
            raise ValueError(f'teacher_mode must be one of {TEACHER_MODES}, got {teacher_mode!r}.')
        self.student = Branch(segmentor, side_heads)
        self.threshold = build_threshold(threshold)
        self.cutmix = MODELS.build(dict(UNIMATCH_BOX, type='CutMix', **(cutmix or {})))
        self.target = target_function(target) if target else None
        self.sup_weight, self.unsup_weight, self.teacher_mode = sup_weight, unsup_weight, teacher_mode

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Losses of one step."""
        valid = valid_pixels(data_samples['weak'], inputs['weak'])
        target = self.pseudo_labels(self.label_probs(inputs['weak']), valid)
        mix = self.cutmix.sample(data_samples['weak'], inputs['weak'])

        images = [inputs['sup'], mix(inputs['strong'])]
        sup, strong = self.student(torch.cat(images)).split([len(part) for part in images])

        losses = self.supervised_losses(sup, data_samples['sup'])
        losses['unsup.loss_pseudo'] = self.unsupervised_loss(strong.logits, mix(target), mix(valid))
        losses.update(self.diagnostics(target, valid))
        return losses

    def label_probs(self, weak: Tensor) -> Tensor:
        """What the labels are made of: the network's own probabilities, without a gradient, ``(B, C, H, W)``."""
        with labelling(self.student, self.teacher_mode):
            return self.student(weak).logits.softmax(dim=1)

    def pseudo_labels(self, probs: Tensor, valid: Tensor) -> PixelTarget:
        """Labels of the weak view; weight 0 on padding and where the confidence is below the threshold."""
        target = confident(probs, self.threshold(probs, valid))  # one that learns follows the batch here
        if self.target is not None:
            target = self.target(probs).reweight(target.weight)
        return target.reweight(valid)

    def supervised_losses(self, sup: Prediction, samples: List[SegDataSample]) -> LossDict:
        """Weighted losses of the labelled images."""
        return weighted(add_prefix(self.student.supervised_loss(sup, samples), 'sup'), self.sup_weight)

    def unsupervised_loss(self, logits: Tensor, target: PixelTarget, valid: Tensor) -> Tensor:
        """Weighted mean over the image pixels; one whose weight is 0 counts as 0."""
        loss = masked_mean(pixel_cross_entropy(logits, target), over=valid)
        return self.unsup_weight * self.unsup_scale * loss

    def diagnostics(self, target: PixelTarget, valid: Tensor) -> LossDict:
        """What is logged: the share of pixels that teach, and a threshold that learns."""
        logs = {'unsup.kept': masked_mean((target.weight > 0).float(), over=valid)}
        if isinstance(self.threshold.value, Tensor):
            logs['unsup.threshold'] = self.threshold.value.clone()
        return logs
