"""What the page gets for an image."""

from typing import Any, Dict, List, Sequence

import numpy as np

from ...apis import Segmentation
from ...evaluation.uncertainty_metric import SIGNS
from ...visualization import jpeg_uri, png_uri
from ..prediction_folder import as_picture


def answer(pixels: np.ndarray, found: Segmentation, seconds: float, warnings: Sequence[str] = ()) -> Dict[str, Any]:
    """Describe a prediction as JSON.

    Args:
        pixels: The image, ``(H, W, channels)``.
        found: Its prediction.
        seconds: How long it took.
        warnings: What to say of the image.

    Returns:
        ``image`` as JPEG; ``mask`` as gray PNG of class indices; ``maps`` as gray PNGs with the values of black and
        white, doubt first; ``classes`` with index and share, the most frequent first; size, time and warnings.
    """
    height, width = found.mask.shape
    shares = [dict(index=index, share=share) for index, share in enumerate(found.shares().values())]
    own = [_map(name, SIGNS.get(name, 1) * values) for name, values in found.maps.items()]
    return dict(
        width=width,
        height=height,
        milliseconds=round(1000 * seconds),
        image=jpeg_uri(as_picture(pixels)[..., ::-1], quality=90),
        mask=png_uri(found.mask),
        classes=sorted((one for one in shares if one['share']), key=lambda one: -one['share']),
        maps=[_map('uncertainty', found.uncertainty, 0.0, 1.0), *own],
        uncertainty=float(found.uncertainty.mean()),
        warnings=list(warnings),
    )


def class_list(classes: Any, palette: np.ndarray) -> List[Dict[str, Any]]:
    """Describe the classes for the page.

    Args:
        classes: Their names.
        palette: ``(C, 3)`` uint8, red, green, blue.
    """
    return [dict(name=name, color=color) for name, color in zip(classes, palette.tolist())]


def _map(name: str, values: np.ndarray, low: Any = None, high: Any = None) -> Dict[str, Any]:
    """Describe a map of doubt; without bounds from its first to its 99th percentile, so that no outlier rules."""
    if low is None:
        low, high = (float(value) for value in np.percentile(values, (1, 99)))
    gray = 255 * np.nan_to_num((values - low) / max(high - low, 1e-12)).clip(0, 1)
    return dict(name=name, low=low, high=high, image=png_uri(gray.round().astype(np.uint8)))
