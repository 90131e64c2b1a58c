"""UniMatch (V1): two strong views and a perturbed-feature view (Yang et al., CVPR 2023, arXiv 2208.09910)."""

from functools import partial
from typing import Any, Dict, List, Optional

import torch
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from ...ops import BoxMix, drop_channels
from ..cutmix import CutMix
from ..data_preprocessor import valid_pixels
from .base import LossDict, Views, ViewSamples
from .fixmatch import FixMatch

STRONG = ('strong1', 'strong2')


@MODELS.register_module()
class UniMatchV1(FixMatch):
    r"""FixMatch with two strong views, and with a weak view whose features lose half of their channels.

    ::

        sup     --> student <-- ground truth
        weak    --> student, without a gradient --> argmax where confidence >= threshold = target
        strong1 --> student <-- target, mixed with the next image's as the view is
        strong2 --> student <-- target, mixed with other boxes
        weak    --> encoder --> channel dropout --> decoder <-- target

    .. math:: L = \tfrac12 \big( L_{sup} + \tfrac14 L_{s1} + \tfrac14 L_{s2} + \tfrac12 L_{fp} \big)

    Each unlabelled term is FixMatch's. One call without a gradient and one merged call a step. The preprocessor makes
    the views: ``strong=dict(strong1=dict(type='StrongAugment'), strong2=dict(type='StrongAugment'))``.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        view_weights: Weights of ``strong1``, ``strong2`` and ``feature`` within the unlabelled part; those that are
            not given keep 0.25, 0.25 and 0.5.
        feature_dropout: Share of channels that the feature view loses.
        **kwargs: As for :class:`FixMatch`; ``sup_weight`` and ``unsup_weight`` are the half outside the bracket.

    Deviations from the paper, beside those of :class:`FixMatch`:
        1. The decoder sees the weak features after dropout alone: the clean ones were decoded for the labels already,
           without a gradient. (The public code decodes both, of labelled images, too; BatchNorm in the decoder sees
           that.)
        2. Every level of the encoder loses channels, not only those that DeepLabV3+ reads; a head sees no difference.
    """

    views = ('sup', 'weak', *STRONG)

    def __init__(
        self,
        segmentor: dict,
        view_weights: Optional[Dict[str, float]] = None,
        feature_dropout: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(segmentor, **kwargs)
        self.view_weights = require_views(view_weights, dict(strong1=0.25, strong2=0.25, feature=0.5))
        self.feature_dropout = feature_dropout

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Losses of one step."""
        weak, samples = inputs['weak'], data_samples['weak']
        valid = valid_pixels(samples, weak)
        target = self.pseudo_labels(self.label_probs(weak), valid)
        mixes = sample_mixes(self.cutmix, samples, weak)

        images = [inputs['sup'], *(mix(inputs[view]) for view, mix in mixes.items()), weak]
        drop = partial(drop_channels, last=len(weak), prob=self.feature_dropout)
        sup, strong1, strong2, feature = self.student(torch.cat(images), drop).split([len(part) for part in images])

        losses = self.supervised_losses(sup, data_samples['sup'])
        for (view, mix), pred in zip(mixes.items(), (strong1, strong2)):
            loss = self.unsupervised_loss(pred.logits, mix(target), mix(valid))
            losses[f'{view}.loss_pseudo'] = self.view_weights[view] * loss
        loss = self.unsupervised_loss(feature.logits, target, valid)
        losses['feature.loss_pseudo'] = self.view_weights['feature'] * loss
        losses.update(self.diagnostics(target, valid))
        return losses


def sample_mixes(cutmix: CutMix, samples: List[SegDataSample], images: Tensor) -> Dict[str, BoxMix]:
    """Boxes for each strong view, drawn apart."""
    return {view: cutmix.sample(samples, images, number) for number, view in enumerate(STRONG)}


def require_views(given: Optional[Dict[str, float]], defaults: Dict[str, float]) -> Dict[str, float]:
    """Weights by view, the defaults' where none is given.

    Raises:
        ValueError: If a view is unknown.
    """
    unknown = set(given or {}) - set(defaults)
    if unknown:
        raise ValueError(f'view_weights are those of {tuple(defaults)}, got {sorted(unknown)}.')
    return dict(defaults, **(given or {}))
