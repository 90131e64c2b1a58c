"""Loops and hooks: everything around the training step."""

from ..utils.atomic_files import AtomicBackend
from .bf16_optim_wrapper import Bf16OptimWrapper
from .check_run_hook import CheckRunHook
from .checkpoint_hook import SafeCheckpointHook
from .data_summary_hook import HOOKS_OF_EVERY_RUN, DataSummaryHook, add_hooks
from .eln_stage_hook import ELNStageHook
from .layer_decay import LayerDecayConstructor
from .loops import SemiEpochTrainLoop, SemiTrainLoop
from .mean_teacher_hook import MeanTeacherHook
from .merged_optim_wrapper import MergedOptimWrapperConstructor
from .network_hooks import CheckpointActivations, CompileNetworks
from .nonfinite_hook import NonFiniteLossError, StopOnNonFiniteLoss
from .peak_memory_hook import PeakMemoryHook
from .progress_hook import ProgressHook
from .quiet_console import build_runner
from .restarted_poly import RestartedPolyLR
from .resume import find_resumable, misfit
from .run_lock import lock_run, release_run
from .safe_checkpoints import use_safe_checkpoints
from .seed_hook import SeedHook
from .semi_visualization_hook import SemiVisualizationHook
from .sharded_model import FullyShardedModel
from .stage_hook import StageHook
from .start_summary_hook import StartSummaryHook
from .step_picture_hook import ScribbleVisHook, StepPictureHook
from .step_recorder import StepRecorder
from .stop_request import stop_on_signals
from .supervised_start_hook import SupervisedStartHook
from .taught_hook import TaughtHook
from .unsup_ramp_hook import UnsupRampHook
from .validation_line_hook import ValidationLineHook
from .weights_hook import CheckWeightsHook

__all__ = [
    'HOOKS_OF_EVERY_RUN',
    'AtomicBackend',
    'Bf16OptimWrapper',
    'CheckRunHook',
    'CheckWeightsHook',
    'CheckpointActivations',
    'CompileNetworks',
    'DataSummaryHook',
    'ELNStageHook',
    'FullyShardedModel',
    'LayerDecayConstructor',
    'MeanTeacherHook',
    'MergedOptimWrapperConstructor',
    'NonFiniteLossError',
    'PeakMemoryHook',
    'ProgressHook',
    'RestartedPolyLR',
    'SafeCheckpointHook',
    'ScribbleVisHook',
    'SeedHook',
    'SemiEpochTrainLoop',
    'SemiTrainLoop',
    'SemiVisualizationHook',
    'StageHook',
    'StartSummaryHook',
    'StepPictureHook',
    'StepRecorder',
    'StopOnNonFiniteLoss',
    'SupervisedStartHook',
    'TaughtHook',
    'UnsupRampHook',
    'ValidationLineHook',
    'add_hooks',
    'build_runner',
    'find_resumable',
    'lock_run',
    'misfit',
    'release_run',
    'stop_on_signals',
    'use_safe_checkpoints',
]
