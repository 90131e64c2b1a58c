"""Tables of options, read from constructors and functions without running them: name, default, and docstring."""

import ast
import functools
import inspect
import re
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Tuple, Union

from rst import inline, sections, to_markdown, without_bars

PACKAGE = Path(__file__).resolve().parents[1] / 'mmseg_ssl'
Definition = Union[ast.ClassDef, ast.FunctionDef]
FORMULA = re.compile(r'\$[^$]+\$')
INHERITED = re.compile(r'^As for :class:`(\w+)`')


class Option(NamedTuple):
    """One argument of a constructor; ``default`` is source text, empty where there is none."""

    name: str
    default: str
    meaning: str
    is_tensor: bool


@functools.lru_cache(maxsize=None)
def definitions() -> Dict[str, Tuple[Path, Definition]]:
    """All classes and functions of the package by name, with their files."""
    found = {}
    for path in sorted(PACKAGE.rglob('*.py')):
        for node in ast.parse(path.read_text(encoding='utf-8')).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                found[node.name] = (path, node)
    return found


def docstring(name: str) -> str:
    """Return the docstring of a class or function, without its indentation."""
    return inspect.cleandoc(ast.get_docstring(definitions()[name][1]) or '')


def meanings(name: str) -> Dict[str, str]:
    """Return what a docstring says of each argument, on one line; "as for" another class is looked up there."""
    said: Dict[str, str] = {}
    current = ''
    for line in sections(docstring(name), 'Args'):
        head = re.match(r'(\*{0,2}\w+): (.*)', line)
        if head:
            current, said[head[1]] = head[1], head[2]
        elif current:
            said[current] += f' {line.strip()}'
    for option, text in said.items():
        other = INHERITED.match(text)
        if other and option in meanings(other[1]):
            rest = '' if text[other.end() :].startswith((',', '.')) else text[other.end() :]
            said[option] = meanings(other[1])[option].rstrip('.') + (rest or '.')
    return {option: text.strip() for option, text in said.items()}


def options(name: str) -> List[Option]:
    """Arguments of a class's constructor in their order, of its parent's where it has none of its own; of a function
    those that have a default and are no tensors.

    Raises:
        KeyError: Nothing in the package has the name.
        StopIteration: Neither the class nor a parent has a constructor.
    """
    node = definitions()[name][1]
    if isinstance(node, ast.FunctionDef):
        return [option for option in _arguments(node, meanings(name)) if option.default and not option.is_tensor]
    own = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == '__init__']
    if not own:
        return options(next(base.id for base in node.bases if isinstance(base, ast.Name) and base.id in definitions()))
    return _arguments(own[0], meanings(name))[1:]


def _arguments(function: ast.FunctionDef, said: Dict[str, str]) -> List[Option]:
    arguments = function.args
    defaults = [None] * (len(arguments.args) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [*zip(arguments.args, defaults), *zip(arguments.kwonlyargs, arguments.kw_defaults)]
    return [
        Option(
            argument.arg,
            ast.unparse(default) if default is not None else '',
            said.get(argument.arg, ''),
            argument.annotation is not None and 'Tensor' in ast.unparse(argument.annotation),
        )
        for argument, default in pairs
    ]


def table(name: str, link: Callable[[str], str]) -> str:
    """Write the table of options of a class, or of a function that a config's options go to.

    Args:
        name: Class or function of the package.
        link: Makes Markdown of the name of another class.
    """
    lines = ['| option | default | meaning |', '|---|---|---|']
    for option in options(name):
        default = f'`{option.default}`' if option.default else 'required'
        meaning = FORMULA.sub(lambda match: without_bars(match[0]), inline(option.meaning, link))
        lines.append(f'| `{option.name}` | {default} | {meaning} |')
    return '\n'.join(lines)


def deviations(name: str, link: Callable[[str], str]) -> str:
    """Return what a class's docstring says under "Deviations", as Markdown; empty if it says nothing."""
    found = re.search(r'^Deviations from .*', docstring(name), re.MULTILINE | re.DOTALL)
    text = to_markdown(found[0] + '\n', link) if found else ''
    # the heading of the page says as much
    return re.sub(r'^\*\*Deviations from the paper:\*\*\n', '', text).replace('**', '')


def equation(name: str, link: Callable[[str], str]) -> str:
    """Return the first displayed formula of a class's docstring, as Markdown.

    Raises:
        ValueError: There is none.
    """
    found = re.search(r'^\$\$\n.*\n\$\$$', to_markdown(docstring(name), link), re.MULTILINE)
    if not found:
        raise ValueError(f'{place(name)}: the docstring of {name} has no displayed formula.')
    return found[0]


def place(name: str) -> str:
    """Path of the file of a class or function, from the root of the project."""
    return definitions()[name][0].relative_to(PACKAGE.parent).as_posix()
