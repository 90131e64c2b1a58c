"""tools/communication.py: bytes and messages of a step, by hand."""

import pytest
import torch
from mmengine.registry import init_default_scope
from torch.nn.modules.batchnorm import _BatchNorm

from mmseg_ssl.tooling.benchmark import Setup, build_measured_method, find_method_configs
from mmseg_ssl.tooling.communication import Traffic, counted, one_of_several, traffic_of, traffic_table


def build(name):
    init_default_scope('mmseg')
    setup = Setup('tiny', 32, 2, 2, 5, 'cpu', False)
    return build_measured_method(name, find_method_configs([name])[name], setup)


def test_messages_are_counted_by_their_bytes():
    sent = []
    with one_of_several(3):
        with counted(sent):
            torch.distributed.all_reduce(torch.zeros(5, dtype=torch.int64))
            torch.distributed.all_gather([torch.zeros(2)] * 3, torch.zeros(2))
        torch.distributed.all_reduce(torch.zeros(9))  # not within the block
    assert sent == [40, 8]
    assert not torch.distributed.is_initialized()


def test_a_step_by_hand():
    """Supervised: one call, so 2C + 1 and 2C numbers of each BatchNorm layer, and the host's loss sends nothing. Mean
    teacher: the same call for both views, two means over all pixels, and as many weights that stay."""
    methods = {name: build(name) for name in ('supervised', 'mean_teacher')}
    with one_of_several():
        plain, taught = (traffic_of(method) for method in methods.values())
    student = methods['mean_teacher'].model.student
    weights = sum(parameter.numel() for parameter in student.parameters())
    channels = [module.num_features for module in student.modules() if isinstance(module, _BatchNorm)]
    assert plain.gradients == taught.gradients == taught.frozen == 4 * weights
    assert plain.norm_bytes == taught.norm_bytes == 4 * sum(4 * width + 1 for width in channels)
    assert plain.norm_messages == 2 * len(channels)
    assert (plain.label_bytes, plain.label_messages) == (0, 0)
    assert (taught.label_bytes, taught.label_messages) == (8, 2)


def test_labels_in_train_mode_have_no_backward_pass():
    """CPS: each network labels the weak views, 2C + 1 numbers of a layer, and learns from others, 2C + 1 and 2C."""
    method = build('cps')
    with one_of_several():
        found = traffic_of(method)
    channels = [module.num_features for module in method.model.modules() if isinstance(module, _BatchNorm)]
    assert method.model.cutmix is not None and method.model.teacher_mode == 'train'
    assert found.norm_bytes == 4 * sum((2 * width + 1) + (4 * width + 1) for width in channels)
    assert (found.norm_messages, found.frozen) == (3 * len(channels), 0)


def test_columns_of_the_table():
    text = traffic_table(dict(dueb=Traffic(1_000_000, 2_000_000, 3_000, 4, 5, 6)), 'r50', 21)
    head, _, row = (text.splitlines()[place].strip('| ').split(' | ') for place in range(3))
    expected = dict(
        zip(['gradients MB', 'SyncBN kB', 'labels, losses B', 'frozen weights MB'], ['1.0', '3', '5', '2.0'])
    )
    assert {name: row[head.index(name)] for name in expected} == expected
    assert [row[place] for place, name in enumerate(head) if name == 'in messages'] == ['4', '6']


def test_the_table(tool, capsys):
    tool.main(['--network', 'tiny', '--crop', '32', '--methods', 'fixmatch'])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith('| fixmatch |') and 'Made by' in lines[-1]
    with pytest.raises(SystemExit):
        tool.main(['--crop', '8'])
