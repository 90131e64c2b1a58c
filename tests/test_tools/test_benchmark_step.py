"""tools/benchmark_step.py: what it counts and how it shares out a step."""

import ctypes
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmseg_ssl.tooling.benchmark import Setup, StepMeter, build_measured_method, find_method_configs
from mmseg_ssl.tooling.benchmark.clock import Clock, NetworkHooks, peak_memory
from mmseg_ssl.tooling.benchmark.measure import PARTS
from mmseg_ssl.tooling.benchmark.measured_method import MeasuredMethod
from mmseg_ssl.tooling.benchmark.random_batch import random_batch
from mmseg_ssl.tooling.benchmark.report import cost_report
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.run_logs import method_names

ROOT = Path(__file__).resolve().parents[2]
SMALL = Setup(network='tiny', crop=32, labeled=2, unlabeled=2, classes=4, device='cpu')
METHODS = find_method_configs()


def meter_of(method, ratio, **options):
    """A meter around the tiny network of the tests."""
    model = tiny.build(method, **options)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9))
    return StepMeter(MeasuredMethod(method, model, wrapper, tiny.batch(ratio=ratio), hasattr(model, 'teacher')), 'cpu')


def test_no_method_is_left_out():
    """A folder of every method of the matrix, and so one of every class, whatever its configs are called."""
    assert set(METHODS) == set(method_names())
    assert METHODS['potts_regularized'].stem == 'potts-regularized_mbv2_camvid-scribble_length-1_densecrf'
    assert METHODS['tree_energy'].stem == 'tree-energy_mbv2_camvid-scribble_length-1'


@pytest.mark.parametrize('name', METHODS)
def test_every_method_of_the_configs_can_be_measured(name):
    """Found by its folder, so a new method needs no edit; every part has a time, and the parts are the whole step."""
    meter = StepMeter(build_measured_method(name, METHODS[name], SMALL), 'cpu')
    meter.step()
    meter.replay()
    found = meter.result()
    assert sum(found['calls'].values()) >= 1 and set(found['parts']) == set(PARTS)
    assert found['parts']['network'] > 0 and found['parts']['views'] > 0
    assert found['ms'] == pytest.approx(sum(found['parts'].values()))
    if meter.method.ema:
        assert meter.method.model.teacher.updates == 2  # the step's and that of the recorded one
    assert meter.method.ema == hasattr(meter.method.model, 'teacher')
    assert meter.memory() > sum(parameter.nbytes for parameter in meter.method.model.parameters())


@pytest.mark.parametrize(
    ('method', 'ratio', 'calls', 'images'),
    [
        ('Supervised', 0, dict(trained=1), dict(trained=2)),
        # teacher on 2 weak images; student on 2 labeled and 2 strong ones, merged
        ('MeanTeacher', 1, dict(trained=1, frozen=1), dict(trained=4, frozen=2)),
        # each of two branches: labels for 2 + 2 images, then 2 labeled and 2 mixed ones
        ('CPCL', 2, dict(trained=2, frozen=2), dict(trained=8, frozen=8)),
        # two auxiliary decoders on 4 images' features of which 2 are labeled; localizer: 3 x 2, and 2 to judge
        ('ELN', 1, dict(trained=1, frozen=1, other=4), dict(trained=4, frozen=2, other=12)),
    ],
)
def test_calls_and_images_by_hand(method, ratio, calls, images):
    meter = meter_of(method, ratio)
    meter.step()
    assert meter.counts == dict(calls=calls, images=images)
    meter.step()  # counts are of one step, and the hooks are gone after it
    assert meter.counts['calls'] == calls
    assert not any('forward' in vars(module) for module in meter.method.model.modules())


def test_a_step_trains_as_the_hosts_does():
    """The meter's step is ``train_step`` in pieces: the same weights to the bit."""
    meter, model = meter_of('Supervised', 0), None
    torch.manual_seed(0)
    model = tiny.build('Supervised')
    model.load_state_dict(meter.method.model.state_dict())
    torch.manual_seed(1)
    meter.step()
    torch.manual_seed(1)
    model.train_step(tiny.batch(ratio=0), OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)))
    for one, other in zip(meter.method.model.parameters(), model.parameters()):
        assert torch.equal(one, other)


class TwoParts(nn.Module):
    """A network whose second output is computed from the first; only the second is used outside."""

    def __init__(self):
        super().__init__()
        self.part = nn.Linear(3, 2)

    def forward(self, values):
        first = self.part(values)
        return first, first * 2


class Method(nn.Module):
    def __init__(self):
        super().__init__()
        self.student, self.extra = TwoParts(), nn.ModuleList([nn.Linear(2, 2)])


def test_gradients_are_those_that_come_from_outside():
    """d(3 s) / ds = 3 on the second output; the first one gets none from outside, though 6 from the second."""
    method = Method()
    hooks = NetworkHooks(method, Clock('cpu'))
    assert hooks.modules == [method.student, method.extra[0]]
    with hooks.watching(keep=True) as calls:
        first, second = method.student(torch.ones(4, 3))
        (3 * second).sum().backward()
        with torch.no_grad():
            method.extra[0](first)
    assert [call['images'] for call in calls] == [4, 4]
    assert [call['grad'] for call in calls] == [True, False]
    assert calls[0]['grads'][0] is None and torch.equal(calls[0]['grads'][1], torch.full((4, 2), 3.0))
    assert torch.equal(method.student.part.bias.grad, torch.full((2,), 24.0))  # 4 images, 3 times 2


@pytest.mark.parametrize('auxiliary', [False, True])
def test_the_replay_repeats_the_networks_backward(auxiliary):
    """The same gradients of the weights as the step's own backward, on a network without dropout."""
    segmentor = tiny.tiny_segmentor(auxiliary=auxiliary)
    for head in (segmentor.decode_head, segmentor.get('auxiliary_head')):
        if head:
            head.dropout_ratio = 0.0
    model = tiny.build('Supervised', segmentor=segmentor)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.0))
    wrapper.zero_grad = lambda **_: None
    meter = StepMeter(MeasuredMethod('x', model, wrapper, tiny.batch(ratio=0), False), 'cpu')
    meter.step()
    expected = [parameter.grad.clone() for parameter in model.parameters()]
    meter._record_trained_calls()
    model.zero_grad()
    meter.replay()
    for parameter, grad in zip(model.parameters(), expected):
        torch.testing.assert_close(parameter.grad, grad)


def test_own_is_what_is_left(monkeypatch):
    """loss 50 + backward 80, of these forward 30 and the replayed backward 60: 40 are the method's; medians."""
    meter = meter_of('Supervised', 0)
    values = dict(views=5, loss=50, backward=80, optimizer=4, ema=1, total=140, forward=30, network=60)
    meter.times = {part: [value - 1, value, value + 1000] for part, value in values.items()} | dict(own=[])
    found = meter.result()
    assert found['ms'] == 140
    assert found['parts'] == dict(network=90, own=40, views=5, optimizer=4, ema=1)


def test_peak_memory_of_a_step():
    """Two tensors of 1 MB at once, the first gone before the third comes: 2 MB, and 5 bytes that were there."""

    def step():
        first = torch.zeros(2**18)
        second = first + 1
        del first
        second * 2

    assert peak_memory(step, 5, 'cpu') == pytest.approx(2 * 2**20 + 5, rel=0.01)


def test_random_batches_have_masks_on_labeled_images_alone():
    batch = random_batch(SMALL._replace(crop=40, unlabeled=3), streams=2)
    assert {view: len(images) for view, images in batch['inputs'].items()} == dict(sup=2, weak=6)
    assert all(image.shape == (3, 40, 40) and image.dtype == torch.uint8 for image in batch['inputs']['weak'])
    assert all('gt_sem_seg' in sample for sample in batch['data_samples']['sup'])
    assert not any('gt_sem_seg' in sample for sample in batch['data_samples']['weak'])
    assert set(random_batch(SMALL, streams=0)['inputs']) == {'sup'}
    assert len({sample.seed for view in batch['data_samples'].values() for sample in view}) == 8


def test_the_command_line_measures_writes_and_shows_again(tool, tmp_path, capsys):
    readme, out = tmp_path / 'README.md', tmp_path / 'deep' / 'cost.json'
    readme.write_text('<!-- benchmark:begin -->\n<!-- benchmark:end -->\n')
    line = '--network tiny --crop 32 --classes 4 --iters 1 --methods supervised mean_teacher'.split()
    line += ['--settings', 'fp32', 'bf16+channels_last']
    tool.main([*line, '--out', str(out)])
    shown = capsys.readouterr().out
    found = json.loads(out.read_text())
    pairs = [(row['method'], row['setting'], row['batch']) for row in found['rows']]
    assert pairs[1:3] == [('supervised', 'bf16+channels_last', 2), ('mean_teacher', 'fp32', 4)] and found['rounds'] == 1
    tool.main(['--table', str(out), '--readme', str(readme)])
    table = readme.read_text()
    assert capsys.readouterr().out.strip() in shown and '| Mean teacher | bf16+channels_last |' in table
    assert '| 1 + 1 | 4 + 2 |' in table and 'batch 2+2; medians of 1' in table


def test_the_table_by_hand():
    parts = dict(network=150.0, own=20.0, views=10.0, optimizer=18.0, ema=2.0)
    counts = dict(calls=dict(trained=1, other=2), images=dict(trained=4, frozen=2))
    dueb = dict(counts, method='dueb', setting='bf16', ms=200.0, batch=6, parts=parts, memory=3 * 2**20)
    rows = [dict(dueb, method='supervised', ms=100.0), dict(dueb, setting='fp32', ms=400.0), dueb]
    found = dict(setup=SMALL._asdict(), rounds=9, machine=dict(device='D', threads=1, torch='2'))
    lines = cost_report(dict(found, rows=rows)).splitlines()
    shares = '1 (and 2) | 4 + 2 | 75.0 | 10.0 | 5.0 | 9.0 | 1.0 |'
    assert f'| DUEB | bf16 | 200 | 30.0 | 3 | 0.50 | 2.00 | {shares}' in lines  # 6 images in 0.2 s
    assert any('batch 2+2; medians of 9' in line for line in lines)
    assert f'| DUEB | bf16 | 200 | 30.0 | 3 | - | - | {shares}' in cost_report(dict(found, rows=[dueb]))


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('--batch 2', '--batch 2: give the labeled and the unlabeled'),
        ('--batch 2+0', '--batch 2\\+0: give the labeled'),
        ('--cpu-time --device cuda', 'sees no CUDA device|is of the CPU'),
        ('--classes 1', '--classes at least 2'),
        ('--settings fp33', 'take shipped, or words of fp32, bf16'),
        ('--settings fp32+bf16', 'one precision'),
        ('--settings fp16', 'needs --device cuda'),
        ('--settings compile+checkpointing', 'exclude each other'),
        ('--network nothing.py', 'take one of mbv2, r50, r101, dinov2s, tiny or the path'),
        ('--methods dueb nothing', 'the methods are supervised'),
        ('--table nowhere.json', 'nowhere.json: no such file'),
    ],
)
def test_errors_tell_the_fix(tool, line, message):
    with pytest.raises(UserError, match=message):
        tool.main(line.split())


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is one')
def test_no_cuda_device(tool):
    with pytest.raises(UserError, match='sees no CUDA device'):
        tool.main(['--device', 'cuda'])


def test_networks_that_a_user_brings(tmp_path):
    """A plain mmseg config, with another number of classes than asked for."""
    path = tmp_path / 'mine.py'
    path.write_text(f'model = {tiny.tiny_segmentor(auxiliary=True).to_dict()!r}\n')
    method = build_measured_method('supervised', METHODS['supervised'], SMALL._replace(network=str(path), classes=7))
    assert method.model.student.num_classes == 7
    meter = StepMeter(method, 'cpu')
    meter.step()
    assert meter.counts['calls'] == dict(trained=1, other=1)  # the auxiliary head, within the host's loss


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), 'mallopt'), reason='glibc alone gives memory back')
def test_freed_memory_is_kept():
    """A block of 64 MiB that was freed is there again: in the end, writing to it faults no page. In its own process."""
    code = (
        'import resource, torch\n'
        'from mmseg_ssl.utils.freed_memory import keep_freed_memory\n'
        'assert keep_freed_memory()\n'
        'faults = []\n'
        'for _ in range(6):\n'
        '    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n'
        '    torch.ones(2**24)\n'
        '    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n'
        'assert faults[0] > 10 > faults[-1], faults\n'
    )
    subprocess.run([sys.executable, '-c', code], check=True, cwd=ROOT)


def test_computing_time_leaves_waiting_out():
    """Half a second of sleep passes on the wall clock alone."""
    clocks = Clock('cpu'), Clock('cpu', cpu_time=True)
    begins = [clock.mark() for clock in clocks]
    time.sleep(0.5)
    passed, computed = (clock.ms(begin, clock.mark()) for clock, begin in zip(clocks, begins))
    assert passed >= 500 > 2 * computed


@pytest.mark.parametrize(
    ('setting', 'wrapper', 'last'),
    [
        ('fp32', 'OptimWrapper', False),
        ('shipped', 'Bf16OptimWrapper', True),
        ('bf16', 'Bf16OptimWrapper', False),
        ('channels_last+checkpointing', 'OptimWrapper', True),
    ],
)
def test_settings(setting, wrapper, last):
    """Precision and layout are the setting's; the optimizer and its groups are the config's: a head of five rates."""
    method = build_measured_method('dueb', METHODS['dueb'], SMALL, setting)
    assert type(method.wrapper).__name__ == wrapper
    assert (method.model.data_preprocessor.layout == torch.channels_last) == last
    assert any(type(one).__mro__[1].__name__ == '_Checkpointed' for one in method.model.modules()) == (
        'checkpointing' in setting
    )
    rates = sorted({group['lr'] for group in method.wrapper.optimizer.param_groups})
    assert rates == pytest.approx([1e-4, 5e-4])
    meter = StepMeter(method, 'cpu')
    meter.step()
    meter.replay()
    assert meter.result()['ms'] > 0
    assert method.batch_size == 2 + 4


def test_scribbled_batches_label_few_pixels():
    sample = random_batch(SMALL._replace(crop=64), streams=0, scribbled=True)['data_samples']['sup'][0]
    labeled = sample.gt_sem_seg.data != 255
    assert labeled.float().mean() == 1 / 32
    assert torch.equal(sample.unlabeled_mask.data, ~labeled)
