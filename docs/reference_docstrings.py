"""Extension of Griffe, which reads the package for the API reference without importing it."""

from typing import Any

import griffe
from reference import link
from rst import to_markdown


class MarkdownDocstrings(griffe.Extension):
    """Rewrites each docstring as Markdown before it is taken apart into its Google sections."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite a docstring; what a package is for says its page."""
        if obj.is_module and obj.is_init_module:
            obj.docstring = None
        if obj.docstring:
            obj.docstring.value = to_markdown(obj.docstring.value, link)
