"""The nouns of this package: predictions, targets, and scribbles.

Letters used in every shape: ``B`` batch, ``C`` classes, ``D`` embedding channels, ``H W`` size of the input tensor,
``h w`` size at the stride of the decode head.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Union

import torch.nn.functional as F
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map_only, tree_unflatten

IGNORE_INDEX = 255
"""Label of an ignored pixel, as everywhere in mmsegmentation."""

UNLABELED = 254
"""In a scribble mask, an unlabeled pixel. Unlike one with ``IGNORE_INDEX`` (void, padding) it is image: it
takes part in what is taught without labels. Losses never see this number, see ``PackSemiInputs``."""


def map_tensors(function: Callable[[Tensor], Tensor], nest: Any) -> Any:
    """Apply a function to every tensor of nested lists, tuples and dicts, whose shape stays.

    Args:
        function: From a tensor to a tensor.
        nest: E.g. a ViT's levels, each ``[map, class token]``. What is no tensor in it stays as it is.
    """
    return tree_map_only(Tensor, function, nest)


def split_tensors(nest: Any, sizes: Sequence[int]) -> List[Any]:
    """Split every tensor of nested lists, tuples and dicts along its first dimension.

    Args:
        nest: As for :func:`map_tensors`; what is no tensor in it goes into every part.
        sizes: Number of images in each part.

    Returns:
        One nest per part; its tensors are views.
    """
    leaves, shape = tree_flatten(nest)
    parts = [leaf.split(sizes) if isinstance(leaf, Tensor) else [leaf] * len(sizes) for leaf in leaves]
    return [tree_unflatten([part[i] for part in parts], shape) for i in range(len(sizes))]


class Prediction(NamedTuple):
    """Prediction of a :class:`~mmseg_ssl.models.Branch` for a batch of images.

    Attributes:
        logits: ``(B, C, H, W)``, fp32, at the size of the input tensor; for two classes also if the decode head has
            only one channel, see :func:`~mmseg_ssl.ops.class_logits`.
        embedding: ``(B, D, h, w)``, the input of the head's last convolution (``conv_seg``); None if it has none.
        feats: The backbone's levels, for auxiliary heads and decoders: maps, or nests of tensors, as the backbone gives
            them, e.g. ``[map, class token]``.
        side: Maps of the side heads by name, e.g. ``variance`` ``(B, 1, H, W)``.
        outputs: What the decode heads returned, where it is more than the logits, for the host's losses of labels.
    """

    logits: Tensor
    embedding: Optional[Tensor]
    feats: Any
    side: Dict[str, Tensor]
    outputs: Any = None

    def split(self, sizes: Sequence[int]) -> List['Prediction']:
        """Split a merged batch into its parts again, e.g. the labeled and the mixed images.

        Args:
            sizes: Number of images in each part; their sum is ``B``.

        Returns:
            One prediction per part; its tensors are views.
        """
        return split_tensors(self, sizes)


class PixelTarget(NamedTuple):
    """Target of a branch: a label and a weight per pixel.

    Made under ``no_grad`` from predictions, never from unlabeled ground truth.

    Attributes:
        label: ``(B, H, W)`` int64 classes, 255 where there is none, or ``(B, C, H, W)`` probabilities.
        weight: ``(B, H, W)``, at least 0; a pixel of weight 0 teaches nothing.
    """

    label: Tensor
    weight: Tensor

    def reweight(self, factor: Union[Tensor, float]) -> 'PixelTarget':
        """Multiply the weight, e.g. by a reliability map.

        Args:
            factor: ``(B, H, W)`` or a number, at least 0.

        Returns:
            The same label with weight ``weight * factor``.
        """
        return PixelTarget(self.label, self.weight * factor)

    def at_stride(self, size: Sequence[int]) -> 'PixelTarget':
        """Reduce to hard labels at the size of an embedding: of the nearest pixel, the likeliest class.

        Args:
            size: ``(h, w)``.

        Returns:
            Label ``(B, h, w)`` int64 and weight ``(B, h, w)``.
        """
        soft = self.label if self.label.dim() == 4 else self.label[:, None].float()
        near = F.interpolate(soft, size=tuple(size), mode='nearest-exact')
        label = near.argmax(dim=1) if self.label.dim() == 4 else near[:, 0].long()
        return PixelTarget(label, F.interpolate(self.weight[:, None], size=tuple(size), mode='nearest-exact')[:, 0])


class Scribbles(NamedTuple):
    """Images with a few labeled pixels, as affinities and solvers see them.

    Attributes:
        images: ``(B, 3, H, W)`` RGB in 0..255, before normalization.
        seeds: ``(B, H, W)`` int64, 255 where there is no scribble.
        valid: ``(B, H, W)`` bool, false on padding and on void pixels.
        classes: ``(B, 256)`` bool, the classes that are scribbled anywhere in the image which this is a crop of, by
            index; none where that is not known.
    """

    images: Tensor
    seeds: Tensor
    valid: Tensor
    classes: Optional[Tensor] = None

    @property
    def unlabeled(self) -> Tensor:
        """Return the image pixels without a scribble, ``(B, H, W)`` bool, whose labels are to be found."""
        return self.valid & (self.seeds == IGNORE_INDEX)
