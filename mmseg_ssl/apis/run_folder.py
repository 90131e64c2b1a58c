"""Finds config and checkpoint of a run."""

from pathlib import Path
from typing import NamedTuple, Optional, Union

from ..engine.resume import is_complete, numbered_checkpoints
from ..errors import UserError
from ..utils.last_checkpoint import LAST_CHECKPOINT, named_by


class RunFiles(NamedTuple):
    """Files that a trained network is loaded from."""

    config: Path
    checkpoint: Path


def find_run(run: Union[str, Path], checkpoint: Union[str, Path, None] = None) -> RunFiles:
    """Find config and checkpoint of a trained network.

    Args:
        run: The work dir of a training or a folder that ``tools/export_segmentor.py`` wrote; or a config, which needs
            ``checkpoint``; or a checkpoint that lies beside its config.
        checkpoint: The checkpoint. Default: the last of the run.

    Returns:
        Both files.

    Raises:
        UserError: One is missing, or a folder holds several configs.
    """
    run = Path(run)
    if run.suffix == '.pth':
        run, checkpoint = run.parent, run if checkpoint is None else checkpoint
    if run.is_file():
        config = run
    elif run.is_dir():
        config = _only_config(run)
    else:
        raise UserError(f'there is no run {run}. Give the work dir of a training, or its config with a checkpoint.')
    found = Path(checkpoint) if checkpoint is not None else _last_checkpoint(config.parent if run.is_dir() else None)
    if found is None:
        raise UserError(f'{run} holds no complete checkpoint. Let the training end, or name one as the checkpoint.')
    if not found.is_file():
        raise UserError(f'there is no checkpoint {found}.')
    return RunFiles(config, found)


def _only_config(folder: Path) -> Path:
    """Return the config that a training or an export left in its folder."""
    configs = sorted(folder.glob('*.py'))
    if not configs:
        raise UserError(f'{folder} holds no config (*.py), so it is not the work dir of a training.')
    if len(configs) > 1:
        names = ', '.join(path.name for path in configs)
        raise UserError(f'{folder} holds several configs ({names}). Give one of them, and a checkpoint.')
    return configs[0]


def _last_checkpoint(folder: Optional[Path]) -> Optional[Path]:
    """Return the last checkpoint of a work dir, or the only one of an export."""
    if folder is None:
        return None
    noted = named_by(folder / LAST_CHECKPOINT)
    if noted is not None and is_complete(noted):
        return noted
    newest = next(filter(is_complete, numbered_checkpoints(folder)), None)
    others = sorted(folder.glob('*.pth'))
    return newest or (others[0] if len(others) == 1 else None)
