"""What the files of a run say: curves, counts, cost, warnings, config."""

import math
import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from mmengine.config import Config

from ...apis import find_run
from ..trainings.provenance import read_provenance
from ..work_dir_logs import data_summary_of, hardware_of, logged_scalars, training_cost, training_logs

Curve = List[Tuple[int, float]]
"""Iteration and value, in order."""
Curves = Dict[str, Curve]
COST = ('time', 'data_time', 'memory', 'peak_rss', 'iter', 'step', 'epoch')
WARNING = re.compile(r'^[\d/]+ [\d:]+ - mmengine - WARNING - ((?:Data: |\d+ labeled image).+)$', re.MULTILINE)
LOOKED_AT = re.compile(r'^[\d/]+ [\d:]+ - mmengine - INFO - Data looked at: (.+)$', re.MULTILINE)


class RunContent(NamedTuple):
    """What a run left, without its images."""

    name: str  # of its work dir
    folder: Path
    config: Path
    checkpoint: Path
    cfg: Config
    validation: Curves  # mIoU of each network by its log key, in %
    losses: Curves  # 'loss', and its terms
    others: Curves  # everything else that was logged
    cost: Dict[str, Optional[float]]  # step_ms, memory_mb
    hardware: str
    data: Optional[Dict[str, Any]]  # of data.json
    looked_at: List[str]  # a line per set of images
    warnings: List[str]  # about the data
    provenance: Optional[Dict[str, Any]]
    has_logs: bool = True  # of the training, whatever they say

    @property
    def logger_interval(self) -> int:
        """Return the iterations between two lines of losses; the host's are 10 unless the config says so."""
        logger: Any = (self.cfg.get('default_hooks') or {}).get('logger') or {}
        return int(logger.get('interval', 10))

    @property
    def length(self) -> int:
        """Return the iterations of the run; 0 if neither its checkpoint nor its config says it."""
        return self.iterations or self.planned or 0

    @property
    def is_short(self) -> bool:
        """Return whether the run ended before its logger had a line to write."""
        return self.has_logs and 0 < self.length < self.logger_interval

    @property
    def iterations(self) -> Optional[int]:
        """Return the iteration of the checkpoint, or None if its name does not say it."""
        number = re.fullmatch(r'(?:iter|best.*iter)_(\d+)', self.checkpoint.stem)
        return int(number.group(1)) if number else None

    @property
    def planned(self) -> Optional[int]:
        """Return the iterations that the config asks for."""
        return (self.cfg.get('train_cfg') or {}).get('max_iters')


def read_run(run: str, checkpoint: Optional[str] = None) -> RunContent:
    """Read the files of a run.

    Args:
        run: Work dir, as ``tools/train.py`` writes it.
        checkpoint: Another checkpoint than the last.

    Raises:
        UserError: It is no work dir, or has no complete checkpoint.
    """
    files = find_run(run, checkpoint)
    folder, logged = files.checkpoint.parent, logged_scalars(files.checkpoint.parent)
    curves = curves_of(logged)
    logs = [path for place in training_logs(folder) for path in sorted(place.glob('*.log'))]
    texts = [path.read_text(encoding='utf-8', errors='replace') for path in logs]
    return RunContent(
        name=folder.resolve().name,
        folder=folder,
        config=files.config,
        checkpoint=files.checkpoint,
        cfg=Config.fromfile(str(files.config)),
        validation={key: curve for key, curve in curves.items() if key.split('/')[-1] == 'mIoU'},
        losses={key: curve for key, curve in curves.items() if 'loss' in key},
        others={key: curve for key, curve in curves.items() if 'loss' not in key and not key.endswith('mIoU')},
        cost=training_cost(logged),
        hardware=hardware_of(folder),
        data=data_summary_of(folder),
        looked_at=_distinct(LOOKED_AT, texts[-1:]),
        warnings=_distinct(WARNING, texts),
        provenance=read_provenance(folder),
        has_logs=bool(texts or logged),
    )


def curves_of(logged: List[Dict[str, float]]) -> Curves:
    """Sort what was logged by its key.

    Args:
        logged: Entries with a ``step``; of two at one step, as an interrupted run has them, the later one counts.

    Returns:
        Key -> curve, without NaN and infinity.
    """
    found: Dict[str, Dict[int, float]] = {}
    for entry in logged:
        for key, value in entry.items():
            if key not in COST and 'step' in entry and isinstance(value, (int, float)) and math.isfinite(value):
                found.setdefault(key, {})[int(entry['step'])] = float(value)
    return {key: sorted(points.items()) for key, points in found.items()}


def _distinct(pattern: 're.Pattern[str]', texts: List[str]) -> List[str]:
    """Return what is found in logs, once, in order."""
    return list(dict.fromkeys(found.strip() for text in texts for found in pattern.findall(text)))
