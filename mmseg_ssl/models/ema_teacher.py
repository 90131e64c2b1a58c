"""A frozen copy of a network that follows it as an exponential moving average."""

import copy
from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..structures import Prediction
from ..utils.choices import one_of
from .branch import Branch, Perturbation

BUFFER_MODES = ('copy', 'average', 'own')


class EMATeacher(nn.Module):
    r"""Teacher :math:`\theta' \leftarrow (1 - m)\,\theta' + m\,\theta` of a student (Tarvainen & Valpola, 2017).

    :math:`m` is the share of NEW weights, as in mmengine (the literature's decay is :math:`1 - m`). The teacher starts
    as a copy of the student when training starts, unless a checkpoint brought weights of its own, all of them. It is
    never trained: it has no gradient, and its mode is pinned, because mmengine calls ``model.train()`` before every
    iteration.

    Args:
        student: The branch to follow; copied here, weights follow with :meth:`start`.
        buffers: ``'copy'`` (the student's BatchNorm statistics), ``'average'`` (theirs by EMA too), or ``'own'``: those
            that a teacher in train mode collects itself. A teacher whose statistics are left alone is ruined.
        eval_mode: Predict in eval mode (default), or in train mode as some public code does: BatchNorm by the batch,
            and dropout.

    Raises:
        ValueError: If ``buffers`` is unknown, or ``'own'`` in eval mode.
    """

    updates: Tensor

    def __init__(self, student: Branch, buffers: str = 'copy', eval_mode: bool = True) -> None:
        super().__init__()
        if one_of(BUFFER_MODES, buffers=buffers) == 'own' and eval_mode:
            raise ValueError("EMATeacher buffers='own' needs eval_mode=False: in eval mode nothing collects them.")
        self.network = copy.deepcopy(student).requires_grad_(False)
        self.buffer_mode = buffers
        self.eval_mode = eval_mode
        # -1: not started. In the checkpoint, so that a resumed or loaded teacher is not overwritten.
        self.register_buffer('updates', torch.tensor(-1, dtype=torch.long))
        self.lacks = ''  # a weight that the checkpoint lacks, for a message
        self._known_started = False  # asked of the device once, not in every step
        self.starts = 0  # of this process: who counts updates must begin anew
        self.train(not eval_mode)

    def train(self, mode: bool = True) -> 'EMATeacher':
        """Ignore the mode: the teacher's is pinned while it teaches, and eval when the model is in eval mode."""
        return super().train(mode and not self.eval_mode)

    def _load_from_state_dict(self, state_dict: Dict[str, Any], prefix: str, *args: Any) -> None:
        """Load the count only with all weights: beside a new head it would pass random weights off as a teacher's."""
        count, found = f'{prefix}updates', state_dict
        if count in state_dict:
            own = self.network.state_dict(prefix=f'{prefix}network.')
            shapes = {key: value.shape for key, value in own.items() if not key.endswith('num_batches_tracked')}
            lost = (k for k, shape in shapes.items() if k not in state_dict or state_dict[k].shape != shape)
            self.lacks = next(lost, '')
            if self.lacks:
                found = {**state_dict, count: torch.full_like(state_dict[count], -1)}
        super()._load_from_state_dict(found, prefix, *args)

    @torch.no_grad()
    def forward(self, images: Tensor, perturb: Optional[Perturbation] = None) -> Prediction:
        """Predict without a gradient; see :meth:`Branch.forward`."""
        return self.network(images, perturb)

    def trusted(self, pred: Prediction, valid: Tensor) -> Tensor:
        """Return which pixels of a prediction may teach: all that are image, ``(B, H, W)`` bool."""
        return valid

    @property
    def started(self) -> bool:
        """Return whether the teacher has weights of its own."""
        return int(self.updates) >= 0

    def require_started(self) -> None:
        """Refuse to teach with random weights.

        Raises:
            UserError: If nothing started the teacher.
        """
        self._known_started = self._known_started or self.started
        if not self._known_started:
            raise UserError(
                'The teacher was never started: it would teach with random weights. Add '
                "custom_hooks=[dict(type='MeanTeacherHook')], or call teacher.start(student) in a loop of your own."
            )

    @torch.no_grad()
    def start(self, student: Branch) -> None:
        """Copy the student, weights and buffers."""
        self.network.load_state_dict(student.state_dict())
        self.updates.zero_()
        self.starts += 1

    @torch.no_grad()
    def update(self, student: Branch, momentum: float) -> None:
        """Follow the student once.

        Args:
            student: The branch that was copied.
            momentum: Share of new weights in ``[0, 1]``.
        """
        own, new = _own_parts(self.network), _own_parts(student)
        own_state, new_state = list(self.network.buffers()), list(student.buffers())
        if self.buffer_mode == 'average':
            # integers such as num_batches_tracked have no average: they are copied
            floating = [i for i, buffer in enumerate(own_state) if buffer.is_floating_point()]
            own, new = own + [own_state[i] for i in floating], new + [new_state[i] for i in floating]
            own_state, new_state = _without(own_state, floating), _without(new_state, floating)
        torch._foreach_lerp_(own, new, momentum)  # a few launches for hundreds of tensors
        if own_state and self.buffer_mode != 'own':
            torch._foreach_copy_(own_state, new_state)
        self.updates += 1


def _own_parts(network: Branch) -> List[Tensor]:
    """List the parameters; of weights that are divided over processes, this one's parts."""
    parts: List[Any] = list(network.parameters())
    return [part.to_local() if hasattr(part, 'to_local') else part for part in parts]


def _without(tensors: List[Tensor], indices: List[int]) -> List[Tensor]:
    """Return the tensors at all other places."""
    left: Tuple[int, ...] = tuple(set(range(len(tensors))) - set(indices))
    return [tensors[i] for i in sorted(left)]


def has_average(model: Any) -> bool:
    """Tell if the teacher of a model is the moving average of its student, which something must update."""
    return isinstance(getattr(model, 'teacher', None), EMATeacher)
