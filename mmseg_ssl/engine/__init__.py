"""Loops and hooks: what happens around the training step."""
from .atomic_files import AtomicBackend
from .checkpoint_hook import SafeCheckpointHook
from .loops import SemiTrainLoop
from .nonfinite_hook import NonFiniteLossError, StopOnNonFiniteLoss
from .resume import find_resumable
from .seed_hook import SeedHook

__all__ = [
    'AtomicBackend', 'NonFiniteLossError', 'SafeCheckpointHook', 'SeedHook', 'SemiTrainLoop', 'StopOnNonFiniteLoss',
    'find_resumable'
]
