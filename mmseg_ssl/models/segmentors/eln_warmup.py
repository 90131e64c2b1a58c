"""ELN, first stage: learn where a prediction is wrong (Kwon & Kwak, CVPR 2022, arXiv 2204.02078)."""

import copy
from typing import Any, List, Optional, Sequence, Tuple

import torch
from mmengine.dist import all_reduce
from mmengine.model import ModuleList
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor

from ...ops import class_logits, masked_mean
from ...structures import IGNORE_INDEX, PixelTarget, Prediction
from ..branch import Branch
from ..data_preprocessor import valid_pixels
from ..inference import BranchInference
from ..localized_inference import LocalizedInference
from ..losses import constrained_cross_entropy, pixel_cross_entropy
from .base import LossDict, SemiSegmentor, Views, ViewSamples

GATES = ('image', 'batch')
REDUCTIONS = ('mean', 'sum')


@MODELS.register_module()
class ELNWarmup(SemiSegmentor):
    r"""A network, worse decoders beside it, and a localizer that learns from the errors of them all.

    ::

        sup --> student <-- ground truth
                   |  features, detached
                   v
               K auxiliary decoders <-- ground truth, until their loss is alpha_k times the student's
                   |
        image + predictions + entropies --> localizer <-- was the prediction right?

    .. math:: L = L_{sup} + L_{aux} + L_{ELN}

    (eq. 7, with eq. 3 and eq. 6). Phases are methods, ``pretrain_losses`` (:math:`L_{sup}` alone) and
    ``warmup_losses``; :attr:`stage` names the one that runs, and ``ELNStageHook`` sets it by the iteration.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``; each auxiliary decoder is one more ``decode_head`` of it.
        slack: :math:`\alpha^k`, one for each auxiliary decoder; the paper's are (20,), (20, 50) and (20, 50, 100). None
            at all, ``()``, is row "0" of its Table 5.
        localizer: Config of the judge: :class:`ErrorLocalizer`, or :class:`ErrorCorrector`,
            :class:`ConfidenceThreshold` as baselines.
        gate: Whether eq. 3 compares the losses of each ``'image'`` or of the ``'batch'``.
        reduction: ``'mean'`` of the localizer's loss over the K + 1 decoders, or its ``'sum'``.
        predict_correctness: Whether ``predict`` adds the map ``correctness``, for ``ErrorLocalizationMetric``.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper (the public code's choices are options, in brackets):
        1. Cross entropies are means over labelled pixels, not sums over pixels; eq. 3 compares the same pixels. It
           compares, and teaches, by plain cross entropy whatever the decode head's own loss is: hard pixels or class
           weights in the segmentor's config are for the student alone.
        2. Pixels of label 255 do not count as wrong (``localizer=dict(ignored_as_wrong=True)``).
        3. The localizer sees probabilities (``localizer=dict(inputs='logits')``) and the entropy as a share of its
           maximum, and right and wrong pixels are balanced in each image (``localizer=dict(balance='batch')``). That
           its answer is added to the confidence is neither's (``localizer=dict(prior='confidence')``).
        4. Its loss is the mean over decoders (``reduction='sum'``); eq. 3 gates each image (``gate='batch'``).
        5. An auxiliary decoder is the segmentor's own head; that the public code's has other dropout rates in the ASPP
           and the fusion is not offered: the host's heads have one rate, before the classifier.
    """

    networks: Tuple[str, ...] = ('student',)
    views: Tuple[str, ...] = ('sup',)
    stages: Tuple[str, ...] = ('pretrain', 'warmup')
    """Phases of training, in order; the last one is the default."""

    def __init__(
        self,
        segmentor: dict,
        slack: Sequence[float] = (20.0, 50.0),
        localizer: Optional[dict] = None,
        gate: str = 'image',
        reduction: str = 'mean',
        predict_correctness: bool = False,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if gate not in GATES or reduction not in REDUCTIONS:
            raise ValueError(
                f'{type(self).__name__}: gate is one of {GATES} and reduction one of {REDUCTIONS}, got {gate!r} '
                f'and {reduction!r}.'
            )
        # copied before the branch is built: the registries take pieces out of a config
        heads = [copy.deepcopy(segmentor['decode_head']) for _ in slack]
        self.student = Branch(segmentor, side_heads)
        self.auxiliary = ModuleList([MODELS.build(head) for head in heads])
        judge = dict(dict(type='ErrorLocalizer'), **(localizer or {}))
        self.localizer = MODELS.build(judge, default_args=dict(num_classes=self.student.num_classes))
        self.slack, self.gate, self.reduction = tuple(slack), gate, reduction
        self.predict_correctness = predict_correctness
        self.stage = self.stages[-1]

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Losses of one step of the current stage."""
        return getattr(self, f'{self.stage}_losses')(inputs, data_samples)

    def pretrain_losses(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """The supervised loss alone (eq. 2)."""
        sup = self.student(inputs['sup'])
        return add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')

    def warmup_losses(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """All losses of the labelled images (eq. 7)."""
        return self.labeled_losses(inputs['sup'], self.student(inputs['sup']), data_samples['sup'])

    def labeled_losses(self, images: Tensor, sup: Prediction, samples: List[SegDataSample]) -> LossDict:
        """Eq. 7 for a prediction of the labelled images."""
        label = torch.cat([sample.gt_sem_seg.data for sample in samples])
        decoded = [self._decode(head, sup.feats, images.shape[2:]) for head in self.auxiliary]
        judged = torch.cat([sup.logits, *decoded]).detach()
        count = 1 + len(decoded)
        label_of_all, inside = label.repeat(count, 1, 1), valid_pixels(samples, images).repeat(count, 1, 1)
        output = self.localizer(images.repeat(count, 1, 1, 1), judged)
        found = self.localizer.loss(output, judged, label_of_all, inside)

        losses = add_prefix(self.student.supervised_loss(sup, samples), 'sup')
        losses.update(self.auxiliary_losses(sup.logits, decoded, label))
        scale = count if self.reduction == 'sum' else 1
        losses.update({f'localizer.{k}': value * scale if 'loss' in k else value for k, value in found.items()})
        return losses

    def auxiliary_losses(self, logits: Tensor, decoded: List[Tensor], label: Tensor) -> LossDict:
        """Eq. 3: cross entropy of each auxiliary decoder, while it is much worse than the student."""
        main, losses = self._cross_entropy(logits.detach(), label), {}
        for number, (slack, own) in enumerate(zip(self.slack, decoded)):
            gated = constrained_cross_entropy(self._cross_entropy(own, label), main, slack)
            losses[f'decoder_{number}.loss_constrained'] = gated.mean()
            losses[f'decoder_{number}.taught'] = (gated.detach() > 0).float().mean()
        return losses

    def inference_of(self, name: str) -> BranchInference:
        """Inference with a network; where asked for, the localizer judges the one whose prediction is given."""
        if self.predict_correctness and name == self.predictors[0]:
            return LocalizedInference(self.branch(name), self.localizer)
        return super().inference_of(name)

    def _cross_entropy(self, logits: Tensor, label: Tensor) -> Tensor:
        """Mean over labelled pixels of each image, (B,), or of the batch of all processes, a scalar."""
        valid = (label != IGNORE_INDEX).to(logits.dtype)
        loss = pixel_cross_entropy(logits, PixelTarget(label, valid))
        if self.gate == 'image':
            return loss.sum(dim=(1, 2)) / valid.sum(dim=(1, 2)).clamp(min=1)
        own = masked_mean(loss, over=valid)
        whole = own.detach().clone()
        all_reduce(whole, op='mean')
        return own + (whole - own.detach())  # the gate is the same on every process; the gradient is one's own

    @staticmethod
    def _decode(head: torch.nn.Module, feats: Tuple[Tensor, ...], size: torch.Size) -> Tensor:
        """An auxiliary decoder's logits of every class at the size of the image; the encoder learns nothing from it."""
        logits = class_logits(head([level.detach() for level in feats]).float())
        return resize(logits, size=size, mode='bilinear', align_corners=head.align_corners)
