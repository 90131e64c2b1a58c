"""The fused solver takes the steps of the plain one: on a GPU where there is one, else in Triton's interpreter."""

import itertools
import math
import os
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
if DEVICE == 'cpu':
    os.environ.setdefault('TRITON_INTERPRET', '1')  # read when Triton is imported
pytest.importorskip('triton', reason='needs Triton, 300 MB that are not locked: pip install triton, then run this file')

from mmseg_ssl.ops import fused_kernels, fused_updates  # noqa: E402
from mmseg_ssl.ops.potts import RELAXATIONS  # noqa: E402
from mmseg_ssl.ops.potts_solvers import multiplicative_updates  # noqa: E402
from mmseg_ssl.ops.unary import UNARIES  # noqa: E402
from mmseg_ssl.targets import self_label  # noqa: E402
from mmseg_ssl.targets.labeling_problem import labeling_problem  # noqa: E402

if DEVICE == 'cpu' and not fused_kernels.INTERPRETED:
    pytest.skip('Triton was imported before, not to be interpreted; run this file alone', allow_module_level=True)

COMBINATIONS = list(itertools.product(RELAXATIONS, UNARIES, (4, 8)))
# every relaxation, every unary with either neighborhood; the interpreter takes a second a case
FAST = [('collision_divergence', unary, 4) for unary in UNARIES]
FAST += [(relaxation, 'collision', 8) for relaxation in RELAXATIONS]
CASES = [pytest.param(*case, marks=[] if case in FAST else pytest.mark.slow) for case in COMBINATIONS]

# what padded lanes of a tile compute is not stored
pytestmark = pytest.mark.filterwarnings('ignore:(invalid value|divide by zero):RuntimeWarning')


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """Several blocks per image, and several per program."""
    monkeypatch.setattr(fused_updates, 'TILE', 64)
    monkeypatch.setattr(fused_updates, 'PARTS', 2)


def scene(size=(2, 3, 5, 9), dtype=torch.float32):
    """Noisy logits and colors, one pixel in ten scribbled."""
    logits, images = 3 * torch.randn(size, dtype=dtype), 12 * torch.randn(size[0], 3, *size[2:], dtype=dtype)
    drawn = torch.rand(size[0], *size[2:]) < 0.1
    return [x.to(DEVICE) for x in (logits, images, torch.randint(size[1], drawn.shape).where(drawn, 255))]


def both(energy, labels, steps=2, **options):
    """The labels of the fused and of the plain solver."""
    solvers = fused_updates.fused_updates, multiplicative_updates
    return [solve(energy, labels.clone(), steps, **options) for solve in solvers]


@pytest.mark.parametrize('relaxation, unary, connectivity', CASES)
def test_takes_the_plain_steps(relaxation, unary, connectivity):
    """45 pixels in tiles of 16, two images. In fp64: a quotient of small forces magnifies rounding a thousandfold."""
    options = dict(relaxation=relaxation, cross_entropy=unary, connectivity=connectivity)
    problem = labeling_problem(*scene(dtype=torch.float64), **options)
    torch.testing.assert_close(*both(*problem), rtol=0, atol=1e-10)


@pytest.mark.parametrize('size', [(1, 2, 3, 4), (1, 1, 4, 5), (1, 21, 3, 5), (1, 3, 1, 1), (1, 3, 7, 1)])
def test_odd_sizes(size):
    """Two classes, one, 21 in a tile of 32; one pixel; one column, where a diagonal edge leads nowhere."""
    torch.testing.assert_close(*both(*labeling_problem(*scene(size), connectivity=8)), rtol=0, atol=1e-5)


def test_padding_seeds_and_images_without_either():
    """NaN in the padding; images without a seed, of seeds only, and with nothing valid; cells first."""
    logits, images, seeds = scene((4, 3, 5, 6))
    valid = torch.ones_like(seeds, dtype=torch.bool)
    valid[0, :, 4:], valid[3] = False, False
    logits[0, :, :, 4:], images[0, :, :, 4:] = math.nan, math.nan
    seeds[1], seeds[2] = 255, 1
    problem = logits, images, seeds
    fused, plain = (self_label(*problem, valid=valid, solver=name, steps=2) for name in ('fused', 'multiplicative'))
    torch.testing.assert_close(fused, plain, rtol=0, atol=1e-5)
    seeded = ((seeds != 255) & valid).unsqueeze(1)
    one_hot = F.one_hot(seeds.clamp(max=2), 3).movedim(-1, 1).float()
    assert torch.equal(fused.where(seeded, 0), one_hot.where(seeded, 0))


@pytest.mark.parametrize('tolerance', [0, 0.02])
def test_refuses_and_stops_as_the_plain_solver(tolerance):
    """Images refuse steps of their own, one the very first, so that its steps are halved; the energy never rises."""
    torch.manual_seed(0)
    problem = scene((2, 3, 3, 5), torch.float64)
    energy, labels = labeling_problem(*problem, cross_entropy='quadratic')
    plain = [energy(multiplicative_updates(energy, labels.clone(), steps, tolerance)) for steps in range(11)]
    gains = torch.stack(plain).diff(dim=0)
    assert (gains <= 0).all()
    assert gains[0].tolist().count(0) == 1  # refused, in one image
    assert (gains[1:] == 0).any(dim=0).all()  # and later, or stopped
    for steps in (1, 2, 10):
        torch.testing.assert_close(*both(energy, labels, steps, tolerance=tolerance), rtol=0, atol=1e-9)


@pytest.mark.skipif(DEVICE == 'cuda', reason='a GPU is there')
def test_needs_a_gpu_or_the_interpreter(monkeypatch):
    monkeypatch.setattr(fused_kernels, 'INTERPRETED', False)
    with pytest.raises(ValueError, match='labels are on cpu'):
        self_label(*scene(), solver='fused')


@pytest.mark.slow
def test_compiles_for_gpus(root, tmp_path):
    """Machine code for two generations, which needs none of them; in a process where Triton is not interpreted."""
    environment = dict(os.environ, TRITON_INTERPRET='0', TRITON_CACHE_DIR=str(tmp_path))
    subprocess.run([sys.executable, str(root / 'tests/test_ops/compile_fused.py')], env=environment, check=True)
