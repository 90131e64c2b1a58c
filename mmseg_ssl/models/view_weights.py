"""Weights of the views that a method is taught on."""

from typing import Dict, Optional

STRONG = ('strong1', 'strong2')
"""The two strong views of UniMatch."""


def weights_by_view(given: Optional[Dict[str, float]], defaults: Dict[str, float]) -> Dict[str, float]:
    """Fill in the weights of views that are not given.

    Raises:
        ValueError: If a view is unknown.
    """
    unknown = set(given or {}) - set(defaults)
    if unknown:
        raise ValueError(f'view_weights are those of {tuple(defaults)}, got {sorted(unknown)}.')
    return dict(defaults, **(given or {}))
