"""Remembers the first image of a step: views, predictions, targets, as a method shows them."""

import os
from typing import Any, Callable, Dict, List, Optional

import torch
from torch import Tensor

from ..models.sample_pixels import valid_pixels
from ..ops import normalized_entropy
from ..ops.colors import three_channels
from ..structures import PixelTarget, Prediction, Scribbles
from ..visualization import NetworkSight, StepSight
from .taught_counts import hidden_truth

PARTS = ('says', 'image', 'pred', 'target', 'valid', 'mix', 'scribbles')
"""What :meth:`SemiSegmentor.show` says the meaning of; every other name is a map."""


class StepRecorder:
    """An onlooker of a method (see :meth:`SemiSegmentor.show`), on for one step; only first images are kept.

    Args:
        model: The method.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.sight = StepSight()
        self._handles: List[Any] = []
        self._sup: Optional[Tensor] = None
        self._samples: Dict[str, List[Any]] = {}

    def __enter__(self) -> 'StepRecorder':
        """Begin to look on."""
        self.model.onlookers.append(self)
        for name in self.model.networks:
            hook = self._labeled_prediction(name)
            self._handles.append(getattr(self.model, name).register_forward_hook(hook))
        return self

    def __exit__(self, *error: Any) -> None:
        """Look away; the model is as it was."""
        self.model.onlookers.remove(self)
        for handle in self._handles:
            handle.remove()

    @torch.no_grad()
    def __call__(self, network: str, parts: Dict[str, Any]) -> None:
        """Take what belongs to the first image; see :meth:`SemiSegmentor.show`."""
        if 'inputs' in parts:
            self._take_batch(**parts)
            return
        seen = self.sight.networks.setdefault(network, NetworkSight())
        if 'image' in parts:
            seen.image = self._colors(parts['image'])
        if 'says' in parts:
            seen.says, entropy = _vote(parts['says'])
            seen.said_maps.update(entropy)
            seen.said_of = seen.image if 'image' in parts else None
        if 'pred' in parts:
            seen.pred = _first(parts['pred'].logits.argmax(dim=1))
            seen.maps.update({name: _first(map) for name, map in parts['pred'].side.items() if map.shape[1] == 1})
        if 'target' in parts:
            seen.label, seen.weight, soft = _target(parts['target'])
            seen.maps.update(soft)
            seen.truth = self._truth(parts)
        if 'valid' in parts:
            seen.valid = _first(parts['valid'])
        if 'scribbles' in parts:
            seen.scribbles = Scribbles(*(_first(value) for value in parts['scribbles'][:3]))
        maps = seen.said_maps if 'says' in parts else seen.maps
        for name in set(parts) - set(PARTS):
            maps[name] = _first(parts[name]() if callable(parts[name]) else parts[name])

    def _take_batch(self, inputs: Dict[str, Tensor], samples: Dict[str, List[Any]]) -> None:
        """Take the first image of each view, and the labels of the labeled one."""
        self._sup, self._samples = inputs.get('sup'), samples
        first = {view: batch[0] for view, batch in samples.items()}
        for view, images in inputs.items():
            if view in first:
                self.sight.inside[view] = _first(valid_pixels([first[view]], images))
        self.sight.views = {name: self._colors(images) for name, images in inputs.items()}
        self.sight.names = {
            view: os.path.basename(sample.metainfo.get('img_path') or '') for view, sample in first.items()
        }
        if 'sup' in first and 'gt_sem_seg' in first['sup']:
            self.sight.truth = _first(first['sup'].gt_sem_seg.data)

    def _truth(self, parts: Dict[str, Any]) -> Optional[Tensor]:
        """Return the mask of what is taught, if there is one that nothing trains on, moved as its pixels were."""
        truth = hidden_truth(self._samples.get('sup' if 'scribbles' in parts else 'weak', []), parts['valid'])
        return None if truth is None else _first(parts['mix'](truth) if 'mix' in parts else truth)

    def _colors(self, images: Tensor) -> Tensor:
        """Return the first image of a view in 0..255, of any number of channels three."""
        preprocessor = self.model.data_preprocessor
        raw = preprocessor.denormalize(images[:1]) if hasattr(preprocessor, 'denormalize') else images[:1]
        return three_channels(raw)[0].detach().float().cpu()

    def _labeled_prediction(self, name: str) -> Callable[..., None]:
        """Make a hook that keeps a network's prediction of the first labeled image, which comes first in its call."""

        def keep(module: Any, inputs: Any, output: Prediction) -> None:
            first = self._sup[:1] if self._sup is not None else None
            images = inputs[0]
            if first is not None and images.shape[1:] == first.shape[1:] and torch.equal(images[:1], first):
                self.sight.labeled[name] = _first(output.logits.argmax(dim=1))

        return keep


def _first(values: Tensor) -> Tensor:
    """Return the first map of ``(B, H, W)`` or ``(B, 1, H, W)``, or the first image of ``(B, 3, H, W)``, on the CPU."""
    first = values[0].detach()
    return (first[0] if first.dim() == 3 and first.shape[0] == 1 else first).cpu()


def _vote(says: Any) -> Any:
    """Return the likeliest class of what is said and, where all probabilities are known, its entropy as a map."""
    if hasattr(says, 'label'):
        return _first(says.label), dict(confidence=_first(says.confidence))
    probs = says.logits[:1].float().softmax(dim=1) if isinstance(says, Prediction) else says[:1].float()
    return _first(probs.argmax(dim=1)), dict(entropy=_first(normalized_entropy(probs)))


def _target(target: PixelTarget) -> Any:
    """Return label and weight of a target and, of a soft label, its entropy as a map."""
    weight = _first(target.weight).float()
    if target.label.dim() == 3:
        return _first(target.label), weight, {}
    soft = target.label[:1].float()
    return _first(soft.argmax(dim=1)), weight, {'label entropy': _first(normalized_entropy(soft))}
