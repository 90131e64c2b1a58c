"""One pass of a trained network over the validation or test images: counts that a report shows, and example images."""

import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from rich.progress import track

from ...apis import TrainedNetwork
from ...datasets.checks import build_set
from ...evaluation import CalibrationMetric, UncertaintyMetric
from ...structures import IGNORE_INDEX
from ..cli import UserError


class ScoredImage(NamedTuple):
    """Score of one image."""

    place: int  # in the dataset
    path: str
    iou: float  # mean over the classes in its mask or prediction, in [0, 1]; NaN without a labeled pixel
    confused: str  # the class most often taken for another, in words; '' without a mistake


class Scores(NamedTuple):
    """Counts over images; C classes, M bins of confidence, B bins of doubt."""

    part: str  # val or test
    images: List[ScoredImage]
    available: int  # images of the set; more than were scored with a limit
    confusion: np.ndarray  # (C, C) pixels: row the label, column the prediction
    calibration: np.ndarray  # (3, M), as of confidence_histogram
    ranked: Dict[str, np.ndarray]  # map -> (2, B), as of doubt_histogram
    ms_per_image: float  # median of network and post-processing, one image at a time
    device: str

    def ious(self) -> np.ndarray:
        """Return the IoU of each class in [0, 1]; NaN for one that is neither labeled nor predicted."""
        return class_ious(self.confusion)


def class_ious(confusion: np.ndarray) -> np.ndarray:
    """Compute the IoU of each class, as the host's ``IoUMetric`` does.

    Args:
        confusion: ``(C, C)`` pixels, row the label, column the prediction.

    Returns:
        ``(C,)`` in [0, 1]; NaN for a class that is neither labeled nor predicted.
    """
    hit = np.diag(confusion).astype(float)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - hit
    return np.divide(hit, union, out=np.full(len(hit), np.nan), where=union > 0)


def open_images(network: TrainedNetwork, part: str) -> Any:
    """Build the set of images.

    Args:
        network: The network, whose config names the set.
        part: ``val`` or ``test``.

    Raises:
        UserError: The config has no such set.
        DatasetError: Its files are not there; says how to get them.
    """
    loader = network.cfg.get(f'{part}_dataloader')
    if not loader:
        raise UserError(f'the config has no {part}_dataloader.')
    return build_set(f'{part}_dataloader.dataset', loader['dataset'])


def score_images(network: TrainedNetwork, dataset: Any, part: str, limit: Optional[int] = None) -> Scores:
    """Predict the images of a set, and count right and wrong pixels.

    Args:
        network: The network.
        dataset: Of :func:`open_images`.
        part: ``val`` or ``test``.
        limit: Largest number of images; more are thinned out evenly.

    Raises:
        UserError: No image has a labeled pixel.
    """
    count = len(network.classes)
    calibration, doubts = CalibrationMetric(prefix='own'), UncertaintyMetric(prefix='own')  # unnamed ones warn
    confusion, images, times = np.zeros((count, count), np.int64), [], []
    for index in track(_chosen(len(dataset), limit), f'Scoring {part}'):
        began = time.perf_counter()
        sample = predict_sample(network, dataset[index])
        times.append(time.perf_counter() - began)
        found = sample.to_dict()
        for metric in (calibration, doubts):
            metric.process({}, [found])
        own = _confusion(found, count)
        confusion += own
        images.append(_scored(index, sample.img_path, own, network.classes))
    if not confusion.sum():
        raise UserError(f'no image of {part}_dataloader has a labeled pixel, so there is nothing to score.')
    return Scores(
        part=part,
        images=images,
        available=len(dataset),
        confusion=confusion,
        calibration=np.sum([result['ECE'] for result in calibration.results], axis=0),
        ranked=dict(_summed([result['ranked'] for result in doubts.results])),
        ms_per_image=1000 * float(np.median(times)),
        device=_device_name(network.model),
    )


@torch.no_grad()
def predict_sample(network: TrainedNetwork, item: Any) -> Any:
    """Predict an image of a dataset.

    Args:
        network: The network.
        item: What the dataset's pipeline packs, with a mask.

    Returns:
        The host's data sample, on the CPU: ``seg_logits``, ``pred_sem_seg``, ``gt_sem_seg``, and maps of the method.
    """
    return network.model.test_step(pseudo_collate([item]))[0].cpu()


def _chosen(count: int, limit: Optional[int]) -> List[int]:
    """Return the images to score: all, or ``limit`` of them, evenly spaced."""
    kept = count if limit is None else min(limit, count)
    return [place * count // kept for place in range(kept)]


def _confusion(sample: Dict[str, Any], count: int) -> np.ndarray:
    """Count the labeled pixels of an image by label and prediction; no label outside of the classes counts."""
    label = sample['gt_sem_seg']['data'].squeeze(0).long()
    pred = sample['pred_sem_seg']['data'].squeeze(0).long()
    valid = (label != IGNORE_INDEX) & (label < count)
    pairs = count * label[valid] + pred[valid]
    return torch.bincount(pairs, minlength=count * count).reshape(count, count).numpy()


def _scored(index: int, path: str, confusion: np.ndarray, classes: Any) -> ScoredImage:
    """Score an image, and name its most frequent mistake."""
    ious, wrong = class_ious(confusion), confusion - np.diag(np.diag(confusion))
    label, pred = np.unravel_index(int(wrong.argmax()), wrong.shape)
    share = wrong[label, pred] / max(confusion.sum(), 1)
    said = f'{classes[label]} taken for {classes[pred]}: {100 * share:.1f} % of the pixels' if share else ''
    return ScoredImage(index, path, float(np.nanmean(ious)) if confusion.sum() else float('nan'), said)


def _summed(results: List[Dict[str, np.ndarray]]) -> Iterator[Any]:
    """Yield each map with its histogram over all images."""
    for name in results[0]:
        yield name, np.sum([result[name] for result in results], axis=0, dtype=np.int64)


def _device_name(model: Any) -> str:
    """Return what the network ran on."""
    device = next(model.parameters()).device
    if device.type == 'cuda':
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f'CPU, {threads} thread{"s" if threads > 1 else ""}'
