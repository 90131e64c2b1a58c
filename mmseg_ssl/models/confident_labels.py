"""Labels of FixMatch and UniMatch: the argmax where a prediction is confident."""

import inspect
from functools import partial
from typing import Callable, Dict, Optional, Union

import torch
from torch import Tensor, nn

from .. import targets
from ..ops import masked_mean
from ..structures import PixelTarget
from ..targets import confident
from ..utils.choices import one_of
from .threshold import build_threshold


class ConfidentLabels(nn.Module):
    r"""The likeliest class of every pixel, with weight :math:`1[\max_c p_{ic} \ge \tau]`.

    Args:
        threshold: :math:`\tau` in ``[0, 1]``; or the config of a threshold that learns,
            ``dict(type='AdaptiveThreshold')``.
        target: Another labeling in place of the argmax: name (in :mod:`mmseg_ssl.targets`) and options of a
            function of the probabilities, e.g. ``dict(type='fuzzy_topk', k=2)``. The threshold still decides which
            pixels count; 0 leaves that to the target's own weights.
    """

    def __init__(self, threshold: Union[float, dict], target: Optional[dict] = None) -> None:
        super().__init__()
        self.threshold = build_threshold(threshold)
        self.target = target_function(target) if target else None

    def forward(self, probs: Tensor, valid: Tensor) -> PixelTarget:
        """Label a view; a threshold that learns follows the batch here.

        Args:
            probs: ``(B, C, H, W)``, summing to one over dim 1; no gradient is taken.
            valid: ``(B, H, W)`` bool, which pixels are image.

        Returns:
            The labels; weight 0 on padding and where the confidence is below the threshold.
        """
        with torch.no_grad():
            # also for other labels: their pixels are chosen by the confidence of the argmax
            target = confident(probs, self.threshold(probs, valid))
            if self.target is not None:
                target = self.target(probs).reweight(target.weight)
            return target.reweight(valid)

    def logs(self, target: PixelTarget, valid: Tensor) -> Dict[str, Tensor]:
        """Return the share of pixels that teach, and the threshold if it learns, to be logged."""
        logs = {'unsup.kept': masked_mean((target.weight > 0).float(), over=valid)}
        if isinstance(self.threshold.value, Tensor):
            logs['unsup.threshold'] = self.threshold.value.clone()
        return logs


def target_function(config: dict) -> Callable[[Tensor], PixelTarget]:
    """Look up a pure function of the probabilities by its name and options.

    Args:
        config: ``type``, the name of a function in :mod:`mmseg_ssl.targets` that returns a target, and its options
            beside ``probs``.

    Returns:
        The function of ``(B, C, H, W)`` probabilities.

    Raises:
        ValueError: If there is no such function, or it does not take these options alone or these values.

    Example:
        >>> target_function(dict(type='confident', threshold=0.95))(probs)
    """
    if not isinstance(config, dict):
        raise ValueError(f'target is a name with options: write target=dict(type={config!r}, ...).')
    options = dict(config)
    name = options.pop('type', None)
    known = {each: getattr(targets, each) for each in targets.__all__}
    # others return votes, thresholds or probabilities, which are no target
    labelings = [each for each, one in known.items() if inspect.signature(one).return_annotation is PixelTarget]
    function = known[one_of(labelings, **{'target.type, a function of mmseg_ssl.targets,': name})]
    try:
        # of one pixel, so that an option fails when the model is built
        function(torch.full((1, 2, 1, 1), 0.5), **options)
    except (TypeError, AttributeError) as error:
        raise ValueError(
            f'target: {name}{inspect.signature(function)} cannot be called with the probabilities and {options}: '
            f'{error}.'
        ) from error
    return partial(function, **options)
