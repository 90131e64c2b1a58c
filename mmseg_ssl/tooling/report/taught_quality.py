"""The scores of a run on its unlabeled images, which ``tools/test.py --unlabeled`` left."""

import re
from pathlib import Path
from typing import Dict, Optional

from ..cli import read_json
from ..unlabeled_images import LIST


def quality_of(folder: Path, checkpoint: Path) -> Optional[Dict[str, float]]:
    """Read the last scores of a checkpoint on the unlabeled images of its training.

    Args:
        folder: Work dir of the training.
        checkpoint: Its checkpoint.

    Returns:
        The metrics in %, as ``mIoU`` and ``IoU.<class>``; None if it was not scored.
    """
    beside = folder.resolve().with_name(f'{folder.resolve().name}_on-unlabeled')
    scores = [path for where in (folder, beside) for path in sorted(where.rglob('*.json'))]
    for path in reversed(scores):
        if path.parent.name == path.stem and (path.parents[1] / LIST).is_file() and _tests(path, checkpoint):
            found: Dict[str, float] = read_json(path)
            return found
    return None


def _tests(path: Path, checkpoint: Path) -> bool:
    """Check if a test was one of a checkpoint, whose folder may have been moved."""
    config = path.parent / 'vis_data' / 'config.py'
    text = config.read_text(encoding='utf-8') if config.is_file() else ''
    return bool(re.search(rf"^load_from = .*\b{re.escape(checkpoint.name)}'", text, re.MULTILINE))
