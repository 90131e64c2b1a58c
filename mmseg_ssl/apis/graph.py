"""A trained network as one function of tensors, for torch.export and ONNX."""

import functools
import math
from typing import Any, Dict, List, Tuple

import torch
from mmcv.cnn.bricks import Conv2dAdaptivePadding
from mmseg.models.utils import resize
from torch import Tensor, nn
from torch.nn import functional as F

from ..ops import class_logits
from .network import TrainedNetwork, segmentor_of


class NetworkGraph(nn.Module):
    """From raw images to maps at their size, normalization included: nothing of mmseg is needed to run it.

    It predicts the whole image at once, also where the config's ``test_cfg`` slides a window, and resizes nothing: an
    image has to come in the size to which the config's test pipeline resizes it.

    Args:
        network: The network.
        uncertainty: Return the entropy and the network's own maps, too.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: TrainedNetwork, uncertainty: bool = False) -> None:
        super().__init__()
        model = network.model
        self.inference = model.inference_of(model.predictors[0]) if hasattr(model, 'predictors') else None
        self.parts = nn.ModuleList([segmentor_of(model)] if self.inference is None else self.inference.parts)
        self.head, self.uncertainty = segmentor_of(model).decode_head, uncertainty
        follow_sizes(self.parts)
        prepare = model.data_preprocessor
        names = ('channel_conversion', '_channel_conversion')  # of the host, and of onedl-mmengine
        self.flips = any(getattr(prepare, name, False) for name in names)
        mean, std = (getattr(prepare, name, None) for name in ('mean', 'std'))
        self.channels = 3 if mean is None else mean.numel()
        self.register_buffer('mean', torch.zeros(1, 1, 1) if mean is None else mean.clone())
        self.register_buffer('std', torch.ones(1, 1, 1) if std is None else std.clone())

    @property
    def outputs(self) -> Tuple[str, ...]:
        """Return the names of what :meth:`forward` returns, in order."""
        own = () if self.inference is None else self.inference.side_names
        return ('mask', 'probabilities', *(('uncertainty', *own) if self.uncertainty else ()))

    def forward(self, images: Tensor) -> Tuple[Tensor, ...]:
        """Predict images.

        Args:
            images: ``(B, channels, H, W)`` fp32 in 0..255; of three channels blue, green, red, as OpenCV and mmseg read
                files.

        Returns:
            ``mask`` ``(B, H, W)`` uint8, class indices; ``probabilities`` ``(B, C, H, W)``, summing to one over the
            classes; if asked for, ``uncertainty`` ``(B, H, W)`` in [0, 1] as of :class:`Segmentation`, and the
            network's own maps ``(B, H, W)``.
        """
        turned = self.flips and images.shape[1] == 3  # as the preprocessors: of others it is not said which is red
        inputs = ((images.flip(1) if turned else images) - self.mean) / self.std
        logits, own = self._maps(inputs)
        probs = class_logits(logits).softmax(dim=1)
        binary = logits.shape[1] == 1 and self.head.threshold is not None
        mask = probs[:, 1] > self.head.threshold if binary else probs.argmax(dim=1)
        found: Dict[str, Tensor] = dict(mask=mask.to(torch.uint8), probabilities=probs)
        if self.uncertainty:
            terms = probs * probs.clamp(min=torch.finfo(probs.dtype).tiny).log()  # ONNX has no operator for the entropy
            found.update(uncertainty=-terms.sum(dim=1) / math.log(probs.shape[1]), **own)
        return tuple(found[name] for name in self.outputs)

    def _maps(self, inputs: Tensor) -> Tuple[Tensor, Dict[str, Tensor]]:
        """Return the decode head's channels and the network's own maps, at the size of the input."""
        if self.inference is None:
            segmentor: Any = self.parts[0]
            logits = segmentor.decode_head(segmentor.extract_feat(inputs))
            size = inputs.shape[2:]
            return resize(logits, size=size, mode='bilinear', align_corners=segmentor.align_corners), {}
        maps = self.inference.encode_decode(inputs, [])
        names: List[str] = self.inference.side_names
        count = maps.shape[1] - len(names)
        return maps[:, :count], {name: maps[:, count + place] for place, name in enumerate(names)}


def follow_sizes(network: nn.Module) -> None:
    """Let convolutions with 'SAME' padding follow the size of the image when they are traced; values stay the same.

    mmcv rounds the size up by ``math.ceil``, which tracing takes for a constant: the padding of the traced image.

    Args:
        network: The network; its convolutions are changed in place.
    """
    for part in network.modules():
        if isinstance(part, Conv2dAdaptivePadding):
            conv: Any = part
            if all(reach >= step for reach, step in zip(_reach(conv), conv.stride)):
                conv.forward = functools.partial(_same_padding, conv)


def _reach(conv: nn.Conv2d) -> Tuple[int, ...]:
    """Return rows and columns that one output of a convolution sees."""
    return tuple(step * (size - 1) + 1 for step, size in zip(conv.dilation, conv.kernel_size))


def _same_padding(conv: nn.Conv2d, images: Tensor) -> Tensor:
    """Pad so that the output has a stride-th of the size, rounded up, and convolve; in whole numbers."""
    pads: List[int] = []
    for axis in (1, 0):  # F.pad begins with the last dimension
        pad = _reach(conv)[axis] - ((images.shape[2 + axis] - 1) % conv.stride[axis] + 1)
        pads += [pad // 2, pad - pad // 2]
    padded = F.pad(images, pads)
    return F.conv2d(padded, conv.weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)
