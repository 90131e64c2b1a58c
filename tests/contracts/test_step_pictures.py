"""Every method can be looked at, and looking changes nothing."""

import copy
import io
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
import torch
from mmengine.structures import PixelData
from mmseg.visualization import SegLocalVisualizer
from PIL import Image
from test_methods import every_form, every_method, step, wrapper_of

from mmseg_ssl.engine import StepPictureHook, StepRecorder, step_picture_hook
from mmseg_ssl.visualization import step_rows

PALETTE = [[200, 0, 0], [0, 200, 0], [0, 0, 200], [100, 100, 100]]
LABELED_ALONE = {'Supervised', 'ScribbleSupervised', 'ELNWarmup'}
"""Methods that teach nothing beside ground truth."""
REGULARIZED = {'PottsRegularized', 'TreeEnergy'}
"""Methods whose losses of unlabeled pixels have no label."""


@pytest.fixture(autouse=True)
def needs_graph_cuts(request):
    if 'HardSelfLabeling' in request.node.name:
        pytest.importorskip('maxflow')


def look(model, data):
    with StepRecorder(model) as recorder:
        losses = tiny.loss_of(model, data)
    return recorder.sight, losses


@every_form
def test_looking_changes_nothing_and_shows_what_teaches(method, options):
    """Losses, buffers and random numbers are as without an onlooker and hidden masks, bit for bit. A method that
    is not named above shows image, label, weight and prediction of each network that it teaches.
    """
    model = tiny.build(method, **options)
    other, data = copy.deepcopy(model), tiny.batch()
    plain, after = tiny.loss_of(other, data), torch.get_rng_state()
    sight, losses = look(model, with_hidden_masks(data))
    assert torch.equal(torch.get_rng_state(), after)
    assert all(torch.equal(losses[key], value) for key, value in plain.items())
    assert all(torch.equal(model.state_dict()[key], value) for key, value in other.state_dict().items())
    assert not model.onlookers and not any(getattr(model, name)._forward_hooks for name in model.networks)

    assert {'sup'} <= set(sight.views) and sight.truth.shape == (32, 32)
    assert model.networks[0] in sight.labeled
    learners = {name: seen for name, seen in sight.networks.items() if seen.pred is not None}
    taught = {key.split('.')[0] for key in losses if 'unsup' in key.split('.') and 'loss' in key}
    if method in LABELED_ALONE:
        assert not taught and not learners
        return
    assert set(learners) == (taught - {'unsup'} or {'student'})
    for seen in learners.values():
        assert seen.pred.shape == seen.valid.shape == (32, 32) and seen.image.shape == (3, 32, 32)
        assert (seen.label is None) == (method in REGULARIZED)
        if seen.label is not None:
            assert seen.weight.shape == seen.label.shape == (32, 32) and seen.weight.min() >= 0
            assert (seen.truth is None) == (seen.scribbles is not None)
    assert all(values.shape == (32, 32) for seen in sight.networks.values() for values in seen.maps.values())


def with_hidden_masks(data):
    """A copy of a batch with masks beside the unlabeled images, which nothing may read."""
    data = copy.deepcopy(data)
    for number, sample in enumerate(data['data_samples']['weak']):
        mask = torch.full((1, 32, 32), number % 4, dtype=torch.uint8)
        sample.set_data(dict(hidden_sem_seg=PixelData(data=mask)))
    return data


MAPS = {
    'DUEB': {'confidence', 'variance', 'energy'},
    'ELN': {'entropy', 'localizer'},
    'FARCLUSS': {'entropy', 'label entropy', 'reliability'},
    'SoftSelfLabeling': {'label entropy'},
}


@pytest.mark.parametrize(('name', 'maps'), MAPS.items())
def test_the_maps_of_a_method_are_seen(name, maps):
    sight, _ = look(tiny.build(name), tiny.batch())
    assert maps <= {one for seen in sight.networks.values() for one in (*seen.maps, *seen.said_maps)}


def runner_of(model, folder):
    visualizer = SegLocalVisualizer(vis_backends=[dict(type='LocalVisBackend')], save_dir=str(folder))
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=list('abcd'), palette=PALETTE)))
    return SimpleNamespace(
        model=model, iter=0, max_iters=4, work_dir=str(folder), visualizer=visualizer, train_dataloader=loader
    )


@every_method
def test_a_picture_of_every_method(method, tmp_path):
    """Through a training step of the host, which trains as without."""
    torch.manual_seed(0)
    model = tiny.build(method)
    other, runner, hook = copy.deepcopy(model), runner_of(model, tmp_path), StepPictureHook(interval=1)
    hook.before_train_iter(runner, 0)
    logs = step(model, wrapper_of(model), 0)
    hook.after_train_iter(runner, 0)
    assert all(torch.equal(logs[key], value) for key, value in step(other, wrapper_of(other), 0).items())
    (path,) = tmp_path.rglob('*.png')
    picture = np.array(Image.open(path))
    assert path.name == 'step_1.png' and picture.shape[0] > 200 and picture.shape[1] > 300
    assert all(torch.equal(model.state_dict()[key], value) for key, value in other.state_dict().items())


@pytest.mark.parametrize(('main', 'drawn'), [(True, ['step_2.png']), (False, [])])
def test_the_step_that_is_due_is_drawn(main, drawn, tmp_path, monkeypatch):
    """The second of three, which says which image it shows; the first process alone draws."""
    monkeypatch.setattr(step_picture_hook, 'is_main_process', lambda: main)
    model, titles = tiny.build('MeanTeacher'), []
    draw = step_picture_hook.draw_rows
    monkeypatch.setattr(
        step_picture_hook,
        'draw_rows',
        lambda rows, title, *args, **more: titles.append(title) or draw(rows, title, *args, **more),
    )
    runner, hook = runner_of(model, tmp_path), StepPictureHook(interval=2)
    for runner.iter in range(3):
        hook.before_train_iter(runner, runner.iter)
        tiny.loss_of(model, tiny.batch())
        hook.after_train_iter(runner, runner.iter)
    assert [path.name for path in tmp_path.rglob('*.png')] == drawn
    assert titles == ['MeanTeacher, iteration 2 of 4: labeled 0.png, unlabeled 2.png'] * main


def test_tensorboard_has_the_picture(tmp_path):
    """At its iteration, in its colors: a picture of another order of channels or scale would be another one."""
    pytest.importorskip('tensorboard')
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    runner, hook = runner_of(tiny.build('MeanTeacher'), tmp_path), StepPictureHook(interval=1)
    backends = [dict(type=f'{name}VisBackend', save_dir=str(tmp_path)) for name in ('Local', 'Tensorboard')]
    runner.visualizer = SegLocalVisualizer(vis_backends=backends, save_dir=str(tmp_path))
    runner.iter = 2
    hook.before_train_iter(runner, 2)
    tiny.loss_of(runner.model, tiny.batch())
    hook.after_train_iter(runner, 2)
    runner.visualizer.close()
    (written,) = tmp_path.rglob('step_3.png')
    events = EventAccumulator(str(next(tmp_path.rglob('events.*'))))
    (event,) = events.Reload().Images('step')
    found = Image.open(io.BytesIO(event.encoded_image_string))
    assert event.step == 3 and np.array_equal(np.array(found), np.array(Image.open(written)))


def test_a_picture_on_request(tmp_path):
    """A file in the work dir asks for one, once."""
    hook, runner = StepPictureHook(interval=0), SimpleNamespace(work_dir=str(tmp_path), iter=0, max_iters=9)
    assert not hook._is_due(runner)
    (tmp_path / 'draw').touch()
    assert hook._is_due(runner) and not hook._is_due(runner)


def test_a_row_for_who_labels_and_one_for_each_learner():
    sight, _ = look(tiny.build('DUEB'), tiny.batch())
    rows = dict(step_rows(sight, PALETTE))
    assert [name.split('\n')[0] for name in rows] == ['labeled', 'labels of the', 'conservative', 'progressive']
    assert [panel.title for panel in rows['labels of the\nunlabeled']][0] == 'weak views, mixed'
    titles = [panel.title.split('\n')[0] for panel in rows['conservative\nlearns']]
    assert titles == [
        'what it sees',
        'pseudo label',
        'weight',
        'conservative predicts',
        'variance (low: sure)',
        'energy (low: sure)',
    ]
