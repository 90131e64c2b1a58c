"""One small picture of a map: an image, classes in their colors, or a map of numbers in shades."""

from typing import NamedTuple, Optional, Sequence

import numpy as np
import torch
from torch import Tensor

from ..ops import grid_affinity
from ..structures import Scribbles
from .inline_images import heat


class Panel(NamedTuple):
    """A titled picture.

    Attributes:
        title: One or two lines.
        picture: ``(H, W, 3)`` uint8, RGB.
        classes: Classes that are seen in it, for the legend.
    """

    title: str
    picture: np.ndarray
    classes: Sequence[int] = ()

    def without_padding(self, inside: Optional[Tensor]) -> 'Panel':
        """Leave what is no image white.

        Args:
            inside: ``(H, W)`` bool; None if all is.
        """
        if inside is None:
            return self
        return self._replace(picture=np.where(inside.numpy()[..., None], self.picture, np.uint8(255)))


def image_panel(title: str, image: Tensor) -> Panel:
    """Show an image.

    Args:
        title: Its title.
        image: ``(3, H, W)`` in 0..255.
    """
    return Panel(title, _pixels(image))


def class_panel(
    title: str, classes: Tensor, palette: Sequence[Sequence[int]], image: Tensor, shown: Optional[Tensor] = None
) -> Panel:
    """Show classes in their colors; what has none, or is not ``shown``, is the image in pale gray.

    Args:
        title: Its title.
        classes: ``(H, W)``, 255 where there is none.
        palette: RGB color of each class.
        image: ``(3, H, W)`` in 0..255.
        shown: ``(H, W)`` bool.
    """
    seen = classes < len(palette)
    seen = seen if shown is None else seen & shown
    gray = image.mean(dim=0, keepdim=True).expand(3, -1, -1) / 3 + 160
    colors = torch.tensor(list(palette), dtype=torch.float32)[classes.where(seen, 0).long()].movedim(-1, 0)
    return Panel(title, _pixels(colors.where(seen, gray)), classes[seen].unique().tolist())


def map_panel(title: str, values: Tensor, low: Optional[float] = None, high: Optional[float] = None) -> Panel:
    """Show numbers from black (low) over red to light yellow (high), and say in the title what dark and bright are.

    Args:
        title: Its first line.
        values: ``(H, W)``.
        low: Number of the darkest shade; the smallest one if not given.
        high: Number of the brightest shade; the largest one if not given.
    """
    values = values.float()
    low, high = (float(values.min()) if low is None else low), (float(values.max()) if high is None else high)
    return Panel(f'{title}\ndark {low:.3g}, bright {high:.3g}', heat(values.numpy(), low, high))


def affinity_panel(scribbles: Scribbles, bandwidth: float) -> Panel:
    """Show how alike neighbors are, dark at edges: the mean affinity of a pixel to those right of it and below.

    Args:
        scribbles: Colors ``(3, H, W)`` in 0..255, seeds and valid pixels ``(H, W)``.
        bandwidth: Color bandwidth.
    """
    edges = grid_affinity(scribbles.images[None], bandwidth, valid=scribbles.valid[None])[0]
    right, below = edges[0].clone(), edges[1].clone()
    right[:, -1], below[-1] = 1.0, 1.0  # the last column and row have no edge: shown as no difference
    return Panel('affinity\ndark at edges', _pixels(255 * ((right + below) / 2).expand(3, -1, -1)))


def _pixels(values: Tensor) -> np.ndarray:
    return values.round().clamp(0, 255).byte().movedim(0, -1).numpy()
