"""HTML pages from the templates of this package; a page needs no other file and no network."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ..utils.atomic_files import replace_file
from ..version import __version__
from .cli import UserError

GENERATOR = f'mmseg_ssl {__version__}'
MARK = b'<meta name="generator" content="mmseg_ssl '
"""What every page of this package has near its beginning, and other files have not."""


def render(template: str, **values: Any) -> str:
    """Fill in a template; every value is escaped, so text of a user is never markup.

    Args:
        template: File in ``mmseg_ssl/tooling/templates``.
        **values: What it reads.

    Raises:
        jinja2.UndefinedError: It reads something else.
    """
    loader = PackageLoader('mmseg_ssl.tooling')
    pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return pages.get_template(template).render(generator=GENERATOR, **values)


def write_page(path: Path, page: str) -> None:
    """Write a page, over an older page of this package, but over no other file.

    Args:
        path: The file; folders above it are made.
        page: HTML of :func:`render`.

    Raises:
        UserError: Something else is there.
    """
    require_free(path)
    replace_file(path, page.encode('utf-8'))


def require_free(path: Path) -> None:
    """Raise an error if a page cannot be written because something else is there.

    Raises:
        UserError: A folder, or a file that is no page of this package.
    """
    if path.is_dir() or (path.is_file() and MARK not in path.read_bytes()[:2000]):
        raise UserError(f'{path} exists and is no page of mmseg_ssl, so it stays. Give another file as --out.')
