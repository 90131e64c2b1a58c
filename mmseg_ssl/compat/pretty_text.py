"""Patch of the host's text of a config, see :mod:`mmseg_ssl.compat`."""

from typing import Any, Callable, Dict, Tuple


def patch_pretty_text() -> None:
    """Format a config once, not in every checkpoint.

    mmengine formats the whole config by yapf for the log, for ``<work_dir>/<config>.py`` and for the meta of every
    checkpoint, 0.1 to 0.2 s each time. The text follows from the content, which takes a millisecond to write down.
    """
    from mmengine.config import Config

    if Config.pretty_text.fget.__module__ != __name__:
        Config.pretty_text = property(once_per_content(Config.pretty_text.fget))


def once_per_content(format_config: Callable[[Any], str]) -> Callable[[Any], str]:
    """Return a function that formats a config only if its content is not that of the last one."""
    last: Dict[Tuple[str, bool], str] = {}

    def pretty_text(config: Any) -> str:
        content = repr(config.to_dict()), config._format_python_code
        if content not in last:
            text = format_config(config)
            last.clear()  # one run has one config
            last[content] = text
        return last[content]

    return pretty_text
