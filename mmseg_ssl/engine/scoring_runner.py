"""A runner that scores a checkpoint and leaves the work dir of its training as it is."""

import os.path as osp
from typing import Any


class KeepConfig:
    """Mixin of a runner: the config in the work dir, which later tools read, stays that of the training.

    What was scored with is in ``vis_data/config.py`` of the log.
    """

    work_dir: str
    cfg: Any

    def dump_config(self) -> None:
        """Write the config, if none of its name is there."""
        if not osp.isfile(osp.join(self.work_dir, osp.basename(self.cfg.filename or ''))):
            super().dump_config()  # type: ignore[misc]
