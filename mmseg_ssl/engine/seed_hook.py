"""Random numbers of a training step as a function of (seed, iteration, rank)."""

import random
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from ..utils.random import fold


@HOOKS.register_module()
class SeedHook(Hook):
    r"""Seeds every generator before every training step.

    Before step :math:`t` of rank :math:`r`, Python's, NumPy's and torch's generators (CPU and all devices) are seeded
    with ``fold(seed, t, r)``. So the random numbers of dropout, stochastic depth or Monte-Carlo noise in a step do not
    depend on anything before it, neither on a validation in between nor on a kill and resume. A checkpoint then needs
    no random states, which would be one per rank and which ``weights_only`` loading could not read.

    The seed is the run's (``randomness=dict(seed=...)``, or ``--seed`` of ``tools/train.py``). mmengine draws one
    when it is not given, and stores it in the checkpoint.
    """

    # First of all hooks, so that random choices of other hooks before the step are seeded as well.
    priority = 'HIGHEST'

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Seed the generators for the step that follows.

        Args:
            runner: The runner, whose ``seed`` and ``iter`` are used.
            batch_idx: Not used: ``runner.iter`` is the absolute count, also after a resume.
            data_batch: Not used.
        """
        seed = fold(runner.seed, runner.iter, get_rank())
        random.seed(seed)
        np.random.seed(seed % 2**32)  # NumPy takes 32 bits
        torch.manual_seed(seed)
