"""Labeling of images with trained networks, for ``tools/pseudo_label.py``."""

from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import cv2
import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from ..apis import load_model
from ..apis.network import segmentor_of
from ..datasets.pseudo_label_files import label_path
from ..ops import class_probabilities
from ..structures import IGNORE_INDEX
from ..utils.atomic_files import replace_file


class OfflineLabel(NamedTuple):
    """Label of an image, on the CPU."""

    label: np.ndarray  # (H, W) uint8 classes; 255 where the confidence is below the threshold
    confidence: np.ndarray  # (H, W) uint8, 255 is 1
    reliability: Optional[float]  # mean IoU of earlier predictions with this one, in [0, 1]


class PseudoLabeler:
    """Labels images with one network, and computes how much its earlier checkpoints agree.

    Maps with ``C`` channels stay on the device; only two 8-bit maps per image leave it.

    Args:
        cfg: Config of a method of this package, or a plain mmseg config.
        checkpoint: Checkpoint of the network.
        earlier: Earlier checkpoints of the same training, for the reliability of ST++.
        network: Name of the network; the first of ``predict_on`` if not given.
        threshold: Confidence below which a pixel gets no label.
        flip: Average the probabilities of an image and its mirror image.
        device: Device of the networks.
        allow_missing: Only warn if a checkpoint lacks weights.

    Raises:
        ValueError: If there is no such network, or it has too many classes.
        WeightsError: If a checkpoint lacks weights.
    """

    def __init__(
        self,
        cfg: Config,
        checkpoint: str,
        earlier: Sequence[str] = (),
        network: Optional[str] = None,
        threshold: float = 0.0,
        flip: bool = False,
        device: str = 'cpu',
        allow_missing: bool = False,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f'threshold is a confidence in [0, 1], got {threshold}.')
        paths = (checkpoint, *earlier)
        self.model, *self.earlier = (load_model(cfg, path, network, device, allow_missing) for path in paths)
        self.num_classes = max(2, segmentor_of(self.model).out_channels)
        self.threshold, self.flip = threshold, flip

    @torch.no_grad()
    def label(self, items: List[Dict[str, Any]]) -> List[OfflineLabel]:
        """Label images; images of one size share a network call.

        Args:
            items: Outputs of the test pipeline: ``inputs`` and ``data_samples``.

        Returns:
            One label per image, at the image's original size.
        """
        results: List[Any] = [None] * len(items)
        for places in _group_by_size(items):
            batch = [items[place] for place in places]
            earlier = [[probs.argmax(dim=0) for probs in self._probabilities(model, batch)] for model in self.earlier]
            for number, probs in enumerate(self._probabilities(self.model, batch)):
                results[places[number]] = self._make_label(probs, [labels[number] for labels in earlier])
        return results

    def _probabilities(self, model: nn.Module, items: List[Dict[str, Any]]) -> List[Tensor]:
        """Predict probabilities (C, H, W) of every image, at its original size."""
        probs = [class_probabilities(logits) for logits in _predict(model, items)]
        if not self.flip:
            return probs
        mirrored = [dict(item, inputs=item['inputs'].flip(-1)) for item in items]
        # with this metainfo, the host mirrors the logits back
        meta = dict(flip=True, flip_direction='horizontal')
        return [(one + class_probabilities(two)) / 2 for one, two in zip(probs, _predict(model, mirrored, meta))]

    def _make_label(self, probs: Tensor, earlier: List[Tensor]) -> OfflineLabel:
        confidence, label = probs.max(dim=0)
        scores = [mean_iou(other, label, len(probs)) for other in earlier]
        kept = label.where(confidence >= self.threshold, label.new_full((), IGNORE_INDEX))
        maps = torch.stack([kept.to(torch.uint8), (255 * confidence).round().to(torch.uint8)]).cpu().numpy()
        return OfflineLabel(maps[0], maps[1], float(torch.stack(scores).mean()) if scores else None)


def mean_iou(label_a: Tensor, label_b: Tensor, num_classes: int) -> Tensor:
    r"""Compute the agreement of two labelings of an image: mean IoU over the classes that occur in either.

    Args:
        label_a: ``(H, W)`` int64.
        label_b: The other one.
        num_classes: ``C``.

    Returns:
        A scalar in ``[0, 1]``, fp64.
    """
    pairs = torch.bincount((label_a * num_classes + label_b).flatten(), minlength=num_classes**2)
    confusion = pairs.view(num_classes, num_classes).double()
    both = confusion.diagonal()
    either = confusion.sum(dim=0) + confusion.sum(dim=1) - both
    return (both / either.clamp(min=1)).sum() / (either > 0).sum()


def write_label(folder: Union[str, Path], image_id: str, found: OfflineLabel) -> None:
    """Write the maps of an image, each in one step, the mask last: if the mask exists, everything exists.

    Args:
        folder: Root of ``confidence/``, ``reliability/`` and ``masks/``.
        image_id: Path of the image below its folder, without suffix.
        found: The label.
    """
    if found.reliability is not None:
        replace_file(label_path(folder, 'reliability', image_id).with_suffix('.txt'), repr(found.reliability).encode())
    for kind, values in (('confidence', found.confidence), ('masks', found.label)):
        replace_file(label_path(folder, kind, image_id), cv2.imencode('.png', values)[1].tobytes())


def _predict(model: Any, items: List[Dict[str, Any]], meta: Optional[dict] = None) -> List[Tensor]:
    """Return the host's seg_logits (C, H, W) of images of one size, at their original sizes."""
    samples = [item['data_samples'].clone() for item in items]
    for sample in samples:
        sample.set_metainfo(meta or {})
    data = model.data_preprocessor(dict(inputs=[item['inputs'] for item in items], data_samples=samples), False)
    return [result.seg_logits.data for result in model.predict(data['inputs'], data['data_samples'])]


def _group_by_size(items: List[Dict[str, Any]]) -> List[List[int]]:
    """Group the indices of images by size."""
    groups: Dict[Tuple[int, ...], List[int]] = {}
    for place, item in enumerate(items):
        groups.setdefault(tuple(item['inputs'].shape), []).append(place)
    return list(groups.values())
