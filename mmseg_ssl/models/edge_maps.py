"""Edges between classes, which PIDNet's head learns beside the classes."""

from typing import List

import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import Tensor

from ..structures import IGNORE_INDEX

WIDTH = 4
"""Of an edge in pixels, as in the host's configs of PIDNet."""
EVERY, FIRST, LAST = slice(None), slice(None, -1), slice(1, None)
NEIGHBORS = (
    ((EVERY, LAST, EVERY), (EVERY, FIRST, EVERY)),
    ((EVERY, EVERY, FIRST), (EVERY, EVERY, LAST)),
    ((EVERY, FIRST, FIRST), (EVERY, LAST, LAST)),
    ((EVERY, FIRST, LAST), (EVERY, LAST, FIRST)),
)
"""Images, rows and columns of the pixels that are marked, and of those that they are compared with."""


def edge_map(label: Tensor, width: int = WIDTH) -> Tensor:
    """Mark the pixels next to another class, as the host's transform ``GenerateEdge`` does.

    Args:
        label: ``(B, H, W)`` of whole numbers; where it is 255, there is no edge.
        width: Side of the square by which an edge is widened.

    Returns:
        ``(B, H, W)`` int64, 1 on edges and 0 elsewhere.
    """
    edge = torch.zeros_like(label, dtype=torch.bool)
    for marked, compared in NEIGHBORS:
        one, other = label[marked], label[compared]
        edge[marked] |= (one != other) & (one != IGNORE_INDEX) & (other != IGNORE_INDEX)
    before = width // 2  # where OpenCV has the center of an even square
    padded = F.pad(edge[:, None].float(), (before, width - 1 - before) * 2)
    return F.max_pool2d(padded, width, stride=1)[:, 0].long()


def with_edge_maps(samples: List[SegDataSample]) -> List[SegDataSample]:
    """Give labeled samples ``gt_edge_map``, in copies, unless ``GenerateEdge`` of their pipeline did.

    Args:
        samples: With ``gt_sem_seg`` of one size.
    """
    if all('gt_edge_map' in sample for sample in samples):
        return samples
    edges = edge_map(torch.cat([sample.gt_sem_seg.data for sample in samples]))
    copies = [sample.new() for sample in samples]
    for sample, edge in zip(copies, edges):
        sample.set_data(dict(gt_edge_map=PixelData(data=edge[None])))
    return copies
