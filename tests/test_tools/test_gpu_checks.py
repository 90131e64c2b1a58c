"""tools/gpu_checks.py: what it says of a measurement, of a part of one and of none; and that a CPU runs every line."""

import json

import pytest
import torch
from toy_process import ROOT

from mmseg_ssl.tooling.accelerator_checks import DRY, FULL
from mmseg_ssl.tooling.accelerator_report import accelerator_report
from mmseg_ssl.tooling.cli import UserError

STEP = dict(method='supervised', network='r50', side=321, setting='fp32', ms=200.0, batch=4, memory=3 * 2**20)
FOUND = dict(
    machine='GPU',
    torch='2',
    commit='1a2b',
    problems=dict(steps='the time was over'),
    checks=dict(
        solver=dict(ms=dict(gd=100.0, multiplicative=10.0, fused=4.0), memory_in_logits=dict(fused=3.5), step_ms=40.0),
        syncs=dict(dueb=dict(waits=0), cps=dict(waits=2)),
        loop=dict(runner_ms=105.0, data_ms=2.1, bare_ms=100.0),
        steps=[STEP, dict(STEP, setting='bf16', ms=100.0)],
    ),
)


def measured(found):
    """First words of a row -> its last cell."""
    rows = [line.strip('| ').split(' | ') for line in accelerator_report(found).splitlines() if line.startswith('|')]
    return {row[0]: row[-1] for row in rows[2:]}


def test_the_table_by_hand():
    """25 = 100 / 4, 2.5 = 10 / 4; 4 of 40 ms; 2.1 of 105 ms wait; 4 images in 0.1 s, half the time of fp32."""
    assert list(measured(FOUND).values()) == [
        *('25.0', '2.5', '10.0 %', '3.50', 'cps 2', '1.05', '2.0 %'),
        '200 ms, 20.0 images/s, 3 MB, 1.00 of fp32',
        '100 ms, 40.0 images/s, 3 MB, 0.50 of fp32',
    ]
    assert '- steps: the time was over' in accelerator_report(FOUND)
    assert 'GPU, PyTorch 2, commit 1a2b' in accelerator_report(FOUND)
    quiet = dict(FOUND, checks=dict(syncs=dict(dueb=dict(waits=0))))
    assert '0 in all 1' in measured(quiet).values()


def test_what_was_not_measured_says_so(tool):
    """The page shows the table of no measurement until there is one."""
    rows = measured(None)
    assert len(rows) == 8 and set(rows.values()) == {'not run'}
    page = (ROOT / 'docs' / 'scaling.md').read_text()
    assert f'<!-- gpu:begin -->\n{accelerator_report(None)}\n<!-- gpu:end -->' in page


def test_one_check_that_fails_does_not_cost_the_others(tool, tmp_path, monkeypatch):
    def broken(scale):
        raise ValueError('no kernel\nfor this')

    def steps(scale):
        yield STEP
        raise RuntimeError('out of memory')

    monkeypatch.setattr(tool, 'CHECKS', dict(solver=broken, syncs=lambda scale: dict(dueb=dict(waits=0))))
    monkeypatch.setattr(tool, 'check_steps', steps)
    found = tool.run_checks(DRY, tmp_path / 'deep' / 'found.json', 60)
    assert found['problems'] == dict(solver='ValueError: no kernel', steps='RuntimeError: out of memory')
    assert found['checks'] == dict(syncs=dict(dueb=dict(waits=0)), steps=[STEP])
    assert json.loads((tmp_path / 'deep' / 'found.json').read_text()) == found
    late = tool.run_checks(DRY, tmp_path / 'late.json', -1)
    assert set(late['problems'].values()) == {'the time was over'}


def test_a_dry_run_does_what_a_gpu_would():
    """The same checks, networks and settings of every kind; only sizes and device differ."""
    assert FULL.cuda and not DRY.cuda
    assert {side for _, side, _ in FULL.steps} == {321, 513, 801, 518}
    assert FULL.solver == ('r101', 12, 21, 513)
    assert set(DRY.settings) <= set(FULL.settings)


def test_errors_tell_the_fix(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    for line, message in (
        ('', '--dry-run tries everything'),
        ('--dry-run --readme docs/scaling.md', 'Leave --readme out'),
        ('--table nowhere.json', 'no such file'),
    ):
        with pytest.raises(UserError, match=message):
            tool.main(line.split())
    shown = tmp_path / 'found.json'
    shown.write_text(json.dumps(FOUND))
    page = tmp_path / 'page.md'
    page.write_text('<!-- gpu:begin -->\n<!-- gpu:end -->\n')
    tool.main(['--table', str(shown), '--readme', str(page)])
    assert '| cps 2 |' in page.read_text()


@pytest.mark.slow
def test_every_line_runs_on_a_cpu(tool, tmp_path):
    tool.main(['--dry-run', '--out', str(tmp_path / 'found.json')])
    found = json.loads((tmp_path / 'found.json').read_text())
    assert found['problems'] == {}
    assert set(found['checks']) == {'syncs', 'solver', 'loop', 'steps'}
    assert found['dry_run']
