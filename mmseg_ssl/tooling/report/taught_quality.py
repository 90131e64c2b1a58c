"""The scores of a run on its unlabeled images, which ``tools/test.py --unlabeled`` left."""

from pathlib import Path
from typing import Dict, Optional

from ..cli import read_json
from ..unlabeled_images import LIST
from ..work_dir_logs import tests_of


def quality_of(folder: Path, checkpoint: Path) -> Optional[Dict[str, float]]:
    """Read the last scores of a checkpoint on the unlabeled images of its training.

    Args:
        folder: Work dir of the training.
        checkpoint: Its checkpoint.

    Returns:
        The metrics in %, as ``mIoU`` and ``IoU.<class>``; None if it was not scored.
    """
    beside = folder.resolve().with_name(f'{folder.resolve().name}_on-unlabeled')
    for path in tests_of(checkpoint, [folder, beside]):
        if (path.parents[1] / LIST).is_file():
            found: Dict[str, float] = read_json(path)
            return found
    return None
