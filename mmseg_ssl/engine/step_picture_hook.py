"""Pictures of a training step: what a method sees, says and learns."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Optional

import numpy as np
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from ..visualization import draw_rows, step_rows
from .bare_model import bare_model
from .run_length import Moment, check_moment, to_interval
from .step_recorder import StepRecorder

REQUEST = 'draw'
"""A file of this name in the work dir asks for a picture of the next step."""


@HOOKS.register_module()
class StepPictureHook(Hook):
    """Draws a step of any method: views, pseudo labels, their weights, what is not taught, predictions, maps, legend.

    The first labeled and the first unlabeled image of the batch are drawn, as they were in the step itself: a method
    shows its parts to onlookers (see :meth:`~mmseg_ssl.models.SemiSegmentor.show`), and nothing is computed twice.
    Random numbers, weights and buffers stay as they are, so the run is the same with and without pictures. They go to
    the visualizer's backends (PNG, TensorBoard, W&B), by default to ``vis_data/vis_image/step_<iteration>.png``.

    A picture is also drawn when somebody asks for it, by ``touch <work dir>/draw``; the file is then removed.

    Args:
        interval: Iterations between two pictures, or a share of the run: 0.1 makes ten. 0: only on request.
        bandwidth: Color bandwidth of the affinity that is shown of scribbled images.
    """

    def __init__(self, interval: Moment = 0.1, bandwidth: float = 9.0) -> None:
        self.interval, self.bandwidth = check_moment(interval, 'StepPictureHook: interval'), bandwidth
        self._open = ExitStack()
        self._recorder: Optional[StepRecorder] = None

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Look on, if it is time."""
        if is_main_process() and hasattr(bare_model(runner), 'onlookers') and self._is_due(runner):
            self._recorder = self._open.enter_context(StepRecorder(bare_model(runner)))

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Draw what was seen."""
        if self._recorder is None:
            return
        self._open.close()
        picture = self.picture(runner, self._recorder)
        self._recorder = None
        if picture is not None:
            runner.visualizer.add_image('step', picture, step=runner.iter + 1)

    def picture(self, runner: Any, recorder: StepRecorder) -> Optional[np.ndarray]:
        """Draw what a recorder has seen; None if it has seen nothing.

        Args:
            runner: The runner.
            recorder: After the step.

        Returns:
            ``(H, W, 3)`` uint8, RGB.
        """
        meta, sight = runner.train_dataloader.dataset.metainfo, recorder.sight
        classes = meta.get('classes') or [str(index) for index in range(256)]
        palette = meta.get('palette') or np.random.RandomState(0).randint(0, 255, (len(classes), 3)).tolist()
        rows = step_rows(sight, palette, self.bandwidth)
        if not rows:
            return None
        names = ', '.join(f'{dict(sup="labeled", weak="unlabeled")[view]} {name}' for view, name in sight.names.items())
        title = f'{type(recorder.model).__name__}, iteration {runner.iter + 1} of {runner.max_iters}: {names}'
        return draw_rows(rows, title, classes, palette, gray='no label, or not taught')

    def _is_due(self, runner: Any) -> bool:
        """Tell if a picture is asked for, or its time has come."""
        request = Path(runner.work_dir, REQUEST)
        if request.is_file():
            request.unlink()
            return True
        return bool(self.interval) and (runner.iter + 1) % to_interval(self.interval, runner.max_iters) == 0


@HOOKS.register_module()
class ScribbleVisHook(StepPictureHook):
    """:class:`StepPictureHook` under the name that it had when it drew scribbled images alone."""

    def __init__(self, interval: Moment = 500, bandwidth: float = 9.0) -> None:
        super().__init__(interval, bandwidth)
