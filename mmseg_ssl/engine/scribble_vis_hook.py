"""Pictures of scribbles, affinities and solved labels during training."""

from typing import Any, Optional

import torch
import torch.nn.functional as F
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

from ..structures import PixelTarget, Scribbles
from ..visualization import scribble_panels
from .bare_model import bare_model


@HOOKS.register_module()
class ScribbleVisHook(Hook):
    """Draws the first scribbled image of a batch, see :func:`~mmseg_ssl.visualization.scribble_panels`.

    The picture goes to the visualizer's backends, by default to ``vis_data/vis_image/scribbles_<iteration>.png`` in the
    work dir. The student predicts the image once more, in eval mode, so the training does not change, not even a random
    number. In distributed training only the main process draws.

    Args:
        interval: Iterations between two pictures, at least 1.
        bandwidth: Color bandwidth of the affinity in the picture.

    Raises:
        ValueError: If the interval is below 1.
    """

    def __init__(self, interval: int = 500, bandwidth: float = 9.0) -> None:
        if interval < 1:
            raise ValueError(f'ScribbleVisHook: interval is a number of iterations, at least 1, got {interval}.')
        self.interval, self.bandwidth = interval, bandwidth

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Optional[dict] = None
    ) -> None:
        """Draw if it is time."""
        if self.every_n_train_iters(runner, self.interval):
            self.draw(runner, data_batch)

    @master_only
    @torch.no_grad()
    def draw(self, runner: Runner, data_batch: dict) -> None:
        """Draw one picture.

        Args:
            runner: The runner.
            data_batch: The batch from the collate function.
        """
        model: Any = bare_model(runner)
        first = {key: dict(sup=data_batch[key]['sup'][:1]) for key in ('inputs', 'data_samples')}
        data = model.data_preprocessor(first, False)
        images = data['inputs']['sup']
        scribbles = model.data_preprocessor.scribbles(images, data['data_samples']['sup'])
        training = model.student.training
        model.student.eval()
        logits = model.student(images).logits
        model.student.train(training)
        palette = runner.train_dataloader.dataset.metainfo['palette']
        label = labels_of(model, logits, scribbles)
        picture = scribble_panels(scribbles, logits.softmax(dim=1), label, palette, self.bandwidth)
        runner.visualizer.add_image('scribbles', picture, step=runner.iter + 1)


def labels_of(model: Any, logits: Tensor, scribbles: Scribbles) -> Tensor:
    """Return the labels that a method would train on.

    Args:
        model: A method, whose ``self_labeling`` makes the labels. Without it, the labels are the prediction.
        logits: ``(B, C, H, W)``.
        scribbles: Scribbles of the same images.

    Returns:
        ``(B, C, H, W)``, distributions on dim 1.
    """
    if not hasattr(model, 'self_labeling'):
        return logits.softmax(dim=1)
    label = model.self_labeling(logits, scribbles)
    if isinstance(label, PixelTarget):
        one_hot = F.one_hot(label.label.where(scribbles.valid, 0), logits.shape[1])
        return one_hot.movedim(-1, 1).to(logits.dtype)
    return label
