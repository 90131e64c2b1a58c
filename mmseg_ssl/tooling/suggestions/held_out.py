"""The images that a run is scored on: a training that learned from them would be refused."""

from typing import Dict, Sequence

from mmengine.config import Config

from ...datasets.apply_split import image_paths
from ...datasets.checks.check import build_set
from ...datasets.same_files import find_copies
from ...datasets.sources import require_data
from ...errors import DatasetError


def held_out(cfg: Config) -> Dict[str, str]:
    """List the images of val and test.

    Args:
        cfg: Config of a training.

    Returns:
        Path -> ``'val'`` or ``'test'``; without sets whose folders are not on this machine.

    Raises:
        DatasetError: A set whose folders are there cannot be built.
    """
    found: Dict[str, str] = {}
    built = []
    for role in ('val', 'test'):
        loader = cfg.get(f'{role}_dataloader')
        if not loader or loader['dataset'] in built:
            continue
        built.append(loader['dataset'])
        try:
            require_data(loader['dataset'])
        except DatasetError:  # what is not here lies in no folder of candidates
            continue
        for path in image_paths(build_set(f'{role}_dataloader.dataset', loader['dataset'])):
            found.setdefault(path, role)
    return found


def copies_of(held: Dict[str, str], files: Sequence[str]) -> Dict[str, str]:
    """Return which files are images of val or test, or copies of them: file -> ``'val'`` or ``'test'``.

    Copies are told as :class:`DataSummaryHook` tells them when it refuses a training: by content, whatever the name.

    Args:
        held: See :func:`held_out`.
        files: Paths.
    """
    return {file: held[path] for file, path in find_copies(files, held).items()}
