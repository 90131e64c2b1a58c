"""A trained network that predicts single images."""

import os
import warnings
from pathlib import Path
from typing import Any, Dict, List, Tuple, Union

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from PIL.Image import Image as PILImage
from torch import Tensor
from torch.nn import functional as F

from ..compat.quiet_host import without_useless_warnings
from ..datasets.checks.image_files import damage
from ..datasets.transforms import at_image_size
from ..errors import DatasetError, UserError
from ..ops import class_probabilities, normalized_entropy
from .deep_images import deep_warnings
from .image_arrays import gives_eight_bits, require_pixels
from .segmentation import Segmentation
from .tiles import tiles

TILE, OVERLAP = 2048, 256
"""Side of a tile, and how far neighbors overlap, in pixels of the prepared image."""
HOST_FIELDS = ('pred_sem_seg', 'seg_logits', 'gt_sem_seg')
Image = Union[str, 'os.PathLike[str]', np.ndarray, PILImage]


class TrainedNetwork:
    """A network in ``eval`` mode with the preparation of images of its config: ``result = network('photo.jpg')``.

    Args:
        model: Of :func:`~mmseg_ssl.apis.load_model`.
        cfg: Its config; the pipeline of its test images, without annotations, prepares an image.
        meta: ``classes`` and ``palette``; numbers and random colors if empty.

    Raises:
        UserError: The config does not say how images are prepared.
    """

    def __init__(self, model: Any, cfg: Config, meta: Dict[str, List[Any]]) -> None:
        self.model, self.cfg = model, cfg
        steps = [step for step in pipeline_of_images(cfg) if not step['type'].startswith(('LoadAnnot', 'LoadScribb'))]
        if not steps or not steps[0]['type'].startswith(('LoadImage', 'LoadDeepImage')):
            raise UserError(
                f'{cfg.filename}: the pipeline of test images begins with {steps[0]["type"] if steps else "nothing"}, '
                'not with LoadImageFromFile or LoadDeepImage. Write one of them first.'
            )
        self.reading, self.steps = Compose(steps[:1]), Compose(steps[1:])
        self.eight_bits, self.warned = gives_eight_bits(steps[0]), False
        count = max(2, segmentor_of(model).out_channels)
        named = meta if len(meta.get('classes', ())) == count else {}
        self.classes: Tuple[str, ...] = tuple(named.get('classes', map(str, range(count))))
        colors = named.get('palette') or np.random.RandomState(42).randint(0, 255, (count, 3))
        self.palette = np.array(colors, np.uint8)

    def read(self, image: Image) -> np.ndarray:
        """Return an image as the network's pipeline reads it.

        Args:
            image: A path, an array ``(H, W, 3)`` with blue, green, red as OpenCV and mmseg read it, or a PIL image.

        Returns:
            ``(H, W, channels)``.

        Raises:
            TypeError: It is none of these.
            ValueError: A PIL image has more than 8 bits, which PIL would cut off.
            DatasetError: The file is empty, damaged or not an image.
        """
        if isinstance(image, np.ndarray):
            return image
        if isinstance(image, PILImage):
            if image.mode[0] in 'IF':
                raise ValueError(f'a PIL image of mode {image.mode} has more than 8 bits. Scale it to 8 bits before.')
            return np.asarray(image.convert('RGB'))[..., ::-1]
        if not isinstance(image, (str, os.PathLike)):
            raise TypeError(f'expected a path, an array or a PIL image, got {type(image).__name__}.')
        try:
            return self.reading(dict(img_path=str(image), seg_fields=[]))['img']
        except Exception as error:  # of any decoder, in its own words
            problem = damage(str(image))
            if not problem:
                raise
            raise DatasetError(f'{image}: {problem}. Get the file again, or remove it.') from error

    @torch.no_grad()
    def __call__(self, image: Image, tile: int = TILE, overlap: int = OVERLAP) -> Segmentation:
        """Predict an image.

        Args:
            image: As for :meth:`read`.
            tile: Side of the tiles into which a larger image is cut, in pixels of the prepared image (after the
                pipeline's ``Resize``); 0 never cuts.
            overlap: How far tiles overlap at least.

        Returns:
            The prediction at the image's size.

        Raises:
            TypeError: It is no image, see :meth:`read`.
            ValueError: Its values are not those of the images that the network was trained on.
        """
        pixels = np.ascontiguousarray(self.read(image))
        require_pixels(pixels, self.eight_bits)
        size = (pixels.shape[0], pixels.shape[1])
        name = 'the image'  # in messages
        if isinstance(image, (str, os.PathLike)):
            name = str(image)
            self._warn_once(Path(image))
        known = dict(img=pixels, img_path=name, ori_shape=size, img_shape=size, seg_fields=[])
        packed = self.steps(known)
        inputs: Tensor = packed['inputs']
        if tile and max(inputs.shape[1:]) > tile:
            maps = self._tiled(inputs, tile, overlap, size)
        else:
            maps = self._maps(inputs, packed['data_samples'])
        mask, confidence, uncertainty = (maps.pop(name) for name in ('mask', 'confidence', 'uncertainty'))
        return Segmentation(mask.astype(np.uint8), confidence, uncertainty, maps, self.classes, self.palette)

    def _warn_once(self, path: Path) -> None:
        """Warn of the first file of which the loader leaves nearly nothing."""
        for text in () if self.warned else deep_warnings(self.reading, [path]):
            self.warned = True
            warnings.warn(text, stacklevel=4)  # beyond no_grad, at the call of the network

    def _maps(self, inputs: Tensor, sample: SegDataSample) -> Dict[str, np.ndarray]:
        """Predict a prepared image in one piece: maps (H, W) at the size that its sample says."""
        data = self.model.data_preprocessor(dict(inputs=[inputs], data_samples=[sample]), False)
        with without_useless_warnings():
            result = self.model.predict(data['inputs'], data['data_samples'])[0]
        probs = class_probabilities(result.seg_logits.data)
        found = dict(
            mask=result.pred_sem_seg.data[0].to(torch.uint8),  # the host's, which knows a binary head's threshold
            confidence=probs.amax(dim=0),
            uncertainty=normalized_entropy(probs[None])[0],
        )
        own = {name: value for name, value in result.items() if name not in HOST_FIELDS}
        found.update({name: value.data[0].float() for name, value in own.items() if isinstance(value, PixelData)})
        return {name: value.cpu().numpy() for name, value in found.items()}

    def _tiled(self, inputs: Tensor, tile: int, overlap: int, size: Tuple[int, int]) -> Dict[str, np.ndarray]:
        """Predict tile by tile; only finished maps of one number per pixel are kept of a tile."""
        whole: Dict[str, np.ndarray] = {}
        shape = tuple(inputs.shape[1:])
        for rows, columns in tiles((shape[0], shape[1]), tile, overlap):
            part = inputs[:, rows.start : rows.stop, columns.start : columns.stop]
            own = dict(ori_shape=tuple(part.shape[1:]), img_shape=tuple(part.shape[1:]))
            down = slice(rows.keep_from - rows.start, rows.keep_to - rows.start)
            along = slice(columns.keep_from - columns.start, columns.keep_to - columns.start)
            for name, values in self._maps(part, SegDataSample(metainfo=own)).items():
                target = whole.setdefault(name, np.empty(shape, values.dtype))
                target[rows.keep_from : rows.keep_to, columns.keep_from : columns.keep_to] = values[down, along]
        if shape == size:
            return whole
        return {name: _resized(values, size) for name, values in whole.items()}


def segmentor_of(model: Any) -> Any:
    """Return the host's segmentor that predicts: the model itself, or inside of a method.

    Args:
        model: A method of this package or a plain mmseg model.
    """
    return model.branch(model.predictors[0]).segmentor if hasattr(model, 'predictors') else model


def pipeline_of_images(cfg: Config) -> List[dict]:
    """Return the steps that prepare a test image: those of the test or validation data, or ``test_pipeline``.

    Args:
        cfg: The config.

    Raises:
        UserError: It has none.
    """
    for key in ('test_dataloader', 'val_dataloader'):
        dataset = (cfg.get(key) or {}).get('dataset') or {}
        while 'pipeline' not in dataset and dataset.get('dataset'):
            dataset = dataset['dataset']
        if dataset.get('pipeline'):
            return at_image_size(dataset['pipeline'])
    if not cfg.get('test_pipeline'):
        raise UserError(f'{cfg.filename} has no test_dataloader.dataset.pipeline, which says how images are prepared.')
    return list(cfg.test_pipeline)


def _resized(values: np.ndarray, size: Tuple[int, int]) -> np.ndarray:
    """Resize a map to the image: classes by the nearest pixel, numbers bilinearly."""
    tensor = torch.from_numpy(values)[None, None]
    if values.dtype == np.uint8:
        return F.interpolate(tensor, size, mode='nearest-exact')[0, 0].numpy()
    return F.interpolate(tensor, size, mode='bilinear', align_corners=False)[0, 0].numpy()
