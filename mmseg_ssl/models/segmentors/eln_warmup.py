"""ELN, first stage: learn where predictions are wrong (Kwon & Kwak, CVPR 2022, arXiv 2204.02078)."""

import copy
from typing import Any, Optional, Sequence

import torch
from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...utils.choices import one_of
from ..auxiliary_decoders import AuxiliaryDecoders
from ..branch import Branch
from ..inference import BranchInference
from ..judge import REDUCTIONS, judge_labeled
from ..localized_inference import LocalizedInference
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class ELNWarmup(SemiSegmentor):
    r"""Train a network, auxiliary decoders that stay worse, and a localizer that learns from the errors of all.

    ::

        sup --> student <-- ground truth
                   |  features, detached
                   v
               K auxiliary decoders <-- ground truth, until their loss is alpha_k times the student's
                   |
        image + predictions + entropies --> localizer <-- was the prediction right?

    .. math:: L = L_{sup} + L_{aux} + L_{ELN}

    (eq. 7, with eq. 3 and eq. 6). Stages: ``pretrain``, :math:`L_{sup}` alone, and ``warmup``; ``ELNStageHook`` goes
    from one to the next.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``; each auxiliary decoder is one more ``decode_head`` of it.
        slack: :math:`\alpha^k`, one per auxiliary decoder; the paper's are (20,), (20, 50) and (20, 50, 100). An empty
            tuple is row "0" of its Table 5.
        localizer: Config of the judge: :class:`ErrorLocalizer`, or the baselines :class:`ErrorCorrector` and
            :class:`ConfidenceThreshold`.
        gate: Whether eq. 3 compares the losses of each ``'image'`` or of the ``'batch'``.
        reduction: ``'mean'`` or ``'sum'`` of the localizer's loss over the K + 1 decoders.
        predict_correctness: Whether ``predict`` adds the map ``correctness``, for ``ErrorLocalizationMetric``.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper (the public code's choices are options, in brackets, which
    ``eln_r50_voc-eln_1-20_release.py`` sets):
        1. Cross entropies are means over labeled pixels, not sums over pixels; eq. 3 compares the same pixels. It
           compares, and teaches, by plain cross entropy whatever the decode head's own loss is: hard pixels or class
           weights in the segmentor's config are for the student alone.
        2. Pixels of label 255 do not count as wrong (``localizer=dict(ignored_as_wrong=True)``).
        3. The localizer sees probabilities (``localizer=dict(inputs='logits')``) and the entropy as a share of its
           maximum, and right and wrong pixels are balanced in each image (``localizer=dict(balance='batch')``). That
           its answer is added to the confidence is neither's (``localizer=dict(prior='confidence')``).
        4. Its loss is the mean over decoders (``reduction='sum'``), and one call judges all of them, whose BatchNorm
           has one statistic (a call for each; not offered); eq. 3 gates each image (``gate='batch'``).
        5. An auxiliary decoder is the segmentor's own head, with the paper's classifier of two layers where the config
           says :class:`TwoLayerASPPHead`, as those with the paper's data do. The convolutions before it are the host's,
           separable (plain, with a further 1x1 convolution); that the public code's has other dropout rates in the
           ASPP and the fusion is not offered: the host's heads have one rate, before the classifier.
        6. One learning rate for all, as in the paper (a tenth of it for both backbones:
           ``optim_wrapper=dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))))``).
        7. VOC is resized to 512x512 and scored there, as in the paper (505x505; not offered).
        8. Equal numbers: eq. 3 does not teach (it does), and a correctness of exactly 0.5 is rejected, as torch rounds
           it to 0.
    """

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
        source = copy.deepcopy(segmentor)  # before the branch is built: registries take pieces out
        self.student = Branch(segmentor, side_heads)
        self.auxiliary = AuxiliaryDecoders(source, slack, gate)
        judge = dict(dict(type='ErrorLocalizer'), **(localizer or {}))
        self.localizer = MODELS.build(judge, default_args=dict(num_classes=self.student.num_classes))
        self.reduction = one_of(REDUCTIONS, reduction=reduction)
        self.predict_correctness = predict_correctness

    def pretrain_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the supervised loss alone (eq. 2)."""
        sup = self.student(inputs['sup'])
        return add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup')

    def warmup_loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute all losses of the labeled images (eq. 7)."""
        images, samples = inputs['sup'], data_samples['sup']
        sup = self.student(images)
        # the decoders reuse the student's features: only their heads cost anything
        decoded = self.auxiliary(sup.feats, images.shape[2:])
        label = torch.cat([sample.gt_sem_seg.data for sample in samples])

        losses = add_prefix(self.student.supervised_loss(sup, samples), 'sup')
        losses.update(self.auxiliary.losses(sup.logits, decoded, label))
        losses.update(judge_labeled(self.localizer, images, [sup.logits, *decoded], samples, self.reduction))
        return losses

    stages = dict(pretrain=pretrain_loss, warmup=warmup_loss)
    stage = 'warmup'

    def inference_of(self, name: str) -> BranchInference:
        """Return the inference of a network; on request, the localizer judges the first one's prediction."""
        if self.predict_correctness and name == self.predictors[0]:
            return LocalizedInference(self.branch(name), self.localizer)
        return super().inference_of(name)
