"""Docstrings as Markdown: their Google sections stay as they are, their reStructuredText marks are rewritten.

What the docstrings use: ``:math:`` and ``.. math::``, literal blocks after ``::``, simple tables, roles such as
``:class:``, and numbered lists that are indented below their heading. Nothing here needs a package, so that the tests
can read it.
"""

import re
import textwrap
from typing import Callable, List

ROLE = re.compile(r':(?:class|func|mod|meth|attr|data):`~?([^`]+)`')
MATH = re.compile(r':math:`([^`]+)`')
BLOCK = re.compile(r'^( *)\.\. math:: *(.*(?:\n\1 +\S.*)*)(?:\n((?: *\n)*(?:\1    .*\n?)+))?', re.MULTILINE)
TABLE = re.compile(r'^((?:=+ +)+=+)\n((?:[^=\n].*\n)+)\1\n', re.MULTILINE)
LITERAL = re.compile(r'^( *)::\n\n((?:\1 +.*\n|\n)+)', re.MULTILINE)
LISTED = re.compile(r'^(\S.*)\n((?: {4}.*\n?)+)', re.MULTILINE)


def inline(text: str, link: Callable[[str], str]) -> str:
    """Rewrite roles and formulas of a text; a formula or a name may be broken over two lines.

    Args:
        text: As in the docstring.
        link: Makes Markdown of the dotted name of a role.
    """
    text = MATH.sub(lambda match: '$' + ' '.join(match[1].split()) + '$', text)
    return ROLE.sub(lambda match: link(''.join(match[1].split())), text)


def _display(match: re.Match) -> str:
    """Return a displayed formula as Markdown, its lines joined."""
    formula = ' '.join(f'{match[2]} {match[3] or ""}'.split())
    return f'\n{match[1]}$$\n{match[1]}{formula}\n{match[1]}$$\n'


def without_bars(formula: str) -> str:
    """Return a formula, or a text with formulas, for a cell of a table, which a bar would end."""
    return formula.replace(r'\|', r'\Vert ').replace('|', r'\vert ')


def _table(match: re.Match) -> str:
    """Return a simple table, which has no head, as Markdown, where it has an empty one."""
    starts = [column.start() for column in re.finditer('=+', match[1])]
    lines = ['|' + ' |' * len(starts), '|' + '---|' * len(starts)]
    for row in match[2].splitlines():
        cells = [row[start:end].strip() for start, end in zip(starts, [*starts[1:], None])]
        lines.append('| ' + ' | '.join(map(without_bars, cells)) + ' |')
    return '\n'.join(lines) + '\n'


def _literal(match: re.Match) -> str:
    """Return a literal block, such as a drawing, as a block of code."""
    lines = textwrap.dedent(match[2].rstrip('\n')).splitlines()
    return '\n'.join(match[1] + line for line in ['```text', *lines, '```']) + '\n\n'


def _unindented(match: re.Match) -> str:
    """Return a list that was indented below its heading as Markdown knows one; other blocks stay."""
    heading, block = match.groups()
    if not re.match(r' {4}1\. ', block):
        return match[0]
    lines = [line[4:] for line in block.splitlines()]
    return f'{heading}\n\n' + '\n'.join(lines) + '\n'


def to_markdown(text: str, link: Callable[[str], str]) -> str:
    """Return a docstring, without its indentation, as Markdown with Google sections."""
    text = LITERAL.sub(_literal, text)
    text = TABLE.sub(_table, text)
    text = BLOCK.sub(_display, text)
    text = LISTED.sub(_unindented, text)
    text = re.sub(r'::$', ':', text, flags=re.MULTILINE)
    text = re.sub(r'^Example:$', 'Examples:', text, flags=re.MULTILINE)  # the name of Griffe's section
    text = re.sub(r'^(Deviations from [^:\n(]*:)$', r'**\1**', text, flags=re.MULTILINE)
    return inline(text, link)


def sections(text: str, name: str) -> List[str]:
    """Return the lines of a Google section, such as ``Args``, without their indentation."""
    found = re.search(rf'^{name}:\n((?: {{4}}.*\n?|\n)+)', text, re.MULTILINE)
    return [line[4:] for line in found[1].splitlines()] if found else []
