"""tools/demo.py: two short trainings, a table and a picture."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from mmseg_ssl.tooling.cli import UserError

ROOT = Path(__file__).resolve().parents[2]


def run(out: Path, **environment) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / 'tools/demo.py'), '--out', str(out)]
    env = dict(os.environ, OMP_NUM_THREADS='1', **environment)
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=280)


@pytest.mark.slow
def test_the_demo_compares_and_draws(tmp_path):
    """Started from another folder, as users do."""
    done = run(tmp_path / 'out', DEMO_ITERS='2')
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.split('IoU in %')[1].splitlines()
    assert table[0].split() == ['supervised', 'DUEB']
    rows = {line.split()[0]: [float(value) for value in line.split()[1:]] for line in table[1:10]}
    assert list(rows)[-1] == 'mIoU'
    assert {'sky', 'pole', 'sign'} <= set(rows)
    assert all(len(values) == 2 and all(0 <= value <= 100 for value in values) for values in rows.values())
    picture = cv2.imread(str(tmp_path / 'out/demo.png'))
    assert picture.shape[1] > picture.shape[0] > 300
    assert picture.std() > 20


def test_a_failed_training_shows_its_output(tool, tmp_path):
    (tmp_path / 'output.txt').write_text('the reason')
    other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
    failing = subprocess.Popen([sys.executable, '-c', 'raise SystemExit(3)'])
    with pytest.raises(UserError, match='DUEB training failed:\nthe reason'):
        tool.wait(dict(supervised=other, dueb=failing), dict(supervised=tmp_path, dueb=tmp_path), 5)
    assert other.wait(timeout=30) != 0  # the other one does not go on alone
