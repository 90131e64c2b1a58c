"""Provenance of a training's numbers: commits, versions and seconds of its processes, noted in its work dir."""

import json
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any, Dict, List, Optional

import mmengine
import mmseg
import torch

from ...version import __version__

FILE = 'processes.jsonl'
ROOT = Path(__file__).resolve().parents[3]
CODE = ('mmseg_ssl', 'tools', 'configs', ':!configs/runs.jsonl', ':!*.md')
"""What makes a commit another one: not the records and tables that a benchmark itself writes."""


def commit_of(root: Path = ROOT) -> str:
    """First digits of the commit of a checkout, with ``+dirty`` if its code or configs are not those of the commit.

    Args:
        root: The checkout.

    Returns:
        ``'1a2b3c4d'``, ``'1a2b3c4d+dirty'``, or ``'unknown'`` where there is no git or no checkout.
    """

    def git(*words: str) -> str:
        return subprocess.run(['git', '-C', str(root), *words], capture_output=True, text=True, check=True).stdout

    try:
        changes = git('status', '--porcelain', '--', *CODE)
        return git('rev-parse', '--short=8', 'HEAD').strip() + ('+dirty' if changes else '')
    except (OSError, subprocess.CalledProcessError):
        return 'unknown'


def versions() -> Dict[str, str]:
    """Versions of torch, the host and this package, as this Python imports them."""
    host = dict(torch=torch.__version__, mmengine=mmengine.__version__, mmseg=mmseg.__version__)
    return dict(host, numpy=version('numpy'), mmseg_ssl=__version__)


def note_process(folder: Path, **entry: Any) -> None:
    """Add a line on a process that ended to the notes of a work dir.

    Args:
        folder: The work dir.
        **entry: What :func:`read_provenance` sums up.
    """
    with open(folder / FILE, 'a', encoding='utf-8') as file:
        file.write(f'{json.dumps(entry)}\n')


def read_processes(folder: Path) -> List[Dict[str, Any]]:
    """Read the notes of a work dir; a line that was cut off is left out.

    Args:
        folder: The work dir.
    """
    path = folder / FILE
    lines = path.read_text(encoding='utf-8').splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines if line.endswith('}')]


def read_provenance(folder: Path) -> Optional[Dict[str, Any]]:
    """Sum up the processes that made a run: interrupted and failed ones, too.

    Args:
        folder: The work dir.

    Returns:
        ``digest`` and ``variant`` of the training; the ``commits`` and ``versions`` of its processes; their
        ``cpu_seconds`` (all threads and loader workers) and ``wall_seconds`` by step, ``cores`` that each had. None of
        a run that ``tools/run_benchmark.py`` did not make.
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
