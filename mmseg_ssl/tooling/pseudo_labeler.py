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
from ..ops import trusted_pixels
from ..ops.trust import check_trust
from ..structures import IGNORE_INDEX
from ..utils.atomic_files import replace_file
from ..utils.choices import probability
from .predicted_image import PredictedImage, TrustRule, predict_samples, read_maps, require_map


class OfflineLabel(NamedTuple):
    """Label of an image, on the CPU."""

    label: np.ndarray  # (H, W) uint8 classes; 255 where the confidence is below the threshold, or nothing is trusted
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
        trust: Rule beside the threshold of the confidence; without, that alone.

    Raises:
        ValueError: If there is no such network, it has too many classes, or lacks what the rule reads.
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
        trust: Optional[TrustRule] = None,
    ) -> None:
        probability(threshold=threshold)
        if trust:
            check_trust(*trust)
        paths = (checkpoint, *earlier)
        self.model, *self.earlier = (load_model(cfg, path, network, device, allow_missing) for path in paths)
        self.num_classes = max(2, segmentor_of(self.model).out_channels)
        self.threshold, self.flip, self.trust = threshold, flip, trust
        if trust:
            require_map(self.model, trust.by)

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
            earlier = [[one.probs.argmax(dim=0) for one in self._look_at(model, batch, None)] for model in self.earlier]
            for number, found in enumerate(self._look_at(self.model, batch, self.trust)):
                results[places[number]] = self._make_label(found, [labels[number] for labels in earlier])
        return results

    def _look_at(
        self, model: nn.Module, items: List[Dict[str, Any]], trust: Optional[TrustRule]
    ) -> List[PredictedImage]:
        """Predict every image, at its original size."""
        found = [read_maps(result, trust) for result in predict_samples(model, items)]
        if not self.flip:
            return found
        mirrored = [dict(item, inputs=item['inputs'].flip(-1)) for item in items]
        # with this metainfo, the host mirrors the maps back
        meta = dict(flip=True, flip_direction='horizontal')
        pairs = zip(found, [read_maps(result, None) for result in predict_samples(model, mirrored, meta)])
        # trust in the image as it is: a variance or an energy of two networks' mean is of neither
        return [PredictedImage((one.probs + two.probs) / 2, one.trust) for one, two in pairs]

    def _make_label(self, found: PredictedImage, earlier: List[Tensor]) -> OfflineLabel:
        probs = found.probs
        confidence, label = probs.max(dim=0)
        trusted = confidence >= self.threshold
        if self.trust and found.trust is not None:
            valid = torch.ones_like(trusted)[None]
            trusted = trusted & trusted_pixels(self.trust.by, found.trust[None], valid, *self.trust[1:])[0]
        scores = [mean_iou(other, label, len(probs)) for other in earlier]
        kept = label.where(trusted, label.new_full((), IGNORE_INDEX))
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


def _group_by_size(items: List[Dict[str, Any]]) -> List[List[int]]:
    """Group the indices of images by size."""
    groups: Dict[Tuple[int, ...], List[int]] = {}
    for place, item in enumerate(items):
        groups.setdefault(tuple(item['inputs'].shape), []).append(place)
    return list(groups.values())
