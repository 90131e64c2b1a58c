"""A validation is one line on the console, and all of it in the file."""

import io
import logging
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop

from mmseg_ssl.engine import ValidationLineHook
from mmseg_ssl.engine.quiet_console import ConsoleFilter
from mmseg_ssl.engine.validation_line_hook import describe_scores

METRICS = {'aAcc': 70.0, 'mIoU': 40.257, 'mAcc': 50.0, 'IoU.sky': 70.0, 'IoU.a/b.c': 10.5, 'IoU.car': float('nan')}


def test_best_and_worst_are_of_the_classes_that_are_there():
    """A class that no image has is neither; metrics that are asked for beside IoUs are said, their classes not."""
    assert describe_scores(METRICS) == 'mIoU 40.26 (best sky 70, worst a/b.c 10.5)'
    more = dict(
        METRICS, **{'ECE': 3.0, 'cwECE.sky': 4.0, 'teacher/mIoU': 41.0, 'teacher/IoU.sky': 1.0, 'teacher/mAcc': 1.0}
    )
    assert describe_scores(more) == 'mIoU 40.26 (best sky 70, worst a/b.c 10.5), ECE 3, teacher/mIoU 41'
    two = {
        'mIoU': 7.0,
        'a/mIoU': 7.0,
        'a/IoU.sky': 8.0,
        'a/IoU.b/c': 6.0,
        'b/mIoU': 9.0,
        'b/IoU.sky': 10.0,
        'b/IoU.b/c': 8.0,
    }
    assert describe_scores(two) == 'mIoU 7 (best sky 8, worst b/c 6), a/mIoU 7, b/mIoU 9'  # as SemiIoUMetric names them
    one = {'mIoU': np.float64(40.0), 'IoU.sky': 40.0}
    assert describe_scores(one) == 'mIoU 40' and describe_scores(dict(mDice=3.0, count=2)) == 'mDice 3, count 2'


def write_validation(hooked):
    """Log what the host logs of a validation; return console and file."""
    console, file = logging.StreamHandler(io.StringIO()), logging.StreamHandler(io.StringIO())
    file.__class__ = type('File', (logging.StreamHandler,), {})
    logger = logging.Logger('validation')
    logger.addHandler(console)
    logger.addHandler(file)
    console.addFilter(ConsoleFilter())
    runner = SimpleNamespace(logger=logger, rank=0, iter=4, epoch=2, max_iters=8, max_epochs=4, train_loop=None)
    hook = ValidationLineHook()
    if hooked:
        hook.before_train(runner)
    logger.info('Iter(val) [5/6]    eta: 0:00:05  time: 5.9840')
    print_log('Network "teacher":', logger)
    print_log('per class results:', logger)
    print_log('\n+-----+\n| car |\n+-----+', logger)
    print_log('Expected calibration error: 3.00 %', logger)
    logger.info('Iter(val) [6/6]    mIoU: 40.2570  IoU.sky: 70.0000')
    hook.after_val_epoch(runner, METRICS)
    runner.train_loop = EpochBasedTrainLoop.__new__(EpochBasedTrainLoop)
    hook.after_val_epoch(runner, METRICS)
    return console.stream.getvalue().splitlines(), file.stream.getvalue()


def test_the_line_takes_the_place_of_the_hosts():
    console, file = write_validation(True)
    said = 'mIoU 40.26 (best sky 70, worst a/b.c 10.5)'
    assert console == [f'Validation at 4 of 8: {said}', f'Validation at 2 of 4 epochs: {said}']
    for text in ('[5/6]', 'teacher', 'calibration error', 'per class', '| car |', 'IoU.sky', 'Validation at 4 of 8'):
        assert text in file
    assert '| car |' in '\n'.join(write_validation(False)[0])  # without the hook nothing is lost


@pytest.mark.parametrize('metrics', [None, {}])
def test_nothing_is_said_of_nothing(metrics):
    ValidationLineHook().after_val_epoch(SimpleNamespace(rank=0), metrics)


def test_the_first_process_alone_speaks():
    ValidationLineHook().after_val_epoch(SimpleNamespace(rank=1), METRICS)  # it has no more to ask
