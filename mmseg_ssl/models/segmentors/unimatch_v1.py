"""UniMatch (V1): two strong views and a perturbed-feature view (Yang et al., CVPR 2023, arXiv 2208.09910)."""

from functools import partial
from typing import Any, Dict, Optional, Union

from mmseg.registry import MODELS
from mmseg.utils import add_prefix

from ...ops import drop_channels, masked_mean
from ...utils.choices import not_negative, one_of
from ..branch import Branch
from ..confident_labels import ConfidentLabels
from ..cutmix import UNIMATCH_BOX
from ..label_modes import TEACHER_MODES
from ..loss_dicts import weighted
from ..losses import pixel_cross_entropy
from ..sample_pixels import valid_pixels
from ..teachers import build_labeler
from .base import LossDict, SemiSegmentor, Views, ViewSamples

VIEW_WEIGHTS = dict(strong1=0.25, strong2=0.25, feature=0.5)


@MODELS.register_module()
class UniMatchV1(SemiSegmentor):
    r"""FixMatch with two strong views and a weak view whose features lose half of their channels.

    ::

        sup     --> student <-- ground truth
        weak    --> student, without a gradient --> argmax where confidence >= threshold = target
        strong1 --> student <-- target, mixed with the next image's as the view is
        strong2 --> student <-- target, mixed with other boxes
        weak    --> encoder --> channel dropout --> decoder <-- target

    .. math:: L = \tfrac12 \big( L_{sup} + \tfrac14 L_{s1} + \tfrac14 L_{s2} + \tfrac12 L_{fp} \big)

    Each unlabeled term is FixMatch's. One call without a gradient and one merged call per step. The preprocessor makes
    the views: ``strong=dict(strong1=dict(type='StrongAugment'), strong2=dict(type='StrongAugment'))``.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        threshold: As for :class:`FixMatch`.
        sup_weight: Weight of the labeled images, one half in the equation.
        unsup_weight: Weight of the unlabeled images, likewise.
        view_weights: Weights of ``strong1``, ``strong2`` and ``feature`` within the unlabeled part, 0.25, 0.25 and
            0.5 where not given. A view of weight 0 is the paper's ablation: without ``feature`` DusPerb, without
            ``strong2`` UniPerb.
        cutmix: As for :class:`FixMatch`.
        teacher: Options of :class:`FrozenTeacher`, which labels in the student's place.
        teacher_mode: As for :class:`FixMatch`.
        side_heads: Side heads of the student by name.
        **kwargs: As for :class:`SemiSegmentor`.

    Deviations from the paper, beside those of :class:`FixMatch`:
        1. The decoder sees the weak features only after dropout: the clean ones were decoded for the labels already,
           without a gradient. (The public code decodes both, also of labeled images, which BatchNorm in the decoder
           sees.)
        2. Every level of the encoder loses channels, not only those that DeepLabV3+ reads; a head sees no difference.
    """

    views = ('sup', 'weak', 'strong1', 'strong2')

    def __init__(
        self,
        segmentor: dict,
        threshold: Union[float, dict] = 0.95,
        sup_weight: float = 0.5,
        unsup_weight: float = 0.5,
        view_weights: Optional[Dict[str, float]] = None,
        cutmix: Optional[dict] = None,
        teacher: Optional[dict] = None,
        teacher_mode: str = 'eval',
        side_heads: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.student = Branch(segmentor, side_heads)
        self.labeler = build_labeler(self.student, self.data_preprocessor, teacher, teacher_mode)
        self.teacher_mode = one_of(TEACHER_MODES, teacher_mode=teacher_mode)
        self.labels = ConfidentLabels(threshold)
        self.cutmix = MODELS.build(dict(UNIMATCH_BOX, type='CutMix', **(cutmix or {})))
        self.sup_weight = not_negative(sup_weight=sup_weight)
        self.unsup_weight = not_negative(unsup_weight=unsup_weight)
        for view, weight in (view_weights or {}).items():
            one_of(tuple(VIEW_WEIGHTS), **{'a view of view_weights': view})
            not_negative(**{f'view_weights.{view}': weight})
        self.view_weights = dict(VIEW_WEIGHTS, **(view_weights or {}))

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of one step."""
        weak, samples = inputs['weak'], data_samples['weak']
        valid = valid_pixels(samples, weak)
        (unperturbed,) = self.label_views(self.labeler or self.student, weak, mode=self.teacher_mode)
        trusted = self.labeler.trusted(unperturbed, valid) if self.labeler else valid
        target = self.labels(unperturbed.logits.softmax(dim=1), trusted)

        mix1, mix2 = (self.cutmix.sample(samples, weak, number) for number in range(2))
        image, taught1, inside = mix1(inputs['strong1']), mix1(target), mix1(valid)
        # the weak images come last in the merged call, and only they lose channels
        drop = partial(drop_channels, last=len(weak), prob=0.5)
        views = inputs['sup'], image, mix2(inputs['strong2']), weak
        sup, strong1, strong2, feature = self.predict_views(self.student, *views, perturb=drop)

        losses = weighted(add_prefix(self.student.supervised_loss(sup, data_samples['sup']), 'sup'), self.sup_weight)
        taught = dict(
            strong1=masked_mean(pixel_cross_entropy(strong1.logits, taught1), over=inside),
            strong2=masked_mean(pixel_cross_entropy(strong2.logits, mix2(target)), over=mix2(valid)),
            feature=masked_mean(pixel_cross_entropy(feature.logits, target), over=valid),
        )
        for view, pseudo in taught.items():
            losses[f'unsup.{view}.loss_pseudo'] = self.unsup_weight * self.view_weights[view] * pseudo
        losses.update(self.labels.logs(target, valid))
        self.show('teacher' if self.labeler else 'student', says=unperturbed)
        self.show('student', image=image, pred=strong1, target=taught1, valid=inside, mix=mix1)
        return losses
