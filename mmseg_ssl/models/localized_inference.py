"""Inference with a branch and a judge of its prediction."""

from typing import List

import torch
from torch import Tensor, nn

from .branch import Branch
from .inference import BranchInference
from .judge import Judge


class LocalizedInference(BranchInference):
    """Adds the map ``correctness``, the probability that a pixel's class is right, ``(1, H, W)``.

    Args:
        branch: The network that predicts.
        localizer: The judge.
    """

    def __init__(self, branch: Branch, localizer: Judge) -> None:
        super().__init__(branch)
        self.localizer = localizer
        # correctness travels as one more side map, but no head of the branch makes it
        self.head_names = self.side_names
        self.side_names = [*self.head_names, 'correctness']
        self.out_channels += 1

    def encode_decode(self, inputs: Tensor, batch_img_metas: List[dict]) -> Tensor:
        """Return the decode head's channels, the side maps and the correctness, ``(B, C + S + 1, H, W)``."""
        pred = self.branch(inputs)
        correctness = self.localizer.correctness(self.localizer(inputs, pred.logits), pred.logits)
        sides = [pred.side[name] for name in self.head_names]
        return torch.cat([self.branch.host_logits(pred), *sides, correctness[:, None].to(pred.logits)], dim=1)

    @property
    def parts(self) -> List[nn.Module]:
        """Return the modules that a prediction depends on."""
        assert isinstance(self.localizer, nn.Module)  # as all judges are, which a protocol cannot say
        return [*super().parts, self.localizer]
