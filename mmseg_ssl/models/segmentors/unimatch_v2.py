"""UniMatch V2: one stream with complementary channel dropout (Yang et al., TPAMI 2025, arXiv 2410.10777)."""

from functools import partial
from typing import Any, Dict, Optional

import torch
from mmseg.registry import MODELS
from torch import Tensor

from ...ops import drop_complementary_channels
from ..data_preprocessor import valid_pixels
from ..ema_teacher import EMATeacher
from .base import LossDict, Views, ViewSamples
from .fixmatch import FixMatch
from .unimatch_v1 import STRONG, require_views, sample_mixes


@MODELS.register_module()
class UniMatchV2(FixMatch):
    r"""An EMA teacher labels; two strong views share out the channels of the student's features.

    ::

        sup     --> student <-- ground truth
        weak    --> teacher --> argmax where confidence >= threshold = target
        strong1 --> encoder --> channels m     x 2 --> decoder <-- target, mixed as the view is
        strong2 --> encoder --> channels 1 - m x 2 --> decoder <-- target, mixed with other boxes
                    student -------- EMA (MeanTeacherHook) -------> teacher

    .. math:: L = \tfrac12 \big( L_{sup} + \tfrac12 (L_{s1} + L_{s2}) \big)

    Half of the images keep all of their channels (see :func:`drop_complementary_channels`). One teacher call and one
    merged student call a step. The preprocessor makes the views, as for :class:`UniMatchV1`.

    Args:
        segmentor: Config of an mmseg ``EncoderDecoder``.
        view_weights: Weights of ``strong1`` and ``strong2`` within the unlabelled part; 0.5 each where not given.
        feature_keep: Share of the images that keep all of their channels; 1 switches the dropout off.
        teacher: Options of :class:`EMATeacher` beside ``buffers='average'`` (public code).
        **kwargs: As for :class:`FixMatch`, without ``teacher_mode``; the paper's threshold is 0.95 on all data.

    Deviations from the paper:
        1. An image is mixed with the next one of the batch (public code: the batch reversed, where the middle image of
           an odd batch meets itself).
        2. Labelled and strong images share a student call (two calls in the public code; ViTs have no BatchNorm).
        3. Encoders whose levels differ in width get one mask a width; the public code's ViT levels share one.
        4. A box longer than the image is cut to it (drawn again).
    """

    networks = ('student', 'teacher')
    views = ('sup', 'weak', *STRONG)

    def __init__(
        self,
        segmentor: dict,
        view_weights: Optional[Dict[str, float]] = None,
        feature_keep: float = 0.5,
        teacher: Optional[dict] = None,
        **kwargs: Any,
    ) -> None:
        if 'teacher_mode' in kwargs:
            raise ValueError('UniMatchV2 has an EMA teacher: give teacher=dict(eval_mode=...), not teacher_mode.')
        super().__init__(segmentor, **kwargs)
        self.teacher = EMATeacher(self.student, **dict(dict(buffers='average'), **(teacher or {})))
        self.view_weights = require_views(view_weights, dict(strong1=0.5, strong2=0.5))
        self.feature_keep = feature_keep

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Losses of one step."""
        weak, samples = inputs['weak'], data_samples['weak']
        valid = valid_pixels(samples, weak)
        target = self.pseudo_labels(self.label_probs(weak), valid)
        mixes = sample_mixes(self.cutmix, samples, weak)

        images = [inputs['sup'], *(mix(inputs[view]) for view, mix in mixes.items())]
        drop = partial(drop_complementary_channels, pairs=len(weak), keep=self.feature_keep)
        sup, *strong = self.student(torch.cat(images), drop).split([len(part) for part in images])

        losses = self.supervised_losses(sup, data_samples['sup'])
        for (view, mix), pred in zip(mixes.items(), strong):
            loss = self.unsupervised_loss(pred.logits, mix(target), mix(valid))
            losses[f'{view}.loss_pseudo'] = self.view_weights[view] * loss
        losses.update(self.diagnostics(target, valid))
        return losses

    def label_probs(self, weak: Tensor) -> Tensor:
        """The teacher's probabilities, ``(B, C, H, W)``."""
        return self.teacher(weak).logits.softmax(dim=1)
