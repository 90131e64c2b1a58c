"""The command ``mmseg-ssl``: every tool as a sub-command, with the tool's own options.

``mmseg-ssl train CONFIG`` is ``python tools/train.py CONFIG``: the same file runs, found in the checkout or in the
installed package.
"""

import ast
import difflib
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

from ..utils.project_files import IS_CHECKOUT, TOOLS
from ..version import __version__

SHORT = dict(check='check_dataset', export='export_segmentor')
"""Shorter names of some tools."""
OF_THE_CHECKOUT = ('make_configs',)
"""Tools that write the project's own files."""


def find_tools() -> Dict[str, Path]:
    """Return the files of the tools by the names of their sub-commands: ``make-splits``."""
    files = {path.stem: path for path in sorted(TOOLS.glob('*.py')) if IS_CHECKOUT or path.stem not in OF_THE_CHECKOUT}
    return {name.replace('_', '-'): path for name, path in files.items()}


def overview(tools: Dict[str, Path]) -> str:
    """Return the list of the sub-commands, each with the first sentence of its tool."""
    width = max(map(len, tools))
    lines = [f'  {name:{width}}  {_summary(path)}' for name, path in tools.items()]
    short = ', '.join(f'{name} = {tool.replace("_", "-")}' for name, tool in SHORT.items())
    usage = 'usage: mmseg-ssl COMMAND ...    (mmseg-ssl COMMAND --help for its options)'
    return '\n'.join([usage, '', *lines, '', short])


def main(argv: Optional[List[str]] = None) -> None:
    """Run the tool that the first word names with the words behind it.

    Args:
        argv: The words; of the command line if not given.
    """
    words, tools = sys.argv[1:] if argv is None else argv, find_tools()
    name = words[0] if words else '--help'
    if name in ('-h', '--help', '--version'):
        print(f'mmseg_ssl {__version__}' if name == '--version' else overview(tools))
        return
    command = SHORT.get(name, name).replace('_', '-')
    if command not in tools:
        near = difflib.get_close_matches(name, [*tools, *SHORT], n=1)
        hint = f'did you mean {near[0]}?' if near else 'mmseg-ssl --help lists them.'
        print(f'error: there is no command {name}; {hint}', file=sys.stderr)
        sys.exit(2)
    sys.argv = [f'mmseg-ssl {name}', *words[1:]]  # what argparse calls the program
    tool = _load(tools[command])
    with tool.readable_errors():
        tool.main(words[1:])


def _load(path: Path) -> Any:
    """Load a tool as a module; runpy would call the program by its file."""
    spec = importlib.util.spec_from_file_location(f'mmseg_ssl_{path.stem}', path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _summary(path: Path) -> str:
    """Return the first sentence of a tool's docstring, without its command line."""
    text = ' '.join((ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))) or '').split('\n\n')[0].split())
    return re.split(r': ``|; |\. |\.$|, for |: ', text)[0]


if __name__ == '__main__':
    main()
