"""Records of runs, one JSON object per line: everything that tables need, even after the work dir is deleted."""

import json
from pathlib import Path
from typing import Any, Dict, List

from ..utils.atomic_files import alone_in, replace_file
from .cli import UserError
from .run_logs import Run, identity


def read_records(path: Path) -> List[Run]:
    """Read a file of records; a missing file has none.

    Raises:
        UserError: A line is not a record.
    """
    lines = path.read_text(encoding='utf-8').splitlines() if path.is_file() else []
    runs = []
    for number, line in enumerate(lines, start=1):
        try:
            run = Run(**json.loads(line))
        except (TypeError, ValueError) as error:
            raise UserError(
                f'{path}, line {number} is not a record of a run ({error}): remove the line, and give tools/results.py '
                'the work dir of that run again.'
            ) from error
        runs.append(run._replace(options=tuple(run.options)))
    return runs


def add_records(path: Path, runs: List[Run]) -> List[Run]:
    """Add runs to a file of records, each in place of an older record of the same run.

    Args:
        path: The file; it is made if it does not exist, and replaced in one step, by one process at a time.
        runs: Runs from work dirs.

    Returns:
        All runs that the file now holds.

    Raises:
        UserError: A line of the file is not a record; the file is not changed.
    """
    with alone_in(path.resolve().parent):
        known = {identity(run): run for run in [*read_records(path), *runs]}
        # sorted, so that two branches that add runs rarely touch the same line
        kept = sorted(known.values(), key=lambda run: tuple(map(str, identity(run))))
        replace_file(path, ''.join(f'{json.dumps(_record(run))}\n' for run in kept).encode())
    return kept


def _record(run: Run) -> Dict[str, Any]:
    """Return the content of a line, without the fields that older runs lack, so that their lines do not change."""
    record = run._asdict()
    return {key: value for key, value in record.items() if key not in ('data', 'provenance') or value is not None}
