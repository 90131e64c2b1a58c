"""UniMatch V2: one stream with complementary channel dropout (Yang et al., TPAMI 2025, arXiv 2410.10777)."""

from functools import partial
from typing import Any, Optional, Union

from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...ops import drop_complementary_channels, masked_mean
from ...utils.choices import not_negative
from ..branch import Branch
from ..confident_labels import ConfidentLabels
from ..cutmix import UNIMATCH_BOX
from ..loss_dicts import weighted
from ..losses import pixel_cross_entropy
from ..sample_pixels import valid_pixels
from ..teachers import build_teacher
from .base import LossDict, SemiSegmentor, Views, ViewSamples


@MODELS.register_module()
class UniMatchV2(SemiSegmentor):
    r"""An EMA teacher labels; two strong views get complementary channels of the student's features.

    ::

        sup     --> student <-- ground truth
        weak    --> teacher --> argmax where confidence >= threshold = target
        strong1 --> encoder --> channels m     x 2 --> decoder <-- target, mixed as the view is
        strong2 --> encoder --> channels 1 - m x 2 --> decoder <-- target, mixed with other boxes
                    student -------- EMA (MeanTeacherHook) -------> teacher

    .. math:: L = \tfrac12 \big( L_{sup} + \tfrac12 (L_{s1} + L_{s2}) \big)

    Half of the images keep all of their channels (see :func:`drop_complementary_channels`). One teacher call and one
    merged student call per step. The preprocessor makes the views, as for :class:`UniMatchV1`.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        threshold: As for :class:`FixMatch`; the paper's is 0.95 on all data.
        sup_weight: Weight of the labeled images.
        unsup_weight: Weight of the unlabeled images.
        feature_keep: Share of the images that keep all of their channels; 1 switches the dropout off, as in the paper's
            ablation.
        target: As for :class:`FixMatch`.
        cutmix: As for :class:`FixMatch`.
        teacher: Options of :class:`EMATeacher`, or with a ``segmentor`` of :class:`FrozenTeacher`.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper:
        1. An image is mixed with the next one of the batch (public code: the batch reversed, where the middle image of
           an odd batch meets itself).
        2. Labeled and strong images share a student call (two calls in the public code; ViTs have no BatchNorm).
        3. Encoders whose levels differ in width get one mask per width; the public code's ViT levels share one.
        4. A box is placed where it fits, and clipped if it is longer than the image. (The public code draws shape and
           place again until the box lies inside, so that its boxes are nearer to squares.)
    """

    networks = ('student', 'teacher')
    views = ('sup', 'weak', 'strong1', 'strong2')

    def __init__(
        self,
        segmentor: dict,
        threshold: Union[float, dict] = 0.95,
        sup_weight: float = 0.5,
        unsup_weight: float = 0.5,
        feature_keep: float = 0.5,
        target: Optional[dict] = None,
        cutmix: Optional[dict] = None,
        teacher: Optional[dict] = None,
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        # averaged buffers as in the public code
        self.teacher = build_teacher(self.student, self.data_preprocessor, teacher, buffers='average')
        self.labels = ConfidentLabels(threshold, target)
        self.cutmix = MODELS.build(dict(UNIMATCH_BOX, type='CutMix', **(cutmix or {})))
        self.sup_weight = not_negative(sup_weight=sup_weight)
        self.unsup_weight = not_negative(unsup_weight=unsup_weight)
        if not 0 <= feature_keep <= 1:
            raise ValueError(f'UniMatchV2: feature_keep is a share of the images, in [0, 1], got {feature_keep}.')
        self.feature_keep = feature_keep

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of one step."""
        weak, samples = inputs['weak'], data_samples['weak']
        valid = valid_pixels(samples, weak)
        pred = self.teacher(weak)
        target = self.labels(pred.logits.softmax(dim=1), self.teacher.trusted(pred, valid))
        self.show('teacher', says=pred)

        mix1, mix2 = (self.cutmix.sample(samples, weak, number) for number in range(2))
        image, taught1, inside = mix1(inputs['strong1']), mix1(target), mix1(valid)
        # the two strong views come last in the merged call, all first views before all second ones
        drop = partial(drop_complementary_channels, pairs=len(weak), keep=self.feature_keep)
        views = inputs['sup'], image, mix2(inputs['strong2'])
        sup, strong1, strong2 = self.predict_views(self.student, *views, perturb=drop)

        losses = weighted(add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup'), self.sup_weight)
        taught = dict(
            strong1=masked_mean(pixel_cross_entropy(strong1.logits, taught1), over=inside),
            strong2=masked_mean(pixel_cross_entropy(strong2.logits, mix2(target)), over=mix2(valid)),
        )
        for view, pseudo in taught.items():
            losses[f'unsup.{view}.loss_pseudo'] = self.unsup_weight * 0.5 * pseudo
        losses.update(self.labels.logs(target, valid))
        self.show('student', image=image, pred=strong1, target=taught1, valid=inside, mix=mix1)
        return losses
