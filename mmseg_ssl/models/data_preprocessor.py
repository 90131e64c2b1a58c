"""Turns collated crops into the views that the methods name, all on the device."""

from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from ..errors import NetworkError
from ..ops.colors import three_channels
from ..structures import Scribbles
from ..utils import sample_uniforms
from .batch_checks import BatchError, check_channels, check_masks, check_sizes, check_views
from .sample_pixels import scribbled_classes, scribbled_pixels, valid_pixels

STRONG_VIEW = 1
"""Key of the random numbers that make strong views; view number k uses ``STRONG_VIEW + k``."""


@MODELS.register_module()
class SemiDataPreProcessor(SegDataPreProcessor):
    """Moves, stacks, normalizes and pads every view, and makes the strong ones from ``weak``.

    In::

        {'inputs': {'sup': [(3, H, W) uint8] * B, 'weak': [...] * rB}, 'data_samples': {'sup': [...], 'weak': [...]}}

    Out, in training::

        {'inputs': {'sup': (B, 3, H, W), 'weak': (rB, 3, H, W), 'strong': (rB, 3, H, W)}, 'data_samples': the same}

    Strong views share the geometry and the samples of ``weak``. Padding is 0 after normalization (255 in the mask) and
    not part of the image, which ``img_shape`` of a sample tells, see :func:`valid_pixels`; :func:`scribbled_pixels`
    tells scribbled, unlabeled and void pixels apart. Inputs other than a dict of views (validation, inference) go
    through the host's preprocessor; in training they are those of an ordinary dataset and become the view ``sup``.
    Images have any number of channels, ``mean`` and ``std`` as many values.

    Args:
        strong: Config of the strong augmentation, e.g. ``dict(type='StrongAugment')``, or a dict by view name of such
            configs; none by default.
        channels_last: Lay batches out channels-last, which about doubles the speed of convolutions under bfloat16 (on
            CPUs, and on GPUs with tensor cores); the networks follow the layout of their input.
        mean: Mean of each channel, to be subtracted; without it nothing is normalized.
        std: Standard deviation of each channel, to divide by.
        **kwargs: As for ``SegDataPreProcessor``; ``size`` or ``size_divisor`` says how crops are padded.
    """

    def __init__(
        self,
        strong: Optional[dict] = None,
        channels_last: bool = False,
        mean: Optional[Sequence[float]] = None,
        std: Optional[Sequence[float]] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(mean or ()) != len(std or ()):
            raise NetworkError(f'data_preprocessor: mean and std have as many values each, got {mean} and {std}.')
        self._enable_normalize = mean is not None
        if self._enable_normalize:  # not by the host: onedl-mmengine takes one or three values
            self.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1), False)
            self.register_buffer('std', torch.tensor(std).view(-1, 1, 1), False)
        # onedl-mmsegmentation keeps it under another name
        self.channel_conversion = bool(kwargs.get('bgr_to_rgb') or kwargs.get('rgb_to_bgr'))
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        configs = {'strong': strong} if strong is None or 'type' in strong else strong
        augments = {name: MODELS.build(cfg) for name, cfg in configs.items() if cfg}
        self.strong = torch.nn.ModuleDict(augments)
        self.num_uniforms = {name: augment.num_uniforms for name, augment in augments.items()}

    def forward(self, data: Dict[str, Any], training: bool = False) -> Dict[str, Any]:
        """Make the views of a batch.

        Args:
            data: A batch of the collate function.
            training: Make strong views.

        Returns:
            A dict with ``inputs`` and ``data_samples``.
        """
        if not isinstance(data['inputs'], dict):
            if not training:
                return self._one_view(data)
            # an ordinary dataset has labeled images alone, and a method reads views
            data = {key: dict(sup=value) for key, value in data.items()}
        check_views(data['inputs'])
        data = self.cast_data(data)
        inputs, samples = {}, data['data_samples']
        # one size for all views: methods merge them in one network call
        size = self._padded_size([image for images in data['inputs'].values() for image in images])
        for view, images in data['inputs'].items():
            check_channels(images, samples[view], getattr(self, 'mean', None))
            if view == 'sup' and training:
                check_masks(samples[view])
            raw, valid = self._stack(images, samples[view], size)
            inputs[view] = self._normalize(raw, valid)
            if view == 'weak' and training:
                for number, (name, augment) in enumerate(self.strong.items()):
                    count, purpose = self.num_uniforms[name], STRONG_VIEW + number
                    uniforms = sample_uniforms(samples['weak'], count, purpose, raw.device)
                    inputs[name] = self._normalize(augment(raw, uniforms), valid)
        return dict(inputs=inputs, data_samples=samples)

    def _one_view(self, data: Dict[str, Any]) -> Dict[str, Any]:
        """Preprocess for inference as the host does, but pad images of several sizes to one, each by itself."""
        images, samples = data['inputs'], data.get('data_samples')
        check_channels(images, samples, getattr(self, 'mean', None))
        if len({image.shape for image in images}) > 1:
            check_sizes(images, samples, (self.test_cfg or {}).get('size'))
            pairs = zip(images, data['data_samples'])
            # one by one: outside of training the host refuses a batch of several sizes
            singles = [dict(inputs=[image], data_samples=[sample]) for image, sample in pairs]
            parts = [super(SemiDataPreProcessor, self).forward(single) for single in singles]
            inputs, samples = torch.cat([part['inputs'] for part in parts]), [part['data_samples'][0] for part in parts]
        else:
            inputs, samples = super().forward(data).values()
        return dict(inputs=inputs.contiguous(memory_format=self.layout), data_samples=samples)

    def _stack(
        self, images: List[Tensor], samples: List[SegDataSample], size: Tuple[int, int]
    ) -> Tuple[Tensor, Tensor]:
        """Pad and stack: raw RGB images (B, 3, H, W) in 0..255 and a mask of what is not padding (B, 1, H, W)."""
        for image, sample in zip(images, samples):
            height, width = image.shape[1:]
            sample.set_metainfo(dict(img_shape=(height, width), pad_shape=size))
            if 'unlabeled_mask' in sample:
                sample.set_data(dict(unlabeled_mask=PixelData(data=_pad(sample.unlabeled_mask.data, size, 0))))
        labeled = [sample for sample in samples if 'gt_sem_seg' in sample]
        masks = [_pad(sample.gt_sem_seg.data, size, self.seg_pad_val) for sample in labeled]
        if masks:
            # the host's losses take int64; it travels as uint8 and grows on the device
            for sample, mask in zip(labeled, torch.stack(masks).long()):
                del sample.gt_sem_seg.data
                sample.gt_sem_seg.data = mask
        raw = torch.stack([_pad(image, size, 0) for image in images]).float()
        if self.channel_conversion and raw.shape[1] == 3:  # as the host: of other images it is not said which is red
            raw = raw.flip(1)
        return raw, valid_pixels(samples, raw)[:, None]

    def _normalize(self, raw: Tensor, valid: Tensor) -> Tensor:
        images = (raw - self.mean) / self.std if self._enable_normalize else raw
        return (images * valid).contiguous(memory_format=self.layout)

    def denormalize(self, images: Tensor) -> Tensor:
        """Undo the normalization, for what is computed from colors.

        Args:
            images: ``(B, 3, H, W)``, normalized.

        Returns:
            ``(B, 3, H, W)`` fp32, exactly the whole numbers 0..255 that came in; the mean color on padding.
        """
        return (images * self.std + self.mean).round() if self._enable_normalize else images

    def scribbles(self, images: Tensor, samples: List[SegDataSample]) -> Scribbles:
        """Return colors, seeds, valid pixels and the images' classes of a scribbled view.

        Args:
            images: ``(B, 3, H, W)``, normalized.
            samples: Their samples.

        Returns:
            Colors (gray of one channel, the first three of four), seeds, valid pixels and classes.
        """
        colors = three_channels(self.denormalize(images))
        return Scribbles(colors, *scribbled_pixels(samples, images), scribbled_classes(samples, images.device))

    def _padded_size(self, images: List[Tensor]) -> Tuple[int, int]:
        height, width = (max(image.shape[dim] for image in images) for dim in (1, 2))
        if self.size is not None:
            if height > self.size[0] or width > self.size[1]:
                raise BatchError(
                    f'A crop of {(height, width)} does not fit the data_preprocessor size '
                    f'{tuple(self.size)}. Give RandomCrop and data_preprocessor the same size.'
                )
            return self.size[0], self.size[1]
        divisor = self.size_divisor or 1
        return -(-height // divisor) * divisor, -(-width // divisor) * divisor


def _pad(values: Tensor, size: Tuple[int, int], fill: int) -> Tensor:
    return F.pad(values, (0, size[1] - values.shape[-1], 0, size[0] - values.shape[-2]), value=fill)
