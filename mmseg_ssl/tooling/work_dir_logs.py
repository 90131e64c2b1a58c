"""Reads what a training logged into its work dir."""

import json
import re
import statistics
from pathlib import Path
from typing import Any, Dict, List, Optional

from ..utils.json_lines import read_json_lines


def logged_scalars(training: Path) -> List[Dict[str, float]]:
    """Return everything that the processes of a training logged, in order.

    Args:
        training: Its work dir.
    """
    logs = sorted(training.glob('*/vis_data/scalars.json'))
    return [entry for log in logs for entry in read_json_lines(log)]


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
    text = ''.join(log.read_text() for log in sorted(training.glob('*/*.log'))[-1:])
    patterns = (r'^\s+GPU [\d,]+: (.+)$', r'CPU capability usage: (\w+)', r'PyTorch: (\S+)')
    gpu, simd, torch = (re.search(pattern, text, re.M) for pattern in patterns)
    device = gpu.group(1) if gpu else f'CPU ({simd.group(1)})' if simd else 'unknown'
    return f'{device}, PyTorch {torch.group(1) if torch else "unknown"}'
