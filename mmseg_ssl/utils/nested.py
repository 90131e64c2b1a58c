"""Iteration over nested configs."""

from typing import Any, Iterator


def nested_dicts(config: Any) -> Iterator[dict]:
    """Yield every dict in a config, outer ones first.

    Args:
        config: Nested dicts, lists and tuples.
    """
    if isinstance(config, dict):
        yield config
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for item in config:
            yield from nested_dicts(item)
