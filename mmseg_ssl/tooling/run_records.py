"""Records of runs, one JSON object a line: what tables need of a run, kept when its work dir is gone."""

import json
from pathlib import Path
from typing import Any, Dict, List

from ..utils.atomic_files import alone_in, replace_file
from .cli import UserError
from .run_logs import Run, identity


def read_records(path: Path) -> List[Run]:
    """Read a file of records; none if it is not there.

    Raises:
        UserError: A line is no record.
    """
    lines = path.read_text(encoding='utf-8').splitlines() if path.is_file() else []
    runs = []
    for number, line in enumerate(lines, start=1):
        try:
            run = Run(**json.loads(line))
        except (TypeError, ValueError) as error:
            raise UserError(
                f'{path}, line {number} is no record of a run ({error}): take the line out, and give tools/results.py '
                'the work dir of that run again.'
            ) from error
        runs.append(run._replace(options=tuple(run.options)))
    return runs


def add_records(path: Path, runs: List[Run]) -> List[Run]:
    """Add runs to a file of records, each in place of an older record of the same run.

    Args:
        path: The file; it is made if it is not there, and replaced in one step, by one process at a time.
        runs: What was read from work dirs.

    Returns:
        All runs of the file now.

    Raises:
        UserError: A line of the file is no record; it is left as it is.
    """
    with alone_in(path.resolve().parent):
        known = {identity(run): run for run in [*read_records(path), *runs]}
        # in an order of their own, so that two branches that add runs rarely touch the same line
        kept = sorted(known.values(), key=lambda run: tuple(map(str, identity(run))))
        replace_file(path, ''.join(f'{json.dumps(_record(run))}\n' for run in kept).encode())
    return kept


def _record(run: Run) -> Dict[str, Any]:
    """What a line holds; what older runs do not have only where a run has it, so that their lines stay as they are."""
    record = run._asdict()
    return {key: value for key, value in record.items() if key not in ('data', 'provenance') or value is not None}
