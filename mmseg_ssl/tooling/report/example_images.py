"""The best and the worst images of a run, with ground truth, prediction, mistakes and doubt."""

import math
from typing import Any, Iterator, List, NamedTuple, Tuple

import cv2
import numpy as np

from ...apis import TrainedNetwork
from ...evaluation.uncertainty_metric import SIGNS
from ...ops import class_probabilities, normalized_entropy
from ...structures import IGNORE_INDEX
from ...visualization import fit_within, heat, jpeg_uri, png_uri
from ..prediction_folder import as_picture
from .scored_images import ScoredImage, Scores, predict_sample

SIDE = 480
"""Longest side of a panel in pixels; a screen shows it at most this large."""
RIGHT, WRONG, VOID = (226, 232, 240), (214, 48, 74), (255, 255, 255)


class Example(NamedTuple):
    """An image with its panels."""

    path: str
    iou: float  # in [0, 1]
    said: str  # its most frequent mistake
    panels: List[Tuple[str, str]]  # title, src of an img
    small: bool  # show its pixels as they are, not smoothed


def choose_examples(scores: Scores, count: int) -> Tuple[List[ScoredImage], List[ScoredImage]]:
    """Choose the images with the lowest and the highest mean IoU; none is in both lists.

    Args:
        scores: Of all images.
        count: Number of images of each kind.

    Returns:
        Worst, the worst first, and best, the best first.
    """
    known = sorted((one for one in scores.images if not math.isnan(one.iou)), key=lambda one: (one.iou, one.path))
    worst = known[: min(count, (len(known) + 1) // 2)]
    return worst, known[len(worst) :][-count:][::-1] if count else []


def draw_example(network: TrainedNetwork, dataset: Any, one: ScoredImage) -> Example:
    """Predict an image again, and draw its panels.

    Args:
        network: The network.
        dataset: The images.
        one: Which one.
    """
    sample = predict_sample(network, dataset[one.place])
    label, pred = (sample.get(name).data.squeeze(0).numpy() for name in ('gt_sem_seg', 'pred_sem_seg'))
    image = as_picture(network.read(one.path))[..., ::-1]
    if image.shape[:2] != label.shape:  # a pipeline that resizes the mask, too
        image = cv2.resize(np.ascontiguousarray(image), label.shape[::-1], interpolation=cv2.INTER_AREA)
    entropy = normalized_entropy(class_probabilities(sample.seg_logits.data)[None])[0].numpy()
    photo = fit_within(np.ascontiguousarray(image), SIDE)
    label, pred = (fit_within(mask.astype(np.uint8), SIDE, nearest=True) for mask in (label, pred))
    panels = [
        ('image', jpeg_uri(photo)),
        ('ground truth', jpeg_uri(blend(photo, label, network.palette))),
        ('prediction', jpeg_uri(blend(photo, pred, network.palette))),
        ('mistakes', png_uri(mistakes(label, pred, len(network.classes)))),
        ('doubt: entropy', png_uri(heat(fit_within(entropy, SIDE)))),
        *((f'doubt: {name}', png_uri(doubt)) for name, doubt in _own_doubts(sample)),
    ]
    return Example(one.path, one.iou, one.confused, panels, small=max(photo.shape) < SIDE // 2)


def _own_doubts(sample: Any) -> Iterator[Tuple[str, np.ndarray]]:
    """Yield the method's own maps, light where it doubts, from the image's lowest to its highest value."""
    for name, sign in SIGNS.items():
        if name in sample:
            doubt = fit_within(sign * sample.get(name).data.squeeze(0).float().numpy(), SIDE)
            yield name, heat(doubt, *np.percentile(doubt, (1, 99)))


def blend(photo: np.ndarray, mask: np.ndarray, palette: np.ndarray, opacity: float = 0.6) -> np.ndarray:
    """Paint classes over a photo; pixels of no class stay as they are.

    Args:
        photo: ``(H, W, 3)`` uint8, red, green, blue.
        mask: ``(H, W)`` class indices.
        palette: ``(C, 3)`` uint8, red, green, blue.
        opacity: Weight of the color in [0, 1].

    Returns:
        The picture, like ``photo``.
    """
    inside = mask < len(palette)
    colors = palette[np.where(inside, mask, 0)]
    weight = opacity * inside[..., None]
    painted: np.ndarray = ((1 - weight) * photo + weight * colors).round().astype(np.uint8)
    return painted


def mistakes(label: np.ndarray, pred: np.ndarray, count: int) -> np.ndarray:
    """Paint wrong pixels red, right ones gray, and those without a label white.

    Args:
        label: ``(H, W)`` class indices, 255 without a label.
        pred: ``(H, W)`` class indices.
        count: Number of classes.

    Returns:
        ``(H, W, 3)`` uint8, red, green, blue.
    """
    picture = np.where((label == pred)[..., None], RIGHT, WRONG).astype(np.uint8)
    picture[(label == IGNORE_INDEX) | (label >= count)] = VOID
    return picture
