"""tools/benchmark_step.py --runner: what the runner adds to the steps of a bare loop, and what is no part of it."""

import itertools
import json
import time

import pytest
import toy_parts  # noqa: F401
from load_tool import load_tool
from mmengine.config import Config
from mmengine.hooks import Hook
from mmseg.registry import HOOKS
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.models import EMATeacher
from mmseg_ssl.tooling.benchmark import bare_loop
from mmseg_ssl.tooling.benchmark.bare_loop import WARM_UP, compare_with_bare_loop, loop_report
from mmseg_ssl.tooling.benchmark.clock import Clock
from mmseg_ssl.tooling.cli import UserError

NAP = 0.1


@HOOKS.register_module(force=True)
class Napping(Hook):
    """Costs the runner time in each iteration, and remembers which."""

    naps: list = []
    workers: set = set()

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        time.sleep(NAP)
        self.workers.add(runner.train_dataloader.num_workers)
        self.naps.append(runner.iter + 1)


class Ticks(Clock):
    """Goes on by a second whenever it is looked at."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.now = itertools.count().__next__


def config_with(folder, iterations=100):
    loop = dict(type='SemiTrainLoop', max_iters=iterations, val_interval=1)
    config = toy_config(draw_images(folder / 'data'), train_cfg=loop)
    config['train_dataloader']['dataset']['log'] = str(folder / 'draws.txt')
    config['custom_hooks'] = [*config['custom_hooks'], dict(type='Napping')]
    return config


def test_blocks_of_the_same_batches_in_turns(tmp_path, monkeypatch):
    """Two images a batch and two batches a block: the runner draws four numbers, and the bare loop the same four. The
    hook is the runner's alone, both teachers follow, and nothing is validated. Looked at twice for each of the runner's
    two batches and once at the ends, the clock goes on by five in its block, by one in the other, by one for a batch.
    """
    Napping.naps.clear()
    updates, update = [], EMATeacher.update
    monkeypatch.setattr(EMATeacher, 'update', lambda *args: (updates.append(args[0]), update(*args)))
    monkeypatch.setattr(bare_loop, 'Clock', Ticks)
    found = compare_with_bare_loop(Config(config_with(tmp_path)), blocks=1, size=2)
    assert found == dict(runner=[2500.0], bare=[500.0], data=[1000.0])
    assert Napping.naps == [1, 2, 3, 4]  # one block is warm-up
    draws = (tmp_path / 'draws.txt').read_text().split()
    blocks = [draws[start : start + 4] for start in range(0, len(draws), 4)]
    assert len(blocks) == 2 * (WARM_UP + 1) and blocks[0] == blocks[1] != blocks[2] == blocks[3]
    assert len(updates) == 8 and len(set(map(id, updates))) == 2


def test_the_table_by_hand():
    """Medians 14.5 and 10; ten ratios of pairs from 1.0 to 1.9, whose ends are left out; 1.45 of 14.5 ms wait."""
    runner, bare = [10.0 + number for number in range(10)], [10.0] * 10
    times = dict(runner=runner, bare=bare, data=[1.45, 2.9, 1.45])
    found = dict(machine=dict(device='D', threads=1, torch='2'), cpu_time=True, loops=dict(own=times))
    lines = loop_report(found).splitlines()
    assert lines[2] == '| own | 14.5 | 10.0 | 1.450 | 1.10 to 1.80 | 10.0 % |'
    assert 'medians of 10 blocks in turns, time that the process computed' in lines[-1]


def test_a_line_of_it(tmp_path, capsys):
    """Of computing time: data are loaded in this process, whatever the config says."""
    config = config_with(tmp_path)
    config['train_dataloader'].update(num_workers=1, persistent_workers=True)
    path, out = write_config(tmp_path / 'own.py', config), tmp_path / 'found.json'
    Napping.workers.clear()
    tool, page = load_tool('benchmark_step'), tmp_path / 'page.md'
    tool.main(['--runner', str(path), '--iters', '1', '--cpu-time', '--out', str(out)])
    (times,) = json.loads(out.read_text())['loops'].values()
    assert 0 < times['data'][0] < times['runner'][0]
    assert Napping.workers == {0}
    shown = capsys.readouterr().out
    assert shown.startswith('| config | runner ms |')
    page.write_text('<!-- runner:begin -->\n<!-- runner:end -->\n')
    tool.main(['--table', str(out), '--readme', str(page)])
    assert shown.strip() in page.read_text()


def test_a_config_with_too_few_iterations(tmp_path):
    with pytest.raises(UserError, match='takes 10 steps; the config needs more'):
        compare_with_bare_loop(Config(config_with(tmp_path, 10)), blocks=1)
