"""Chooses network, method, crops, batch and length by the data and the machine, each with its reason."""

import math
from dataclasses import dataclass, field
from typing import List, Tuple

import numpy as np

from .image_sizes import TINY, Choice, median_size, sizes_of
from .labels import Labels
from .machine import Machine
from .sides import Sides

RARE = 0.1
"""A class is rare if it has less than this part of the pixels that it had if all classes were equally frequent."""
SEEN = 0.05
"""A class that fewer of the images show is missing rather than rare: one photo says nothing about its size."""
FEW = 5
"""Masks of a class, in the median of the classes, below which a backbone keeps its pretrained weights."""
BYTES = dict(DUEB=6300, UniMatchV2=6300, SoftSelfLabeling=4000, Supervised=2000)
"""Bytes per pixel of a labeled crop with MobileNetV2, from the memory of recorded runs; not those of self-labeling."""
GPU_BYTES = dict(UniMatchV2=22000, SoftSelfLabeling=9000, Supervised=7000)
"""The same with ResNet-50 or DINOv2-S: estimates, not measured."""
BASE_BYTES = 600e6
"""What a process takes without a batch."""


@dataclass
class Recipe:
    """The choices.

    Attributes:
        network: Config of the network, below ``configs``.
        schedule: Config of the schedule.
        method: Class of the method.
        scale: Width and height that images are resized to, keeping their shape.
        crop: Height and width of crops.
        ratio: Range of random resizing.
        loss: Config of the loss, or None for plain cross entropy.
        batch: Labeled images per step.
        per_labeled: Unlabeled images for each of them.
        norm: ``BN``, ``GN`` or ``none``.
        iterations: Length of the run.
        unsup_weight: Weight of what unlabeled images teach.
        notes: What the user should know about it.
    """

    network: Choice
    schedule: str
    method: Choice
    scale: Choice
    crop: Choice
    ratio: Tuple[float, float]
    loss: Choice
    batch: Choice
    per_labeled: int
    norm: Choice
    iterations: Choice
    unsup_weight: float = 1.0
    notes: List[str] = field(default_factory=list)


def choose(sides: Sides, labels: Labels, machine: Machine) -> Recipe:
    """Choose everything.

    Args:
        sides: The images.
        labels: The classes.
        machine: Where it will be trained.
    """
    method = _method(sides, labels, machine)
    network, schedule = _network(sides, labels, method.value, machine)
    scale, crop = sizes_of(sides, network.value, machine)
    ratio = (0.75, 1.5) if 'unet' in network.value else (0.5, 2.0)
    per_labeled = dict(DUEB=2, UniMatchV2=1).get(method.value, 0)
    batch = _batch(sides, method.value, per_labeled, crop.value, machine)
    loss = _loss(sides, labels, crop.value)
    recipe = Recipe(
        network, schedule, method, scale, crop, ratio, loss, batch, per_labeled,
        _norm(network.value, batch.value * (1 + per_labeled)), _iterations(sides, batch.value, per_labeled, machine),
    )  # fmt: skip
    if loss.value and method.value == 'DUEB' and 'unet' not in network.value:
        recipe.unsup_weight = 5.0
    if labels.loader is not None:
        recipe.notes.append('Validation scores the scribbled pixels alone, not the borders between them.')
        if sides.unlabeled:
            recipe.notes.append(f'{len(sides.unlabeled)} images without scribbles are not used.')
    shrunk = median_size(sides)[0] / scale.value[0]
    if shrunk > 4:
        recipe.notes.append(
            f'Images are shrunk {shrunk:.1f}-fold: what is smaller than {2 * shrunk:.0f} pixels disappears. '
            'If that matters, cut the images into tiles first, or raise scale and crop_size in data.py.'
        )
    return recipe


def _method(sides: Sides, labels: Labels, machine: Machine) -> Choice:
    """Choose the method by what there is."""
    masks, free = len(sides.labeled), len(sides.unlabeled)
    if labels.loader is not None:
        return Choice('SoftSelfLabeling', 'scribbles: soft labels for the pixels between them are solved for')
    if free < max(4, masks // 2):
        return Choice('Supervised', f'{free} images without a mask are too few to learn from')
    if machine.gpu:
        return Choice('UniMatchV2', f'{masks} masks and {free} images without: a teacher labels them')
    return Choice('DUEB', f'{masks} masks, {free} images without; on a CPU it did better than UniMatch V2 in our runs')


def _network(sides: Sides, labels: Labels, method: str, machine: Machine) -> Tuple[Choice, str]:
    """Choose network and schedule by the accelerator, and how fast a backbone learns by the masks of a class."""
    if machine.gpu:
        if method == 'UniMatchV2' and machine.has_dinov2:
            return Choice('dpt_dinov2-s.py', 'a GPU and mmpretrain: DINOv2-S'), 'adamw_poly_voc_unimatch_v2.py'
        why = 'a GPU; pip install mmpretrain for DINOv2' if method == 'UniMatchV2' else 'a GPU'
        schedules = dict(UniMatchV2='sgd_poly_voc_unimatch.py', SoftSelfLabeling='sgd_poly_scribble.py')
        return Choice('deeplabv3plus_r50-d16.py', why), schedules.get(method, 'sgd_poly_voc.py')
    if median_size(sides)[0] <= TINY:
        return Choice('unet_tiny.py', f'images of at most {TINY} pixels a side: a small U-Net'), 'sgd_poly_shapes.py'
    seen = np.median((_pixels(sides, labels) > 0).sum(axis=0))
    if seen < FEW:
        why = f'a CPU; the median class is in {seen:g} of {len(sides.labeled)} masks'
        return Choice('deeplabv3plus_mbv2-d16_frozen.py', why), 'adamw_poly_camvid_cpu.py'
    why = 'a CPU; BatchNorm as it was pretrained'
    return Choice('deeplabv3plus_mbv2-d16_fixed-norm.py', why), 'adamw_poly_cpu_slow-backbone.py'


def _pixels(sides: Sides, labels: Labels) -> np.ndarray:
    """Return the number of pixels of each class in each mask that teaches, ``(masks, classes)``."""
    return np.stack([labels.pixels(photo) for photo in sides.labeled])


def _batch(sides: Sides, method: str, per_labeled: int, crop: Tuple[int, int], machine: Machine) -> Choice:
    """Choose the number of labeled images per step by memory, and by how many there are."""
    most, cost = 8 if machine.gpu else 4, (GPU_BYTES if machine.gpu else BYTES).get(method, 7000)
    fits = most
    if machine.memory is not None:
        fits = int((0.8 * machine.memory - BASE_BYTES) // (cost * crop[0] * crop[1]))
    limits = {'more are not needed': most, 'more do not fit into memory': max(1, fits)}
    limits['there are no more masks'] = len(sides.labeled)
    if per_labeled:
        free = len(sides.unlabeled) - len(sides.unlabeled) // 4  # what the sampler guarantees to differ
        limits['there are no more images without masks'] = max(1, free // per_labeled)
    why = min(limits, key=lambda name: limits[name])
    gigabytes = (BASE_BYTES + limits[why] * cost * crop[0] * crop[1]) / 1e9
    return Choice(limits[why], f'{why}; about {gigabytes:.1f} GB')


def _norm(network: str, images: int) -> Choice:
    """Choose the normalization by the number of images in a network call."""
    if 'dpt' in network:
        return Choice('none', 'the head has no normalization')
    if images < 4:
        return Choice('GN', f'{images} image(s) per step are too few for the statistics of BN')
    return Choice('BN', f'{images} images per step')


def _loss(sides: Sides, labels: Labels, crop: Tuple[int, int]) -> Choice:
    """Choose class weights and hard pixels if a class is rare in the masks that teach."""
    each = _pixels(sides, labels)
    pixels, often = each.sum(axis=0), (each > 0).sum(axis=0) >= max(2, SEEN * len(each))
    shares = pixels / max(pixels.sum(), 1)
    present = shares[shares > 0]
    rare = [labels.classes[index] for index in np.flatnonzero(often & (shares < RARE / len(present)))]
    if not rare:
        return Choice(None, 'no class is rare: plain cross entropy')
    kept = max(100, round(crop[0] * crop[1] / 16, -2))
    weights = [round(0.1 / math.log(1.1 + share), 2) for share in shares]  # as for CamVid
    loss = dict(type='HardPixelCrossEntropy', threshold=0.7, min_kept=int(kept), class_weight=weights)
    named = ', '.join(rare[:3]) + (f' and {len(rare) - 3} more' if len(rare) > 3 else '')
    return Choice(loss, f'{named} rare: class weights, hard pixels')


def _iterations(sides: Sides, batch: int, per_labeled: int, machine: Machine) -> Choice:
    """Choose the length by the number of images."""
    masks, free = len(sides.labeled), len(sides.unlabeled)
    if machine.gpu:
        seen = max(masks, free if per_labeled else 0)
        return Choice(int(np.clip(80 * seen // batch, 4000, 40000)), f'80 times {seen} images, 4,000 to 40,000')
    return Choice(int(np.clip(20 * masks // batch, 800, 4000)), f'20 times {masks} masks, but 800 to 4,000')
