"""Finds what the words of a command line name: a paper, one of its tables, some of its rows, other data."""

import fnmatch
from dataclasses import replace
from typing import Optional

from ...errors import UserError
from ..matrix import DATA
from ..matrix.papers import PAPERS, Paper, PaperTable
from .cells import on_other_data


def find_paper(name: str) -> Paper:
    """Return the paper of a method.

    Raises:
        UserError: There is none; names those that there are.
    """
    if name not in PAPERS:
        raise UserError(f'there is no paper of {name!r}; there are {", ".join(PAPERS)}.')
    return PAPERS[name]


def find_table(method: str, name: str) -> PaperTable:
    """Return a table or figure of a paper.

    Raises:
        UserError: There is none; names those that there are.
    """
    tables = {table.name: table for table in find_paper(method).tables}
    if name not in tables:
        raise UserError(f'{method} has no {name!r}; it has {", ".join(tables)}.')
    return tables[name]


def choose(method: str, name: str, rows: Optional[str] = None, data: Optional[str] = None) -> PaperTable:
    """Return a table with some of its rows, on the paper's data or on others.

    Args:
        method: Folder of the method.
        name: Name of the table.
        rows: Shell pattern; rows that fit are kept, or, if none does, those that hold it.
        data: Short name of other data.

    Raises:
        UserError: Something is not known, or nothing is left; names what there is.
    """
    table = find_table(method, name)
    if rows:
        wanted = rows.lower()
        whole, within = (
            tuple(row for row in table.rows if fnmatch.fnmatchcase(row.name.lower(), pattern))
            for pattern in (wanted, f'*{wanted}*')
        )
        kept = whole or within
        if not kept:
            known = '; '.join(row.name for row in table.rows) or 'it has no rows'
            raise UserError(f'no row of {method} {name} fits {rows!r}. Rows: {known}.')
        table = replace(table, rows=kept)
    if not data:
        return table
    if data not in DATA:
        raise UserError(f'--data {data}: there are {", ".join(DATA)}.')
    moved = on_other_data(table, data)
    if not moved.columns:
        raise UserError(f'--data {data}: no row of {method} {name} has a config on it.')
    return moved
