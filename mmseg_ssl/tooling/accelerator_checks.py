"""What only a GPU can show, for ``tools/gpu_checks.py``: every check stands alone and returns plain numbers."""

import copy
import statistics
import warnings
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence

import torch
from mmengine.config import Config

from ..targets import self_label
from ..utils.packages import is_installed
from ..utils.project_files import CONFIGS
from .benchmark import Setup, StepMeter, build_measured_method, find_method_configs
from .benchmark.bare_loop import compare_with_bare_loop
from .benchmark.clock import Clock, peak_memory
from .benchmark.measured_method import network_config
from .benchmark.scribbled_batch import blur_and_scribble, draw_blobs

LOOP_CONFIG = CONFIGS / 'dueb' / 'dueb_unet_shapes_8.py'


class Scale(NamedTuple):
    """Sizes of the checks."""

    device: str
    steps: Sequence[tuple]  # network, side of the crops, methods
    settings: Sequence[str]
    solver: tuple  # network of the step it belongs to, images, classes, side of the crops
    loop: tuple  # network, side of the crops, blocks and their steps, workers
    sync: tuple  # network, side of the crops
    repeats: int

    @property
    def cuda(self) -> bool:
        """Return whether this is a GPU."""
        return torch.device(self.device).type == 'cuda'


FULL = Scale(
    device='cuda',
    steps=[(network, side, ('supervised', 'unimatch_v2')) for side in (513, 321, 801) for network in ('r101', 'r50')]
    + [('dinov2s', 518, ('supervised', 'unimatch_v2'))],
    settings=('fp32', 'bf16+channels_last', 'fp16+channels_last'),
    solver=('r101', 12, 21, 513),
    loop=('r50', 321, 10, 5, 4),
    sync=('mbv2', 128),
    repeats=5,
)
DRY = Scale(
    device='cpu',
    steps=[('tiny', 32, ('supervised',))],
    settings=('fp32', 'bf16+channels_last'),
    solver=('tiny', 2, 4, 32),
    loop=('tiny', 32, 1, 2, 0),
    sync=('tiny', 32),
    repeats=1,
)
"""Tiny sizes, with which a CPU tries every line of the checks."""


def check_solver(scale: Scale) -> Dict[str, Any]:
    """Time the solvers of self-labeling in turns, and the fast ones' share of a training step and peak memory."""
    network, number, classes, side = scale.solver
    images, truth = draw_blobs(number, classes, (side, side))
    logits, seeds = blur_and_scribble(truth, classes)
    batch = [tensor.to(scale.device) for tensor in (logits, images, seeds)]
    runs = {name: partial(self_label, *batch, solver=name) for name in ('gd', 'multiplicative')}
    if scale.cuda and is_installed('triton'):
        runs['fused'] = partial(self_label, *batch, solver='fused')
    times: Dict[str, List[float]] = {name: [] for name in runs}
    for repeat in range(scale.repeats + 1):
        for name, run in runs.items():
            spent = _milliseconds(run, scale.device)
            times[name] += [spent] if repeat else []  # the first one compiles
    found = {name: statistics.median(values) for name, values in times.items()}
    memory = {name: peak_memory(run, 0, scale.device) / batch[0].nbytes for name, run in runs.items() if name != 'gd'}
    del batch, runs
    setup = Setup(network, side, number, number, classes, scale.device)
    step = _measure('supervised', setup, 'fp32', scale.repeats)['ms']
    return dict(ms=found, memory_in_logits=memory, step_ms=step)


def check_steps(scale: Scale) -> Iterator[Dict[str, Any]]:
    """Measure steps one after the other, so that what is measured in time is kept."""
    for network, side, methods in scale.steps:
        for method in methods:
            for setting in scale.settings:
                setup = Setup(network, side, 4, 4, 21, scale.device)
                yield dict(_measure(method, setup, setting, scale.repeats), network=network, side=side)


def check_syncs(scale: Scale) -> Dict[str, Any]:
    """Count, for every method, how often the host waits for the device in a step, from the images to the weights."""
    network, side = scale.sync
    setup, found = Setup(network, side, 2, 2, 21, scale.device), {}
    for name, config in find_method_configs().items():
        method = build_measured_method(name, config, setup, 'fp32')
        for _ in range(2):  # the first step makes what later ones have
            data = copy.deepcopy(method.batch)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter('always')
                if scale.cuda:
                    torch.cuda.set_sync_debug_mode('warn')
                try:
                    losses = method.model._run_forward(method.model.data_preprocessor(data, True), mode='loss')
                    method.wrapper.backward(method.model.parse_losses(losses)[0])
                    method.wrapper.step()
                    method.wrapper.zero_grad()
                finally:
                    if scale.cuda:
                        torch.cuda.set_sync_debug_mode('default')
            waits = [one for one in caught if 'synchronizing' in str(one.message)]
        found[name] = dict(waits=len(waits), places=sorted({f'{one.filename}:{one.lineno}' for one in waits})[:5])
    return found


def check_loop(scale: Scale) -> Dict[str, Any]:
    """Compare a step of the runner, with its hooks and logs, with one of a bare loop over the same batches."""
    network, side, blocks, size, workers = scale.loop
    cfg = Config.fromfile(str(LOOP_CONFIG))
    cfg.model.segmentor = network_config(network, cfg.segmentor.decode_head.num_classes)
    cfg.model.data_preprocessor.size = (side, side)
    loader = cfg.train_dataloader
    loader.update(num_workers=workers, persistent_workers=workers > 0)
    for part in (loader.dataset.labeled, loader.dataset.unlabeled):
        for step in part.pipeline:
            step.update(
                dict(RandomResize=dict(scale=(2 * side, side)), RandomCrop=dict(crop_size=(side, side))).get(
                    step.type, {}
                )
            )
    found = compare_with_bare_loop(cfg, blocks, size)
    return {f'{name}_ms': statistics.median(values) for name, values in found.items()}


def _measure(method: str, setup: Setup, setting: str, repeats: int) -> Dict[str, Any]:
    """Measure steps of a method."""
    config = find_method_configs([method])[method]
    meter = StepMeter(build_measured_method(method, config, setup, setting), setup.device)
    found = dict(method=method, setting=setting, ms=meter.median_step(3, repeats))
    return dict(found, memory=meter.memory(), batch=meter.method.batch_size)


def _milliseconds(run: Callable[[], Any], device: str) -> float:
    clock = Clock(device)
    clock.wait()
    begin = clock.mark()
    run()
    end = clock.mark()
    clock.wait()
    return clock.ms(begin, end)
