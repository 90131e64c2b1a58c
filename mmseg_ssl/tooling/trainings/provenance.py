"""Provenance of a training's numbers: commits, versions and seconds of its processes, noted in its work dir."""

import json
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any, Dict, List, Optional

import mmengine
import mmseg
import torch

from ...utils.json_lines import read_json_lines
from ...utils.project_files import IS_CHECKOUT, PROJECT
from ...version import __version__

PROCESSES_FILE = 'processes.jsonl'
CODE = ('mmseg_ssl', 'tools', 'configs', ':!configs/runs.jsonl', ':!*.md')
"""Paths whose changes count as uncommitted: not the records and tables that a benchmark itself writes."""


def commit_of(root: Path = PROJECT) -> str:
    """Return the first digits of a checkout's commit, with ``+dirty`` if its code or configs were changed.

    Args:
        root: The checkout.

    Returns:
        ``'1a2b3c4d'``, ``'1a2b3c4d+dirty'``, or ``'unknown'`` where there is no git or no checkout.
    """

    if root == PROJECT and not IS_CHECKOUT:
        return 'unknown'  # an environment may lie in a checkout of something else

    def git(*words: str) -> str:
        return subprocess.run(['git', '-C', str(root), *words], capture_output=True, text=True, check=True).stdout

    try:
        changes = git('status', '--porcelain', '--', *CODE)
        return git('rev-parse', '--short=8', 'HEAD').strip() + ('+dirty' if changes else '')
    except (OSError, subprocess.CalledProcessError):
        return 'unknown'


def versions() -> Dict[str, str]:
    """Return the versions of torch, the host and this package that this Python imports."""
    host = dict(torch=torch.__version__, mmengine=mmengine.__version__, mmseg=mmseg.__version__)
    return dict(host, numpy=version('numpy'), mmseg_ssl=__version__)


def note_process(folder: Path, **entry: Any) -> None:
    """Add a line about an ended process to the notes of a work dir.

    Args:
        folder: The work dir.
        **entry: Values that :func:`read_provenance` summarizes.
    """
    path = folder / PROCESSES_FILE
    # a line that was cut off, as on a full disk, ends here
    cut_off = path.is_file() and not path.read_text(encoding='utf-8').endswith('\n')
    with open(path, 'a', encoding='utf-8') as file:
        file.write('\n' * cut_off + json.dumps(entry) + '\n')


def read_processes(folder: Path) -> List[Dict[str, Any]]:
    """Read the notes of a work dir; a truncated line is left out.

    Args:
        folder: The work dir.
    """
    return read_json_lines(folder / PROCESSES_FILE)


def read_provenance(folder: Path) -> Optional[Dict[str, Any]]:
    """Summarize the processes that made a run, including interrupted and failed ones.

    Args:
        folder: The work dir.

    Returns:
        ``digest`` and ``variant`` of the training; ``commits`` and ``versions`` of its processes; their ``cpu_seconds``
        (all threads and loader workers) and ``wall_seconds`` per step, and the ``cores`` of each. None for a run that
        ``tools/run_benchmark.py`` did not make.
    """
    processes = read_processes(folder)
    if not processes:
        return None
    last = processes[-1]
    seconds: Dict[str, Dict[str, float]] = dict(cpu_seconds={}, wall_seconds={})
    for process in processes:
        for kind, sums in seconds.items():
            sums[process['step']] = round(sums.get(process['step'], 0.0) + process[kind], 1)
    return dict(
        digest=last['digest'],
        variant=last['variant'],
        commits=list(dict.fromkeys(process['commit'] for process in processes)),
        versions=last['versions'],
        cores=last['cores'],
        processes=len(processes),
        **seconds,
    )
