"""A real Chromium without a window, for tests of pages."""

import shutil
from contextlib import contextmanager
from typing import Any, Iterator, List

import pytest

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')


@contextmanager
def open_page(address: str, width: int, height: int = 900) -> Iterator[Any]:
    """Open a page; at the end, fail if its console or a request had an error.

    Skips the test where there is no playwright, or no Chromium on the path.

    Args:
        address: ``file:`` or ``http:``.
        width: Of the window, in CSS pixels.
        height: Of the window.

    Yields:
        playwright's page, loaded.
    """
    api = pytest.importorskip('playwright.sync_api', reason='pages are tried with playwright: pip install playwright')
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f'no Chromium on the path (Debian: apt-get install chromium); looked for {", ".join(NAMES)}')
    errors: List[str] = []
    with api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program)
        page = browser.new_page(viewport=dict(width=width, height=height))
        page.on('console', lambda said: errors.append(said.text) if said.type in ('error', 'warning') else None)
        page.on('pageerror', lambda error: errors.append(str(error)))
        page.on('requestfailed', lambda request: errors.append(request.url[:200]))
        page.goto(address)
        page.wait_for_load_state()
        yield page
        browser.close()
    assert not errors, errors


def require_readable(page: Any) -> None:
    """Fail if a picture did not load, the page scrolls sideways, or text is too small to read."""
    broken = page.evaluate('[...document.images].filter(one => one.src && !one.naturalWidth).map(one => one.alt)')
    assert not broken, broken
    assert page.evaluate('document.documentElement.scrollWidth') <= page.viewport_size['width']
    small = page.evaluate(
        """[...document.querySelectorAll('body *')].filter(one => one.offsetParent &&
            [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()) &&
            parseFloat(getComputedStyle(one).fontSize) < 11).map(one => one.outerHTML.slice(0, 80))"""
    )
    assert not small, small
