"""Labels of FARCLUSS: the classes that a teacher hesitates between."""

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..targets import fuzzy_cumulative, fuzzy_topk
from ..utils.choices import one_of

FUZZY_MODES = ('hard', 'topk', 'cumulative', 'full')


@MODELS.register_module()
class FuzzyLabels(nn.Module):
    """Soft labels of the likeliest classes of every pixel.

    Args:
        mode: ``'topk'`` (:func:`fuzzy_topk`), ``'cumulative'`` (:func:`fuzzy_cumulative`), ``'hard'`` (argmax) or
            ``'full'`` (the teacher's whole distribution).
        k: Classes that ``'topk'`` keeps, at least 1; all of them where there are fewer.
        mass: Share of the probability that ``'cumulative'`` keeps, in ``(0, 1]``.

    Raises:
        ValueError: If an option is unknown or out of its range.
    """

    def __init__(self, mode: str = 'topk', k: int = 3, mass: float = 0.9) -> None:
        super().__init__()
        self.mode = one_of(FUZZY_MODES, mode=mode)
        self.k, self.mass = k, mass
        nothing = torch.full((1, 2, 1, 1), 0.5)  # a wrong option fails now, not in the first step
        fuzzy_topk(nothing, k), fuzzy_cumulative(nothing, mass)

    def forward(self, probs: Tensor) -> Tensor:
        """Label every pixel.

        Args:
            probs: ``(B, C, H, W)``, summing to one over dim 1.

        Returns:
            ``(B, C, H, W)``, summing to one over dim 1, without a gradient.
        """
        if self.mode == 'cumulative':
            return fuzzy_cumulative(probs, self.mass).label
        # hard and full are the ends of the same scale
        kept = dict(hard=1, topk=self.k, full=probs.shape[1])[self.mode]
        return fuzzy_topk(probs, kept).label
