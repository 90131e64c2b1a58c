"""Which errors are the user's to mend, and how a tool shows them: one line and exit code 2 in place of a traceback."""

import argparse
import linecache
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Iterator, List, Optional, Tuple

from ..errors import DatasetError, NetworkError, UnsafeFileError, UserError

PACKAGE = Path(__file__).resolve().parents[1]
TOOLS = PACKAGE.parent / 'tools'
DELIBERATE = (ValueError, TypeError, KeyError, AssertionError, ImportError, NotImplementedError)
LONGEST = 600
"""Characters of a line: the host's messages may hold a whole config."""
Line = Tuple[FrameType, int]


def add_debug_option(parser: argparse.ArgumentParser) -> None:
    """Give a tool ``--debug``, which :func:`readable_errors` looks for."""
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error that is yours to mend')


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn errors of the user's making into their message on stderr and exit code 2; anything else stays a traceback.

    :func:`user_message` says which these are. With ``--debug`` on the command line their traceback is shown, too.
    """
    try:
        yield
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        if '--debug' in sys.argv:
            sys.excepthook(type(error), error, error.__traceback__)
        print(f'\nerror: {message}', file=sys.stderr)
        sys.exit(2)


def user_message(error: BaseException) -> Optional[str]:
    """Say what the user did wrong, or ``None`` if the error looks like a bug.

    The user's are: the errors made for this (:class:`UserError`, ``DatasetError``, ``NetworkError``,
    ``UnsafeFileError``), files and folders (``OSError``), and what the registries or a ``raise`` or ``assert`` of
    anybody's says about the config while something is built from it; also a ``raise`` of this package with one of these
    types, anywhere. What Python itself raises in the midst of a computation, and every error of torch's, is a bug until
    somebody has looked.

    Args:
        error: The error.

    Returns:
        What is shown.
    """
    if isinstance(error, (UserError, DatasetError, NetworkError, UnsafeFileError)):
        return _own_words(error)
    hint = '\nRun again with --debug for the traceback.'
    if isinstance(error, OSError):
        return f'{_own_words(error)}{hint}'
    lines = _lines(error)
    if lines and _is_missing_setting(lines[-1]):
        return f'the config lacks a setting: {_own_words(error)}{hint}'
    if not isinstance(error, DELIBERATE) or not lines:
        return None
    what, building = _own_words(error), _being_built(lines)
    if isinstance(error, AssertionError) and what.startswith('failed to load image'):  # the host's, of any process
        return f'{what}\nIt is damaged or no image: remove or replace it.'
    if building and (_on_purpose(lines[-1]) or _wrong_arguments(error)):
        return f'{building}: {what or _source(lines[-1])}{hint}'
    if _is_ours(lines[-1]) and _on_purpose(lines[-1]):
        return f'{what}{hint}'
    return None


def _lines(error: BaseException) -> List[Line]:
    """Frames of the traceback with the line in each, the innermost last."""
    found, trace = [], error.__traceback__
    while trace is not None:
        found.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return found


def _being_built(lines: List[Line]) -> str:
    """The innermost ``type`` that a registry is building, or that it is the Runner; '' if nothing is being built."""
    building = ''
    for frame, _ in lines:
        code = frame.f_code
        if code.co_name == '__init__' and code.co_filename.endswith('runner.py') and 'mmengine' in code.co_filename:
            building = building or 'the config'
        elif code.co_name == 'build_from_cfg' and 'mmengine' in code.co_filename:
            kind = frame.f_locals.get('obj_type', '')
            building = f'type={kind!r}' if isinstance(kind, str) else f'type={getattr(kind, "__name__", kind)}'
    return building


def _source(line: Line) -> str:
    return linecache.getline(line[0].f_code.co_filename, line[1]).strip()


def _on_purpose(line: Line) -> bool:
    """Whether somebody wrote the error down, so that its message is meant for whoever reads it."""
    return _source(line).startswith(('raise ', 'assert '))


def _is_missing_setting(line: Line) -> bool:
    """Whether somebody asked a config for what it does not have."""
    code = line[0].f_code
    return code.co_name in ('__getattr__', '__missing__') and code.co_filename.endswith('mmengine/config/config.py')


def _wrong_arguments(error: BaseException) -> bool:
    """Whether a constructor was given what it does not take."""
    return isinstance(error, TypeError) and bool(re.search(r'unexpected keyword|required \S+ argument', str(error)))


def _is_ours(line: Line) -> bool:
    path = Path(line[0].f_code.co_filename).resolve()
    return PACKAGE in path.parents or TOOLS in path.parents


def _own_words(error: BaseException) -> str:
    """The message, without the traceback that a worker of a DataLoader sends along."""
    text = error.args[0] if isinstance(error, KeyError) and len(error.args) == 1 else str(error)
    text = str(text)
    if text.startswith('Caught ') and 'Original Traceback' in text:
        found = list(re.finditer(rf'^(?:[\w.]+\.)?{type(error).__name__}: ', text, re.MULTILINE))
        text = text[found[-1].end() :].rstrip() if found else text
    return '\n'.join(line if len(line) <= LONGEST else f'{line[:LONGEST]}...' for line in text.splitlines())
