"""Judges of predictions: their interface, and how one learns from labeled images."""

from typing import Dict, List, Protocol, Sequence

import torch
from mmseg.structures import SegDataSample
from torch import Tensor

from ..structures import PixelTarget
from .sample_pixels import valid_pixels

REDUCTIONS = ('mean', 'sum')


class Judge(Protocol):
    """Judges pixel by pixel whether a prediction is right: :class:`ErrorLocalizer`, or one of its baselines."""

    def __call__(self, images: Tensor, logits: Tensor) -> Tensor:
        """Judge the prediction ``(B, C, H, W)`` of images ``(B, 3, H, W)``; the other methods read the output."""

    def correctness(self, output: Tensor, logits: Tensor) -> Tensor:
        """Return the probability that the predicted class is right, ``(B, H, W)``."""

    def target(self, output: Tensor, logits: Tensor, threshold: float) -> PixelTarget:
        """Return the classes that the judge calls right, or its own."""

    def loss(self, output: Tensor, logits: Tensor, label: Tensor, inside: Tensor) -> Dict[str, Tensor]:
        """Compute the losses by labels ``(B, H, W)``, inside the images."""


def judge_labeled(
    localizer: Judge,
    images: Tensor,
    predicted: Sequence[Tensor],
    samples: List[SegDataSample],
    reduction: str = 'mean',
) -> Dict[str, Tensor]:
    """Train a judge on several predictions of the labeled images, in one call (ELN, eq. 6).

    Args:
        localizer: The judge.
        images: ``(B, 3, H, W)``, normalized.
        predicted: Logits ``(B, C, H, W)`` of each network or decoder; they get no gradient.
        samples: Of the images, with ``gt_sem_seg``.
        reduction: ``'mean'`` or ``'sum'`` of the loss over the predictions.

    Returns:
        The judge's losses, as ``localizer.<key>``.
    """
    count, judged = len(predicted), [logits.detach() for logits in predicted]
    label = torch.cat([sample.gt_sem_seg.data for sample in samples])
    inside = valid_pixels(samples, images)
    outputs = localizer(images.repeat(count, 1, 1, 1), torch.cat(judged)).chunk(count)
    # one by one: a ratio over a batch is that of one decoder, or the many errors of the others would hide its few
    found = [localizer.loss(output, logits, label, inside) for output, logits in zip(outputs, judged)]
    means = {key: torch.stack([losses[key] for losses in found]).mean() for key in found[0]}
    scale = count if reduction == 'sum' else 1
    return {f'localizer.{key}': value * scale if 'loss' in key else value for key, value in means.items()}
