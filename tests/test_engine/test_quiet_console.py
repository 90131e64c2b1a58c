"""A start that fits a screen, and a file that has everything."""

import logging
import re
from types import SimpleNamespace

import pytest
from torch import nn
from toy_process import output, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.engine import start_summary_hook
from mmseg_ssl.engine.quiet_console import ConsoleFilter
from mmseg_ssl.engine.start_summary_hook import StartSummaryHook, _network


def shown(text, level=logging.INFO, progress=False):
    console = ConsoleFilter()
    console.progress = progress
    return console.filter(logging.LogRecord('x', level, 'x.py', 1, text, (), None))


def test_long_texts_are_left_out_and_what_is_unknown_stays():
    assert not shown('\n------------------------------------------------------------\nSystem environment:\n    a: 1')
    assert not shown('Config:\nmodel = dict()')
    assert not shown('paramwise_options -- student.segmentor.backbone.conv1.weight:lr=0.1')
    assert not shown('Hooks will be executed in the following order:\nbefore_run:')
    assert shown('resumed epoch: 0, iter: 4') and shown('Saving checkpoint at 4 iterations')
    # overlaps with unlabeled images are usual; labeled ones in val never pass in silence
    assert not shown('val: 48 images, 0 of them labeled and 2 unlabeled in training')
    assert shown('val: 48 images, 1 of them labeled and 2 unlabeled in training')


def test_warnings_and_errors_always_stay_but_for_the_hosts_about_itself():
    assert shown('Config:\nx', logging.ERROR) and shown('paramwise_options -- x', logging.WARNING)
    frozen = 'segmentor.backbone.conv1.weight is skipped since its requires_grad=False'
    # that an EMA teacher has no gradient is no news, and a line per parameter; of other networks it is
    assert not shown(f'teacher.network.{frozen}', logging.WARNING) and shown(f'student.{frozen}', logging.WARNING)
    assert not shown('The prefix is not set in metric class SemiIoUMetric.', logging.WARNING)


def test_a_bar_takes_the_place_of_training_lines_alone():
    line = 'Iter(train) [19/20]  lr: 7.0652e-03'
    assert shown(line) and not shown(line, progress=True)
    assert shown('Iter(val) [6/6]    mIoU: 5.4300', progress=True)


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp('quiet')
    made = toy_config(
        draw_images(folder / 'data'),
        train_cfg=dict(type='SemiTrainLoop', max_iters=6, val_interval=6),
        val_evaluator=dict(type='SemiIoUMetric', iou_metrics=['mIoU']),
    )
    return write_config(folder / 'config.py', made)


def test_the_console_says_ten_lines_and_the_file_all(config, tmp_path):
    """Data, network, method, length, device; the whole config, environment and hooks are in the log file."""
    assert train(config, tmp_path / 'run') == 0, output(tmp_path / 'run')
    start = output(tmp_path / 'run').partition('Iter(train)')[0]
    assert len(start.splitlines()) <= 14, start
    for line in (
        r'data +6 labeled \(.*labeled.txt\), 11 unlabeled, val 2 images',
        r'network +ToyBackbone \+ FCNHead, 0\.00\d+ M weights',
        r'method +MeanTeacher: student, teacher \(follows\)\. \w+',
        r'batch +2 labeled \+ 4 unlabeled images of 16x16',
        r'length +6 iterations, validated every 6',
        r'device +\S+.*, fp32',
    ):
        assert re.search(line, start), f'{line} is not in {start}'
    (log,) = (tmp_path / 'run').glob('*/*.log')
    text = log.read_text()
    assert all(word in text for word in ('System environment', 'max_iters=6', 'Hooks will be executed', 'Iter(train)'))
    assert 'validated every 6' in text
    rest = output(tmp_path / 'run').partition('Iter(train)')[2]
    (line,) = (one for one in rest.splitlines() if 'mIoU' in one)
    assert re.search(r'Validation at 6 of 6: mIoU \d+.*best .*worst ', line)
    assert '+--' not in rest and '(val)' not in rest and '+--' in text and 'Iter(val)' in text


def test_verbose_gives_the_whole_start(config, tmp_path):
    assert train(config, tmp_path / 'run', '--verbose') == 0, output(tmp_path / 'run')
    assert 'System environment' in output(tmp_path / 'run') and 'Config:' in output(tmp_path / 'run')


def test_weights_of_frozen_stages_are_not_trained():
    """A backbone takes gradients away in ``train()``, which the loop calls after the summary."""

    class Backbone(nn.Linear):
        def train(self, mode=True):
            self.requires_grad_(not mode)
            return super().train(mode)

    model = nn.Module()
    model.backbone, model.decode_head = Backbone(999, 1000), nn.Linear(999, 2000)
    lines = []
    runner = SimpleNamespace(rank=0, model=model, logger=SimpleNamespace(info=lines.append))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start_summary_hook, 'describe_run', lambda run: [('network', _network(run.model))])
        StartSummaryHook().before_train(runner)
    assert 'Backbone + Linear, 3 M weights; 2 M are trained in all' in lines[0]
