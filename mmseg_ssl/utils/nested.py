"""Walking through configs."""

from typing import Any, Iterator


def nested_dicts(config: Any) -> Iterator[dict]:
    """Every dict in a config, outer ones first.

    Args:
        config: Dicts, lists and tuples of anything.
    """
    if isinstance(config, dict):
        yield config
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for item in config:
            yield from nested_dicts(item)
