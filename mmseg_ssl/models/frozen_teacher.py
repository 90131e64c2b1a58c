"""A trained network that labels for another one, and never changes."""

from pathlib import Path
from typing import Any, Callable, Optional, Sequence, Tuple

import torch
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import CheckpointLoader
from mmseg.models.utils import resize
from torch import Tensor, nn

from ..errors import NetworkError
from ..structures import Prediction
from ..utils.last_checkpoint import LAST_CHECKPOINT, end_of_run
from ..utils.weights import load_weights
from .branch import Branch, Perturbation
from .teacher_networks import TeacherNetworks
from .trust import Trust


class FrozenTeacher(nn.Module):
    r"""A trained network of any kind and size, in eval mode, that makes the labels of unlabeled images.

    ::

        weak --> mean and std of its own --> network --> probabilities, and which pixels are trusted

    It stands where an :class:`EMATeacher` does. It is no part of the student: it is outside of the module tree, so
    that its weights are in no checkpoint, no optimizer and no gradient bucket. They are read when training starts, so a
    trained student needs neither the file nor the teacher's memory on disk.

    Args:
        segmentor: Config of an ``EncoderDecoder`` with the student's classes.
        checkpoint: Its weights: those of plain mmseg, or of a method of this package; a run's ``last_checkpoint``, too.
        network: Which network of a method's checkpoint, e.g. ``'teacher'``; by default ``'student'``, or the only one.
        side_heads: Its side heads, as it was trained with them; ``'variance'`` for trust by variance.
        localizer: Its judge (ELN), for trust by localizer; its weights are those of the checkpoint.
        trust: Options of :class:`Trust`; without, all pixels are trusted, and the method's own weights decide.
        mean: Mean of its training's preprocessor, if another one than the student's.
        std: Standard deviation, likewise.
        size_divisor: Images are scaled to the next multiple, such as a ViT's patch of 14, and the maps back.
        student: The branch that learns; its classes are compared.
        preprocessor: That of the student, whose normalization is undone.

    Raises:
        NetworkError: Another number of classes, or trust in what the network does not predict.
        WeightsError: The checkpoint is missing or lacks weights; when training starts.
    """

    scale: Tensor
    shift: Tensor
    started = True

    def __init__(
        self,
        student: Branch,
        preprocessor: Any,
        segmentor: dict,
        checkpoint: str,
        network: str = '',
        side_heads: Optional[dict] = None,
        localizer: Optional[dict] = None,
        trust: Optional[dict] = None,
        mean: Optional[Sequence[float]] = None,
        std: Optional[Sequence[float]] = None,
        size_divisor: int = 1,
    ) -> None:
        super().__init__()
        holder = TeacherNetworks(segmentor, side_heads, localizer).requires_grad_(False).eval()
        if holder.network.num_classes != student.num_classes:
            raise NetworkError(
                f'The teacher has {holder.network.num_classes} classes, the student {student.num_classes}: labels of '
                'one mean nothing to the other. Set teacher.segmentor.decode_head.num_classes to that of its training.'
            )
        # in a tuple: a registered module would be in the student's checkpoint, and in every process's buckets
        self.hidden_modules: Tuple[TeacherNetworks, ...] = (revert_sync_batchnorm(holder),)
        self.trust = Trust(**trust) if trust else None
        if self.trust:
            self.trust.require(holder.network, holder.localizer)
        self.checkpoint, self.name, self.size_divisor = checkpoint, network, size_divisor
        self._set_normalization(preprocessor, mean, std)
        self._loaded = False

    def _set_normalization(self, preprocessor: Any, mean: Optional[Sequence], std: Optional[Sequence]) -> None:
        """Remember the affine map from the student's normalization to the teacher's."""
        if (mean is None) != (std is None):
            raise NetworkError(f'The teacher has mean and std, or neither; got {mean} and {std}.')
        one = torch.ones(1, 1, 1)
        from_mean, from_std = getattr(preprocessor, 'mean', 0 * one), getattr(preprocessor, 'std', one)
        own_mean, own_std = (torch.tensor(values).view(-1, 1, 1) for values in (mean or [0.0], std or [1.0]))
        self.same_normalization = mean is None or (torch.equal(own_mean, from_mean) and torch.equal(own_std, from_std))
        scale = one if self.same_normalization else from_std / own_std
        shift = 0 * one if self.same_normalization else (from_mean - own_mean) / own_std
        self.register_buffer('scale', scale, persistent=False)
        self.register_buffer('shift', shift, persistent=False)

    def _apply(self, fn: Callable, *args: Any) -> 'FrozenTeacher':
        """Move the network along, though it is no submodule."""
        for module in self.hidden_modules:
            module._apply(fn, *args)
        return super()._apply(fn, *args)

    def init_weights(self) -> None:
        """Read the weights; the runner calls this before a training."""
        self.load()

    def load(self) -> None:
        """Read the weights, once.

        Raises:
            WeightsError: The file is missing, or lacks weights.
        """
        if self._loaded:
            return
        path = self.checkpoint
        if Path(path).name == LAST_CHECKPOINT and Path(path).is_file():
            path = str(end_of_run(Path(path)))
        if '://' not in path and not Path(path).is_file():
            raise NetworkError(
                f'The teacher has no checkpoint {self.checkpoint}: give model.teacher.checkpoint its path.'
            )
        saved = CheckpointLoader.load_checkpoint(path, 'cpu')
        (holder,) = self.hidden_modules
        load_weights(holder, holder.named_as_here(saved, self.name), path, 'resume')
        self._loaded = True

    @property
    def network(self) -> Branch:
        """Return the network, with its weights."""
        self.load()
        return self.hidden_modules[0].network

    def require_started(self) -> None:
        """Have weights, as a teacher must before it teaches."""
        self.load()

    def start(self, student: Branch) -> None:
        """Stay as it is: it follows nobody."""

    def update(self, student: Branch, momentum: float) -> None:
        """Stay as it is."""

    @torch.no_grad()
    def forward(self, images: Tensor, perturb: Optional[Perturbation] = None) -> Prediction:
        """Predict without a gradient; see :meth:`Branch.forward`.

        Args:
            images: ``(B, 3, H, W)``, normalized for the student.
            perturb: As for a branch.

        Returns:
            At the size of the images. ``side['trust']`` ``(B, 1, H, W)`` is what the rule of trust compares.
        """
        size = images.shape[2:]
        seen = self.prepare(images)
        pred = self.network(seen, perturb)
        (holder,) = self.hidden_modules
        maps = {'logits': pred.logits}
        if self.trust:
            maps['trust'] = self.trust.values(seen, pred, holder.localizer)[:, None]
        if seen.shape[2:] != size:
            maps = {key: resize(value, size, mode='bilinear', align_corners=False) for key, value in maps.items()}
        side = dict(pred.side, trust=maps['trust']) if self.trust else pred.side
        return pred._replace(logits=maps['logits'], side=side)

    def prepare(self, images: Tensor) -> Tensor:
        """Normalize for the teacher, and scale to whole patches."""
        seen = images if self.same_normalization else images * self.scale + self.shift
        height, width = (-(-side // self.size_divisor) * self.size_divisor for side in images.shape[2:])
        if (height, width) == tuple(images.shape[2:]):
            return seen
        return resize(seen, (height, width), mode='bilinear', align_corners=False)

    def trusted(self, pred: Prediction, valid: Tensor) -> Tensor:
        """Return which pixels of a prediction may teach.

        Args:
            pred: Of :meth:`forward`.
            valid: ``(B, H, W)`` bool, which pixels are image.

        Returns:
            ``(B, H, W)`` bool.
        """
        return self.trust(pred.side['trust'][:, 0], valid) if self.trust else valid
