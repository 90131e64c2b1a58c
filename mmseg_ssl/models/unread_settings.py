"""Settings of a segmentor that the host takes, and that then do nothing."""

import difflib
from typing import Any, Mapping

from torch import nn

from ..errors import NetworkError

TEST_SETTINGS = ('mode', 'crop_size', 'stride', 'subdivision_steps', 'subdivision_num_points', 'scale_factor')
"""Settings of ``test_cfg`` that the host reads."""


def check_test_cfg(test_cfg: Mapping[str, Any]) -> None:
    """Refuse settings of the inference that the host would leave unread, or miss at the first validation.

    Args:
        test_cfg: ``model.segmentor.test_cfg``; empty for a network that only labels.

    Raises:
        NetworkError: One is misspelled, or missing.
    """
    one = test_cfg.get('mode') if test_cfg else 'whole'
    if one not in ('whole', 'slide'):
        raise NetworkError(f'model.segmentor.test_cfg.mode is "whole" or "slide", got {one!r}.')
    for key in test_cfg:
        near = difflib.get_close_matches(key, TEST_SETTINGS, n=1, cutoff=0.7)
        if key not in TEST_SETTINGS and near:
            raise NetworkError(f'model.segmentor.test_cfg has no {key}, which nothing reads; did you mean {near[0]}?')
    missing = [key for key in ('crop_size', 'stride') if one == 'slide' and key not in test_cfg]
    if missing:
        raise NetworkError(
            f'model.segmentor.test_cfg.mode="slide" needs {" and ".join(missing)}, too: the size of a window, and the '
            'step to the next one, each (height, width).'
        )


def check_loss_names(name: str, head: nn.Module) -> None:
    """Refuse a loss whose name lacks "loss": the host sums what has it in its key, and only logs the rest.

    Args:
        name: Of the head in the config.
        head: The head.

    Raises:
        NetworkError: There is one.
    """
    found: Any = getattr(head, 'loss_decode', None)
    for one in found if isinstance(found, nn.ModuleList) else [found]:
        key = getattr(one, 'loss_name', 'loss')
        if 'loss' not in key:
            raise NetworkError(
                f'{name}.loss_decode has loss_name={key!r}: without "loss" in it, it is logged and trains nothing. '
                f"Write loss_name='loss_{key}'."
            )
