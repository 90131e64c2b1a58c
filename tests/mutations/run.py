"""Make every small error in the methods' files, one at a time, and see whether the value tests notice.

    python tests/mutations/run.py [FILE ...] [--named] [--also]

In a temporary copy of the checkout; the checkout itself is not touched. Prints every error that no test noticed, and
the share that was noticed. A survivor is a gap in the tests, or no error at all: README.md says why for those that are
known. With ``--also``, what the value tests let through is tried on the method's other tests.
"""

import argparse
import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))

from child import compared, fails, passed  # noqa: E402
from named import named, outdated  # noqa: E402
from operators import mutants  # noqa: E402
from plan import CONTRACTS, OTHERS, PARTS, UNUSED, VALUES, methods_of, path_of  # noqa: E402


def main() -> int:
    """Run; the exit code is 0 where every error was noticed."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('files', nargs='*', help='names such as cpcl; all files of the methods if not given')
    parser.add_argument('--named', action='store_true', help='only the errors of named.py')
    parser.add_argument('--also', action='store_true', help="try survivors on the method's other tests")
    args = parser.parse_args()
    if gone := outdated(ROOT):
        raise SystemExit('\n'.join(gone))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ('mmseg_ssl', 'tests', 'projects', 'configs', 'tools'):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns('__pycache__'))
        for name in ('pyproject.toml', 'setup.py'):  # by which the package knows that it is a checkout
            shutil.copy(ROOT / name, copy)
        prepare(copy)
        return report(copy, args)


def prepare(copy: Path) -> None:
    """Import all that does not change, so that it costs no time in the children."""
    sys.path[:0] = [str(copy / path) for path in ('', 'tests', 'tests/test_models')]
    sys.dont_write_bytecode = True
    os.chdir(copy)
    importlib.import_module('mmseg_ssl')
    for test in {test for tests in VALUES.values() for test in tests}:
        importlib.import_module(f'test_{test}_values')
    importlib.import_module('torch').set_num_threads(1)
    scopes = importlib.import_module('mmengine.registry').DefaultScope
    scopes.get_instance('mutations', scope_name='mmseg')


def report(copy: Path, args: argparse.Namespace) -> int:
    """Try the errors file by file."""
    lines, left = [], 0
    for name in args.files or [*VALUES, *PARTS]:
        found, path = {'values': 0, 'others': 0, 'survived': 0}, path_of(copy, name)
        if tried(name, path, path.read_text(), args.also) != 'survived':
            raise SystemExit(f'The tests of {name} fail on the code as it is.')
        text = path.read_text()
        small = [] if args.named or name in PARTS else mutants(text, UNUSED)
        for line, what, source in [*named(name, text), *small]:
            verdict = tried(name, path, source, args.also)
            found[verdict] += 1
            if verdict != 'values':
                print(f'  {verdict}: {path.name}:{line} {what}', flush=True)
        total, left = sum(found.values()), left + found['survived']
        if total:
            lines.append(f'{name}: {found["values"]} of {total} noticed by value tests, {found["others"]} by others')
            print(lines[-1], flush=True)
    print('\n'.join(['', *lines, f'{left} survived']))
    return int(left > 0)


def tried(name: str, path: Path, source: str, also: bool) -> str:
    """Return which tests notice: ``'values'`` (contracts are among them), ``'others'``, or none: ``'survived'``."""
    text = path.read_text()
    path.write_text(source)
    try:
        if name in PARTS:
            file, *only = PARTS[name]
            return 'values' if fails(lambda: passed(['-m', 'not slow', f'tests/{file}', *only])) else 'survived'
        return tried_on_methods(name, methods_of(path), also)
    finally:
        path.write_text(text)


def tried_on_methods(name: str, methods: List[str], also: bool) -> str:
    """As :func:`tried`, of a method's file or a part of methods as it is now."""
    keyword = ' or '.join(methods) or ('MeanTeacher' if name == 'base' else '')  # one method stands for the base
    chosen = ['-k', keyword] if keyword else []
    others = [f'tests/test_models/{test}.py' for test in OTHERS.get(name, ('test_scribble_methods',))]
    if fails(lambda: compared(VALUES[name], methods)):
        return 'values'
    if chosen and fails(lambda: passed([*CONTRACTS, *chosen])):
        return 'values'
    if also and (fails(lambda: passed(others)) or fails(lambda: passed(['tests/contracts', *chosen]))):
        return 'others'
    return 'survived'


if __name__ == '__main__':
    sys.exit(main())
