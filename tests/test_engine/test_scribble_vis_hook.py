"""Pictures of scribbles, affinities and labels."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
import torch
from mmseg.visualization import SegLocalVisualizer
from PIL import Image

from mmseg_ssl.engine import ScribbleVisHook
from mmseg_ssl.structures import Scribbles
from mmseg_ssl.visualization import scribble_panels

PALETTE = [[200, 0, 0], [0, 200, 0], [0, 0, 200], [100, 100, 100]]


def runner_of(model, folder, iteration=4):
    visualizer = SegLocalVisualizer(vis_backends=[dict(type='LocalVisBackend')], save_dir=str(folder))
    dataset = SimpleNamespace(metainfo=dict(palette=PALETTE))
    loader = SimpleNamespace(dataset=dataset)
    return SimpleNamespace(model=model, iter=iteration, visualizer=visualizer, train_dataloader=loader)


def test_panels_by_hand():
    """Two pixels a side: seeds, an edge of colors, and labels of confidence 1 and 1/2 (of two classes: entropy 1)."""
    image = torch.zeros(1, 3, 2, 2)
    image[..., 1] = 100
    seeds, valid = torch.tensor([[[1, 255], [255, 255]]]), torch.tensor([[[True, True], [True, False]]])
    label = torch.tensor([[1.0, 0.5], [0.0, 1.0]])
    label = torch.stack([label, 1 - label])[None]
    picture = scribble_panels(Scribbles(image, seeds, valid), label, label, PALETTE, bandwidth=9.0)
    assert picture.shape == (2, 6 * 2 + 5 * 4, 3) and picture.dtype == np.uint8
    shown = [picture[:, start : start + 2] for start in range(0, 32, 6)]
    assert shown[0][0].tolist() == [[0, 0, 0], [100, 100, 100]]
    assert shown[1].tolist() == [[[0, 200, 0], [153, 153, 153]], [[128, 128, 128], [0, 0, 0]]]
    # right: exp(-3 * 100^2 / 162) = 0, below 1; then no pixel right, and void below
    assert shown[2][0].tolist() == [[128, 128, 128], [128, 128, 128]]
    assert shown[3].tolist() == [[[200, 0, 0], [200, 0, 0]], [[0, 200, 0], [200, 0, 0]]]
    assert shown[4].tolist() == [[[200, 0, 0], [100, 0, 0]], [[0, 200, 0], [200, 0, 0]]]
    assert shown[5][..., 0].tolist() == [[0, 255], [0, 0]]
    assert (picture[:, 2:6] == 255).all()


@pytest.mark.parametrize(
    'method',
    [
        'ScribbleSupervised',
        'PottsRegularized',
        'SoftSelfLabeling',
        'HardSelfLabeling',
        'TreeEnergy',
        'ScribbleMeanTeacher',
    ],
)
def test_every_method_can_be_looked_at(tmp_path, method):
    """A picture each ``interval`` iterations; weights, buffers, mode and random numbers stay as they are."""
    if method == 'HardSelfLabeling':
        pytest.importorskip('maxflow')
    model, data = tiny.build(method), tiny.batch()
    model.data_preprocessor(data, True)  # as the step has done before the hook
    before, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    hook = ScribbleVisHook(interval=5)
    hook.after_train_iter(runner_of(model, tmp_path, iteration=3), 3, data)
    assert not list(tmp_path.rglob('*.png'))
    hook.after_train_iter(runner_of(model, tmp_path), 4, data)
    (path,) = tmp_path.rglob('*.png')
    assert path.name == 'scribbles_5.png'
    picture = np.array(Image.open(path))
    assert picture.shape == (32, 6 * 32 + 20, 3)
    assert np.array_equal(picture[:, :32], data['inputs']['sup'][0].movedim(0, -1).numpy())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert model.student.training and torch.equal(torch.get_rng_state(), random)


def test_only_the_main_process_draws(tmp_path, monkeypatch):
    monkeypatch.setattr('mmengine.dist.utils.get_rank', lambda group=None: 1)
    ScribbleVisHook(interval=1).draw(runner_of(tiny.build('SoftSelfLabeling'), tmp_path), tiny.batch())
    assert not list(tmp_path.rglob('*.png'))


def test_an_interval_that_never_comes_is_refused():
    with pytest.raises(ValueError, match='at least 1, got 0'):
        ScribbleVisHook(interval=0)
