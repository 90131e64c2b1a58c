"""Imports run one way, from rooms that know nothing to those that know everything; files and functions are short."""

import ast
from pathlib import Path
from typing import Dict, Iterator, Set

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'mmseg_ssl'
FLOORS = (
    ('version', 'errors'),
    ('utils',),
    ('compat',),
    ('structures',),
    ('ops',),
    ('targets', 'models/losses'),
    ('visualization', 'models', 'datasets'),
    ('evaluation',),
    ('engine',),
    ('apis',),
    ('__init__',),
    ('tooling',),
)
"""A room imports from its own floor and from those above it in this list."""
PURE = ('ops', 'targets', 'models/losses')
ALLOWED_IN_PURE = ('torch', 'mmseg_ssl', 'numpy', 'scipy', 'maxflow', 'triton', 'mmengine.dist', 'mmseg.registry')
"""Beside torch: graphs of an image, kernels, means over processes, and the registry, for losses that configs choose."""
PATCHES = {('compat/heads', 'ops'), ('compat/seg_data_list', 'datasets')}
"""Imports inside of functions that go up: what a patch of the host puts in its place."""


def floor_of(module: str) -> int:
    """Number of the floor of ``models/losses/energy``; of several rooms that fit the most special."""
    fitting = {
        room: number
        for number, rooms in enumerate(FLOORS)
        for room in rooms
        if module == room or module.startswith(f'{room}/')
    }
    assert fitting, f'{module} is in no room: add it to FLOORS'
    return fitting[max(fitting, key=len)]


def imports_of(path: Path) -> Iterator[str]:
    """Absolute dotted names that a file imports, at its top or inside of functions."""
    package = path.relative_to(ROOT).with_suffix('').parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            start = '.'.join([*base, *([node.module] if node.module else [])])
            yield from (f'{start}.{alias.name}' for alias in node.names)


def module_of(name: str) -> str:
    """Return the file of a dotted name of this package, without suffix, seen from the package."""
    parts = name.split('.')[1:]
    while parts:
        if (PACKAGE.joinpath(*parts).with_suffix('.py')).is_file() or PACKAGE.joinpath(*parts).is_dir():
            return '/'.join(parts)
        parts.pop()
    return '__init__'


def graph() -> Dict[str, Set[str]]:
    """Files of the package -> what they import of it."""
    files = {path.relative_to(PACKAGE).with_suffix('').as_posix(): path for path in PACKAGE.rglob('*.py')}
    return {
        name: {module_of(one) for one in imports_of(path) if one.split('.')[0] == 'mmseg_ssl'}
        for name, path in files.items()
    }


def test_no_import_runs_up():
    wrong = [
        f'{name} imports {other}'
        for name, others in graph().items()
        for other in others
        if floor_of(other) > floor_of(name) and (name, other.split('/')[0]) not in PATCHES
    ]
    assert not wrong, wrong


def in_circles(imports: Dict[str, Set[str]]) -> list:
    """Files that import each other, directly or through others, and those that import them."""
    left = {name: others & set(imports) - {name} for name, others in imports.items()}
    while free := {name for name, others in left.items() if not others}:
        left = {name: others - free for name, others in left.items() if name not in free}
    return sorted(left)


def test_no_import_runs_in_a_circle():
    files = graph()
    assert (
        in_circles({name: {f'{one}/__init__' if one not in files else one for one in files[name]} for name in files})
        == []
    )
    assert in_circles({'a': {'b'}, 'b': {'c'}, 'c': {'b'}, 'd': set()}) == ['a', 'b', 'c']


def test_pure_layers_import_torch_and_each_other():
    wrong = [
        f'{path.relative_to(ROOT)} imports {name}'
        for room in PURE
        for path in sorted((PACKAGE / room).rglob('*.py'))
        for name in imports_of(path)
        if not any(f'{name}.'.startswith(f'{allowed}.') for allowed in ALLOWED_IN_PURE)
        and not _is_of_the_language(name)
    ]
    assert not wrong, wrong


def _is_of_the_language(name: str) -> bool:
    import sys

    return name.split('.')[0] in sys.stdlib_module_names


def test_nothing_imports_the_tools():
    assert not [name for name, others in graph().items() if not name.startswith('tooling') and 'tooling' in str(others)]


def test_files_and_functions_are_short():
    """At most 200 and 40 lines, docstrings of functions left out; a Triton kernel cannot be cut in two."""
    for path in [*PACKAGE.rglob('*.py'), *(ROOT / 'tools').glob('*.py')]:
        text = path.read_text()
        assert len(text.splitlines()) <= 200, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and path.stem != 'fused_kernels':
                said = len((ast.get_docstring(node, clean=False) or '').splitlines())
                assert node.end_lineno - node.lineno + 1 - said <= 40, (path, node.name)
