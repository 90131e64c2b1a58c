"""tools/benchmark_solver.py: that it says what ran, and what did not; the crops that it loads."""

import cv2
import numpy as np
import pytest
import torch

from mmseg_ssl.tooling.benchmark.scribbled_batch import blur_and_scribble, load_crops
from mmseg_ssl.tooling.cli import UserError


def test_report(tool, capsys, tmp_path):
    """Closed form and autograd agree; a CPU runs no fused solver; with a network, the share of its training step.

    The README gets what was printed.
    """
    readme = tmp_path / 'README.md'
    readme.write_text('before\n<!-- solver:begin -->\nold\n<!-- solver:end -->\nafter\n')
    options = ['--size', '32', '32', '--repeats', '1', '--classes', '4', '--steps', '2', '--network', 'tiny']
    tool.main([*options, '--readme', str(readme)])
    printed = capsys.readouterr().out
    lines = {line.split()[0]: line for line in printed.splitlines()}
    assert lines['fused'].split() == ['fused', 'not', 'run']
    assert all('times faster' in lines[name] for name in ('gd', 'chebyshev', 'multiplicative'))
    assert 'Jaccard 1.0000' in lines['gd'] and 'Jaccard 1.0000' not in lines['multiplicative']
    energies = [lines[name].split()[2] for name in ('reference', 'gd')]
    assert float(energies[0]) == pytest.approx(float(energies[1]), abs=0.11)
    assert 'adds' in lines['share']
    command = f'$ python tools/benchmark_solver.py {" ".join(options)}'
    expected = f'before\n<!-- solver:begin -->\n```\n{command}\n{printed}```\n<!-- solver:end -->\nafter\n'
    assert readme.read_text() == expected


def test_crops_of_files(tmp_path):
    """The center of the mask; RGB images; what is missing or too small is named."""
    mask = np.arange(20 * 24, dtype=np.uint8).reshape(20, 24)
    cv2.imwrite(str(tmp_path / 'a.jpg'), np.full((20, 24, 3), (0, 0, 250), np.uint8))
    cv2.imwrite(str(tmp_path / 'a.png'), mask)
    images, truth = load_crops(tmp_path, tmp_path, 1, (8, 16))
    assert images.shape == (1, 3, 8, 16) and images[0, 0].min() > 200 and images[0, 2].max() < 50
    assert torch.equal(truth[0], torch.from_numpy(mask[6:14, 4:20]).long())
    for number, size, message in ((2, (8, 16), 'Found 1 .jpg'), (1, (40, 16), 'a.jpg is smaller than --size 40 16')):
        with pytest.raises(UserError, match=message):
            load_crops(tmp_path, tmp_path, number, size)
    (tmp_path / 'a.png').unlink()
    with pytest.raises(UserError, match='has no mask'):
        load_crops(tmp_path, tmp_path, 1, (8, 16))


def test_scribbles_are_true_and_few():
    truth = torch.randint(0, 5, (2, 256, 256))
    logits, seeds = blur_and_scribble(truth, 4)
    assert logits.shape == (2, 4, 256, 256)
    assert 0.005 < (seeds != 255).float().mean() < 0.06
    assert (seeds == truth)[seeds != 255].all() and not (seeds == 4).any()
