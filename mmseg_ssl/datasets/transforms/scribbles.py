"""Loading of scribble masks.

In the pipeline one uint8 map holds three kinds of pixels: classes, ``UNLABELED`` (254: image pixels that nobody
labeled) and ``IGNORE_INDEX`` (255: void and padding). So the host's crops, flips and padding keep the two apart.
``PackSemiInputs`` splits the map in two; ``scribbled_pixels`` gives a method both. Which classes the whole image has
scribbles of, ``scribbled_classes``, stays with every crop.
"""

from typing import Any, Iterator, Optional, Sequence, Tuple

import mmcv
import numpy as np
from mmengine import fileio
from mmseg.datasets import PascalVOCDataset
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import TRANSFORMS

from ...errors import DatasetError
from ...structures import IGNORE_INDEX, UNLABELED
from ..pipelines import pipeline_steps
from ..scribblesup import draw_polylines

FROM_ZERO = (
    'scribble masks hold class indices from 0: set reduce_zero_label=False on the dataset. If 0 means unlabeled in '
    'these masks, tools/check_dataset.py then says how to rewrite them; from full masks, make them with '
    'tools/make_scribbles.py --reduce-zero-label'
)


@TRANSFORMS.register_module()
class LoadScribbles(LoadAnnotations):
    """Load a scribble mask of any dataset class; replaces ``LoadAnnotations``.

    A mask is an 8-bit index image, or an XML file of ScribbleSup (see
    :func:`~mmseg_ssl.datasets.scribblesup.draw_polylines`), recognized by its suffix. The pipeline must end with
    ``PackSemiInputs``, which takes the unlabeled pixels out of the mask.

    Args:
        unlabeled_value: Value of unlabeled pixels in the files; 254 as ``tools/make_scribbles.py`` writes them.
            ScribbleSup's index masks use 255.
        void_value: Value of ignored pixels in the files; None if there are none, as in ScribbleSup.
        classes: Names of the classes in XML files, by index; those of VOC if not given.
        width: Line width of XML files in pixels.
        **kwargs: As for ``LoadAnnotations``.

    Raises:
        ValueError: Both values are equal, or one is not in 0..255.

    Example:
        >>> load = LoadScribbles(unlabeled_value=255, void_value=None)  # the index masks of ScribbleSup
    """

    def __init__(
        self,
        unlabeled_value: int = UNLABELED,
        void_value: Optional[int] = IGNORE_INDEX,
        classes: Optional[Sequence[str]] = None,
        width: int = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        values = dict(unlabeled_value=unlabeled_value)
        if void_value is not None:
            values['void_value'] = void_value
        for name, value in values.items():
            if value not in range(256):
                raise ValueError(f'{name} is a value of 8-bit masks, a whole number in 0..255, got {value!r}.')
        if unlabeled_value == void_value:
            raise ValueError(
                f'unlabeled_value and void_value are both {void_value}. Give void_value=None if the masks have no void.'
            )
        self.file_values = set(values.values())
        self.unlabeled_value = unlabeled_value
        self.classes = list(classes or PascalVOCDataset.METAINFO['classes'])
        self.width = width
        self.codes = np.arange(256, dtype=np.uint8)
        if void_value is not None:
            self.codes[void_value] = IGNORE_INDEX
        self.codes[unlabeled_value] = UNLABELED

    def decode(self, content: bytes, path: str) -> np.ndarray:
        """Decode a file.

        Args:
            content: Content of the file.
            path: Its name, for the suffix.

        Returns:
            ``(H, W)`` uint8, with the values of the file.

        Raises:
            DatasetError: An XML file is not in the form of ScribbleSup.
        """
        if path.lower().endswith('.xml'):
            return draw_polylines(content, self.classes, self.width, fill=self.unlabeled_value)
        mask = mmcv.imfrombytes(content, flag='unchanged', backend=self.imdecode_backend).astype(np.uint8)
        return mask[..., 0] if mask.shape[2:] == (1,) else mask  # not squeeze(): a mask may be one pixel high

    def problems(self, mask: np.ndarray, info: dict) -> Iterator[str]:
        """Describe what is wrong with a mask, apart from indices without a class.

        Args:
            mask: ``(H, W)`` with the values of the file.
            info: The dataset's info of the image.

        Yields:
            One message per problem, with the fix.
        """
        if info.get('reduce_zero_label'):
            yield FROM_ZERO
        void = np.isin(mask, list(self.file_values))
        if self.unlabeled_value not in mask and void.mean() > 0.5:
            yield (
                f'no pixel is unlabeled (index {self.unlabeled_value}) and most are void. If void means unlabeled '
                'here, as in ScribbleSup, write LoadScribbles with unlabeled_value=255, void_value=None'
            )

    def _load_seg_map(self, results: dict) -> None:
        """Load the mask and translate its values."""
        if results.get('reduce_zero_label'):
            raise DatasetError(FROM_ZERO)
        path = results['seg_map_path']
        values = self.decode(fileio.get(path, backend_args=self.backend_args), path)
        codes = self.codes.copy()
        for old, new in (results.get('label_map') or {}).items():
            codes[old] = new
        results['gt_seg_map'] = codes[values]
        results['seg_fields'].append('gt_seg_map')
        results['scribbled'] = True
        # now: a crop loses some of them
        results['scribbled_classes'] = classes_in(results['gt_seg_map'])


def classes_in(mask: np.ndarray) -> Tuple[int, ...]:
    """Return the classes that a scribble mask shows, in their order."""
    return tuple(np.flatnonzero(np.bincount(mask[mask < UNLABELED])).tolist())


def find_scribble_loader(dataset: Any) -> Optional[LoadScribbles]:
    """Find the pipeline step that reads scribbles.

    Args:
        dataset: A built dataset.

    Returns:
        The step, or None if the dataset's masks are not scribbles.
    """
    return next((step for step in pipeline_steps(dataset) if isinstance(step, LoadScribbles)), None)
