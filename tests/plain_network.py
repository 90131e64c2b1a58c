"""The plain network once more, in double precision and from its weights alone."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional

import plain
import torch
import torch.nn.functional as F
from torch import Tensor


class Said(NamedTuple):
    """Prediction of a network: logits and those of the auxiliary head at full size, its levels, its side maps."""

    logits: Tensor
    auxiliary: Optional[Tensor]
    levels: List[Tensor]
    side: Dict[str, Tensor]

    @property
    def probs(self) -> Tensor:
        return self.logits.softmax(dim=1)

    def part(self, start: int, stop: int) -> 'Said':
        """Some of the images."""
        levels, side = [level[start:stop] for level in self.levels], {k: v[start:stop] for k, v in self.side.items()}
        auxiliary = None if self.auxiliary is None else self.auxiliary[start:stop]
        return Said(self.logits[start:stop], auxiliary, levels, side)


class Network:
    """Weights by name, and what they make of images."""

    def __init__(self, weights: Dict[str, Tensor], prefix: str) -> None:
        self.weights = {name[len(prefix) :]: value for name, value in weights.items() if name.startswith(prefix)}

    def conv(self, maps: Tensor, name: str) -> Tensor:
        weight, bias = self.weights[f'{name}.weight'], self.weights[f'{name}.bias']
        return torch.einsum('oi,bihw->bohw', weight[:, :, 0, 0], maps) + bias[:, None, None]

    def levels(self, images: Tensor, train: bool, prefix: str) -> List[Tensor]:
        first = self.conv(F.avg_pool2d(images, 2), f'{prefix}first').tanh()
        if train:
            first = first - first.mean(dim=(0, 2, 3), keepdim=True) / 2
        return [first, self.conv(first, f'{prefix}second').tanh()]

    def __call__(self, images: Tensor, train: bool = True, perturb: Optional[Callable] = None) -> Said:
        """Call a branch once."""
        levels = self.levels(images, train, 'segmentor.backbone.')
        levels = perturb(levels) if perturb else levels
        logits = upsampled(self.conv(levels[1], 'segmentor.decode_head.conv_seg'))
        auxiliary = upsampled(self.conv(levels[0], 'segmentor.auxiliary_head.conv_seg'))
        side = {}
        if 'side_heads.variance.conv.weight' in self.weights:
            side['variance'] = upsampled(F.softplus(self.conv(levels[1], 'side_heads.variance.conv')).clamp(max=10))
        if 'side_heads.projection.layers.0.weight' in self.weights:
            hidden = self.conv(levels[1], 'side_heads.projection.layers.0').relu()
            side['projection'] = self.conv(hidden, 'side_heads.projection.layers.2')
        return Said(logits, auxiliary, levels, side)

    def together(self, *parts: Tensor, **options: Any) -> List[Said]:
        """Several batches in one call."""
        said, result, start = self(torch.cat(parts), **options), [], 0
        for part in parts:
            result.append(said.part(start, start + len(part)))
            start += len(part)
        return result

    def judged(self, images: Tensor, logits: Tensor, train: bool, channels: Any = 0, inputs: str = 'probs') -> Tensor:
        """Error localizer: logits of "right" from the image, the prediction and its share of the largest entropy."""
        probs = logits.detach().softmax(dim=1)
        entropy = -(probs * probs.log()).sum(dim=1, keepdim=True) / torch.tensor(float(plain.CLASSES)).double().log()
        seen = probs if inputs == 'probs' else logits.detach()
        level = self.levels(torch.cat([images, seen, entropy], dim=1), train, 'backbone.')[1]
        return upsampled(self.conv(level, 'decode_head.conv_seg'))[:, channels]


def upsampled(maps: Tensor) -> Tensor:
    return F.interpolate(maps, size=plain.SIZE, mode='bilinear', align_corners=False)
