"""Pictures of predictions, one file per image."""

import os
from pathlib import Path
from typing import Any, Optional, Sequence

import mmcv
from mmengine import fileio
from mmengine.runner import Runner
from mmengine.visualization import LocalVisBackend
from mmseg.engine.hooks import SegVisualizationHook
from mmseg.registry import HOOKS
from mmseg.structures import SegDataSample

from ..utils.image_names import image_root, name_of_image


@HOOKS.register_module()
class SemiVisualizationHook(SegVisualizationHook):
    """The host's hook, without overwriting pictures where several folders have images of the same name.

    A picture is named as in the host, ``test_<file>_<step>.png``, and lies in the image's subfolder. It shows the mask,
    if there is one, and the first network's prediction.
    """

    _root: Optional[str] = None

    def before_val(self, runner: Runner) -> None:
        """Find the folder of the images."""
        self._root = image_root(runner.val_dataloader.dataset) if self.draw else None

    def before_test(self, runner: Runner) -> None:
        """Find the folder of the images."""
        self._root = image_root(runner.test_dataloader.dataset) if self.draw else None

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Draw a batch of the validation, if it is time."""
        self._draw(runner, batch_idx, outputs, 'val')

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Draw a batch of the test, if it is time."""
        self._draw(runner, batch_idx, outputs, 'test')

    def _draw(self, runner: Runner, batch_idx: int, outputs: Sequence[SegDataSample], mode: str) -> None:
        if not self.draw or not self.every_n_inner_iters(batch_idx, self.interval):
            return
        for output in outputs:
            path = output.metainfo['img_path']
            image: Any = mmcv.imfrombytes(fileio.get(path, backend_args=self.backend_args), channel_order='rgb')
            folder, file = os.path.split(name_of_image(path, self._root) + os.path.splitext(path)[1])
            name = os.path.join(folder, f'{mode}_{file}')
            self._make_folder(name)
            self._visualizer.add_datasample(
                name, image, data_sample=output, show=self.show, wait_time=self.wait_time, step=runner.iter
            )

    def _make_folder(self, name: str) -> None:
        """Make a picture's folder, because OpenCV writes nothing into a missing one, without any error."""
        for backend in self._visualizer._vis_backends.values():
            if isinstance(backend, LocalVisBackend):
                _ = backend.experiment  # sets the backend's folder
                Path(backend._img_save_dir, name).parent.mkdir(parents=True, exist_ok=True)
