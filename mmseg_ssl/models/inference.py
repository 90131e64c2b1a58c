"""Inference with a branch, or several: the host's whole image or sliding window, for logits and side maps at once."""

from typing import List, Optional

import torch
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from .branch import Branch


class BranchInference:
    """Runs the host's inference code over a branch, or over the mean of several.

    Side maps travel as extra channels behind the logits, so a window is predicted once, averaged like the logits and
    un-padded, un-flipped and resized like them.

    Args:
        branch: The network that predicts.
        *others: More networks of the same make; logits and side maps are then means over all of them.
    """

    inference = EncoderDecoder.inference
    slide_inference = EncoderDecoder.slide_inference
    whole_inference = EncoderDecoder.whole_inference

    def __init__(self, branch: Branch, *others: Branch) -> None:
        self.branch, self.branches = branch, (branch, *others)
        self.test_cfg = branch.segmentor.test_cfg
        self.align_corners = branch.align_corners
        self.side_names = [name for name, head in branch.side_heads.items() if getattr(head, 'per_pixel', False)]
        # the host's sliding window allocates its result by this number
        self.out_channels = branch.segmentor.out_channels + len(self.side_names)

    def encode_decode(self, inputs: Tensor, batch_img_metas: List[dict]) -> Tensor:
        """Return the decode head's channels and the side maps, ``(B, C + S, H, W)``."""
        return self._mean(inputs, self.side_names)

    def logits(self, inputs: Tensor) -> Tensor:
        """Return the decode head's channels alone, ``(B, C, H, W)``."""
        return self._mean(inputs, [])

    def _mean(self, inputs: Tensor, side_names: List[str]) -> Tensor:
        first, *others = (self._maps(branch, inputs, side_names) for branch in self.branches)
        return sum(others, first) / len(self.branches) if others else first

    def _maps(self, branch: Branch, inputs: Tensor, side_names: List[str]) -> Tensor:
        pred = branch(inputs)
        return torch.cat([branch.host_logits(pred), *(pred.side[name] for name in side_names)], dim=1)

    @property
    def parts(self) -> List[nn.Module]:
        """Return the modules that a prediction depends on."""
        return [*self.branches]

    def predict(self, inputs: Tensor, samples: Optional[List[SegDataSample]]) -> List[SegDataSample]:
        """Predict images.

        Args:
            inputs: ``(B, 3, H, W)``, normalized.
            samples: Their samples, which are not changed; made if not given.

        Returns:
            Samples with ``pred_sem_seg``, ``seg_logits`` and a map of each per-pixel side head under its name. Of a
            decode head with one channel, the host's ``seg_logits`` are the probability of class 1, ``(1, H, W)``.
        """
        shape = tuple(inputs.shape[2:])
        no_meta = dict(ori_shape=shape, img_shape=shape, pad_shape=shape, padding_size=[0] * 4)
        metas = [sample.metainfo for sample in samples] if samples else [no_meta] * len(inputs)
        maps = self.inference(inputs, metas)
        num_logits = self.branch.segmentor.out_channels
        finish = self.branch.segmentor.postprocess_result
        results = finish(maps[:, :num_logits], _copies(samples))
        for index, name in enumerate(self.side_names):
            # two equal channels: a single one would be taken for a binary logit
            channel = num_logits + index
            for result, side in zip(results, finish(maps[:, [channel, channel]], _copies(samples))):
                result.set_data({name: PixelData(data=side.seg_logits.data[:1])})
        return results


def _copies(samples: Optional[List[SegDataSample]]) -> Optional[List[SegDataSample]]:
    """Copy samples but not their data: the host writes its results into the samples that it gets."""
    return None if samples is None else [sample.new() for sample in samples]
