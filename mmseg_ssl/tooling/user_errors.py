"""Tells errors that a user can fix from bugs, and shows them as one message with exit code 2 instead of a traceback."""

import argparse
import linecache
import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Iterator, List, Optional, Tuple

from ..errors import DatasetError, NetworkError, UnsafeFileError, UserError
from ..utils.project_files import PACKAGE, TOOLS

DELIBERATE = (ValueError, TypeError, KeyError, AssertionError, ImportError, NotImplementedError)
LONGEST = 600
"""Longest line of a message in characters: the host's messages may contain a whole config."""
Line = Tuple[FrameType, int]


def add_debug_option(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--debug``, which :func:`readable_errors` looks for."""
    parser.add_argument('--debug', action='store_true', help='show the traceback of every error')


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn errors that a user can fix into a message on stderr and exit code 2; all others keep their traceback.

    :func:`user_message` decides. With ``--debug`` on the command line, the traceback is always shown. Where ``head`` or
    a pager has read enough of the output, the tool ends without a word, with the exit code of SIGPIPE.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes the rest when it ends
            sys.exit(128 + 13)
        message = user_message(error)
        if message is None:
            raise
        if '--debug' in sys.argv:
            sys.excepthook(type(error), error, error.__traceback__)
        print(f'\nerror: {message}', file=sys.stderr)
        sys.exit(2)


def _nobody_reads() -> bool:
    """Check if standard output is a pipe that was closed; a worker's broken pipe is another matter."""
    try:
        print(flush=True)  # what was not written may be gone, so there has to be something
    except BrokenPipeError:
        return True
    return False


def user_message(error: BaseException) -> Optional[str]:
    """Return the message of an error that the user can fix, or ``None`` if it looks like a bug.

    The user can fix: errors made for this purpose (:class:`UserError`, ``DatasetError``, ``NetworkError``,
    ``UnsafeFileError``), errors of files and folders (``OSError``), any ``raise`` or ``assert`` about the config while
    something is built from it, and a ``raise`` of this package with one of the types in ``DELIBERATE``. Errors that
    Python itself raises during a computation, and all errors of torch, count as bugs.

    Args:
        error: The error.

    Returns:
        The message.
    """
    if isinstance(error, (UserError, DatasetError, NetworkError, UnsafeFileError)):
        return _own_words(error)
    hint = '\nRun again with --debug for the traceback.'
    if isinstance(error, OSError):
        return f'{_own_words(error)}{hint}'
    lines = _traceback_lines(error)
    if lines and _is_missing_setting(lines[-1]):
        return f'the config lacks a setting: {_own_words(error)}{hint}'
    if not isinstance(error, DELIBERATE) or not lines:
        return None
    what, building = _own_words(error), _being_built(lines)
    if isinstance(error, AssertionError) and what.startswith('failed to load image'):  # the host's, in any process
        return f'{what}\nIt is damaged or not an image: remove or replace it.'
    if building and (_on_purpose(lines[-1]) or _wrong_arguments(error)):
        return f'{building}: {what or _source_text(lines[-1])}{hint}'
    if _is_ours(lines[-1]) and _on_purpose(lines[-1]):
        return f'{what}{hint}'
    return None


def _traceback_lines(error: BaseException) -> List[Line]:
    """List the frames of the traceback, each with its line number, the innermost last."""
    found, trace = [], error.__traceback__
    while trace is not None:
        found.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return found


def _being_built(lines: List[Line]) -> str:
    """Name the innermost ``type`` that a registry is building, or the config in the Runner; '' if nothing is built."""
    building = ''
    for frame, _ in lines:
        code = frame.f_code
        if code.co_name == '__init__' and code.co_filename.endswith('runner.py') and 'mmengine' in code.co_filename:
            building = building or 'the config'
        elif code.co_name == 'build_from_cfg' and 'mmengine' in code.co_filename:
            kind = frame.f_locals.get('obj_type', '')
            building = f'type={kind!r}' if isinstance(kind, str) else f'type={getattr(kind, "__name__", kind)}'
    return building


def _source_text(line: Line) -> str:
    return linecache.getline(line[0].f_code.co_filename, line[1]).strip()


def _on_purpose(line: Line) -> bool:
    """Check if the error was raised on purpose, so that its message is meant for a reader."""
    return _source_text(line).startswith(('raise ', 'assert '))


def _is_missing_setting(line: Line) -> bool:
    """Check if a setting was read that the config does not have."""
    code = line[0].f_code
    return code.co_name in ('__getattr__', '__missing__') and code.co_filename.endswith('mmengine/config/config.py')


def _wrong_arguments(error: BaseException) -> bool:
    """Check if a constructor got unknown arguments, or too few."""
    return isinstance(error, TypeError) and bool(re.search(r'unexpected keyword|required \S+ argument', str(error)))


def _is_ours(line: Line) -> bool:
    path = Path(line[0].f_code.co_filename).resolve()
    return PACKAGE in path.parents or TOOLS in path.parents


def _own_words(error: BaseException) -> str:
    """Return the message, without the traceback that a worker of a DataLoader puts into it."""
    text = error.args[0] if isinstance(error, KeyError) and len(error.args) == 1 else str(error)
    text = str(text)
    if text.startswith('Caught ') and 'Original Traceback' in text:
        found = list(re.finditer(rf'^(?:[\w.]+\.)?{type(error).__name__}: ', text, re.MULTILINE))
        text = text[found[-1].end() :].rstrip() if found else text
    return '\n'.join(line if len(line) <= LONGEST else f'{line[:LONGEST]}...' for line in text.splitlines())
