"""The value tests notice errors that someone could make."""

import subprocess
import sys

import pytest
from toy_process import ROOT


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_errors_by_hand():
    """Those of ``tests/mutations/named.py``; small ones at every place take longer, see the README there."""
    command = [sys.executable, 'tests/mutations/run.py', '--named']
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr[-2000:]


def test_errors_by_hand_are_of_this_code():
    """Whoever moves the code they are made in moves them along; the rest takes minutes, this no time."""
    code = 'import named, pathlib; print(*named.outdated(pathlib.Path.cwd()), sep="\\n", end="")'
    run = subprocess.run(
        [sys.executable, '-c', f'import sys; sys.path.insert(0, "tests/mutations"); {code}'],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout) == (0, ''), run.stdout + run.stderr
