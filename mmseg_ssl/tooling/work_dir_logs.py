"""Reads what a training logged into its work dir."""

import json
import re
import statistics
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from ..utils.json_lines import read_json_lines

SCALARS, SETTINGS = Path('vis_data', 'scalars.json'), Path('vis_data', 'config.py')
"""In a log folder: what was logged, and the config of the process."""


def training_logs(training: Path) -> List[Path]:
    """Return the log folders of a training's processes, in order.

    A work dir may have those of tests, too, and of earlier trainings, whose checkpoints are overwritten: they are left
    out. A process that resumed belongs to the training before it.

    Args:
        training: Its work dir.

    Returns:
        Its folders ``<work dir>/<time>``.
    """
    places = [path.parent for path in sorted(training.glob('*/vis_data'))]
    own = [place for place in places if (place / 'data.json').is_file()]
    # older versions wrote no data.json; a test writes its metrics
    own = own or [place for place in places if not (place / f'{place.name}.json').is_file()]
    # one that ended before it logged anything has overwritten no checkpoint
    new = [number for number, place in enumerate(own) if _has_scalars(place) and not _resumed(place)]
    return own[new[-1] :] if new else own


def training_settings(training: Path) -> List[Path]:
    """Return the configs of a training's processes, in order, as far as they are there.

    Args:
        training: Its work dir.
    """
    return [place / SETTINGS for place in training_logs(training) if (place / SETTINGS).is_file()]


def tests_of(checkpoint: Path, folders: Sequence[Path]) -> List[Path]:
    """Find the metrics of a checkpoint's tests, the latest first.

    Args:
        checkpoint: The checkpoint, in the work dir of its training, which may have been moved since.
        folders: Where to look, with all folders below.

    Returns:
        Files ``<test>/<time>/<time>.json``, without those from before the training: they are of another one, whose
        checkpoint had the same name.
    """
    begin = min((place.name for place in training_logs(checkpoint.parent)), default='')
    found = [path for folder in folders for path in folder.rglob('*.json') if path.parent.name == path.stem >= begin]
    loads = re.compile(rf"^load_from = .*\b{re.escape(checkpoint.name)}'", re.MULTILINE)
    return sorted((path for path in found if loads.search(_settings(path.parent))), key=lambda path: path.stem)[::-1]


def logged_scalars(training: Path) -> List[Dict[str, float]]:
    """Return everything that the processes of a training logged, in order.

    Args:
        training: Its work dir.
    """
    return [entry for place in training_logs(training) for entry in read_json_lines(place / SCALARS)]


def training_cost(logged: List[Dict[str, float]]) -> Dict[str, Optional[float]]:
    """Return time per step and peak memory of a training; None if they were not logged.

    Args:
        logged: Of :func:`logged_scalars`.

    Returns:
        ``step_ms``, the median without waiting for data, and ``memory_mb``.
    """
    steps = [entry for entry in logged if 'loss' in entry]
    times = [entry['time'] - entry.get('data_time', 0) for entry in steps if 'time' in entry]
    peaks = [entry.get('memory', entry.get('peak_rss')) for entry in steps]
    known = [peak for peak in peaks if peak is not None]
    return dict(step_ms=1000 * statistics.median(times) if times else None, memory_mb=max(known, default=None))


def data_summary_of(training: Path) -> Optional[Dict[str, Any]]:
    """Return the counts of a training's images; None for runs of older versions, which did not write them.

    Args:
        training: Its work dir.
    """
    written = sorted(training.glob('*/data.json'))
    return json.loads(written[-1].read_text()) if written else None


def hardware_of(training: Path) -> str:
    """Return device and torch version of a run, from the environment in its log.

    Args:
        training: Its work dir.
    """
    text = ''.join(log.read_text() for place in training_logs(training)[-1:] for log in place.glob('*.log'))
    patterns = (r'^\s+GPU [\d,]+: (.+)$', r'CPU capability usage: (\w+)', r'PyTorch: (\S+)')
    gpu, simd, torch = (re.search(pattern, text, re.M) for pattern in patterns)
    device = gpu.group(1) if gpu else f'CPU ({simd.group(1)})' if simd else 'unknown'
    return f'{device}, PyTorch {torch.group(1) if torch else "unknown"}'


def _has_scalars(place: Path) -> bool:
    return (place / SCALARS).is_file()


def _resumed(place: Path) -> bool:
    return bool(re.search('^resume = True$', _settings(place), re.MULTILINE))


def _settings(place: Path) -> str:
    """Return the text of the config in a log folder; '' if it is not there."""
    path = place / SETTINGS
    return path.read_text(encoding='utf-8') if path.is_file() else ''
