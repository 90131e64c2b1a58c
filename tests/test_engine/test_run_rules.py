"""Rules for a run, each asked alone: what is not the case, they do not say."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import CheckpointHook
from mmengine.optim import ConstantLR, PolyLR, PolyMomentum
from mmseg.evaluation import IoUMetric
from torch import nn
from torch.optim import SGD

from mmseg_ssl.engine import MeanTeacherHook
from mmseg_ssl.engine.paramwise_rules import paramwise_problems, paramwise_warnings
from mmseg_ssl.engine.run_rules import (
    changed_lines,
    checkpoint_warnings,
    hook_warnings,
    metric_warnings,
    mixing_warnings,
    schedule_warnings,
    view_warnings,
)

LOOP = SimpleNamespace(max_iters=20, max_epochs=2)


def schedule(kind=PolyLR, **options):
    return kind(SGD([nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9), **options)


def test_what_every_start_changes_is_not_said():
    """A run goes on in another folder, for longer, from its own weights: none of this is a changed setting."""
    before = "train_cfg = dict(max_iters=10, type='SemiTrainLoop')\nmax_iters = 10\nseed = 1"
    before += '\n    checkpoint=dict(interval=5)'
    now = before.replace('10', '200') + "\nload_from = 'a'\nresume = True\nwork_dir = 'b'\nlauncher = 'slurm'"
    now += "\nexperiment_name = 'b'\n    checkpoint='/data/a.pth',\nrandomness = dict(seed=5)"  # which stays as it was
    assert changed_lines(before, now) == []
    changed = now.replace('seed = 1', 'seed = 2').replace('interval=5', 'interval=6').replace('SemiTrain', 'Train')
    assert changed_lines(before, changed) == [
        "train_cfg = dict(max_iters=200, type='TrainLoop'",
        'seed = 2',
        'checkpoint=dict(interval=6',
    ]


def test_only_several_stages_need_a_hook():
    one, two = (SimpleNamespace(stages=dict.fromkeys(names), stage='b') for names in ('b', 'ab'))
    assert not list(hook_warnings([], one, fresh=True)) and not list(hook_warnings([], two, fresh=False))
    (text,) = hook_warnings([MeanTeacherHook()], two, fresh=True)  # another hook moves no stage
    assert 'all of the run is "b". Add it, or name in load_from the checkpoint of a run of "a".' in text


def test_a_view_that_is_not_read_is_named_once():
    """Whether it changes anything does not matter then; a model that says nothing of views may read all of them."""
    off, unknown = SimpleNamespace(changes=False), SimpleNamespace()
    model = SimpleNamespace(data_preprocessor=SimpleNamespace(strong=dict(idle=off, strong=unknown)), views=['strong'])
    (text,) = view_warnings(model)
    assert "makes the view 'idle'" in text
    del model.views
    (text,) = view_warnings(model)
    assert "the view 'idle' is the weak one" in text
    assert not list(view_warnings(SimpleNamespace())) and not list(view_warnings(nn.Linear(1, 1)))


@pytest.mark.parametrize(
    ('batch', 'ratio', 'prob', 'said'), [(1, 1, 0.5, 1), (2, 1, 0.5, 0), (1, 2, 0.5, 0), (1, 1, 0.0, 0), (1, 0, 0.5, 0)]
)
def test_an_image_mixed_with_itself(batch, ratio, prob, said):
    """The partner is the next image of the batch."""
    dataset = SimpleNamespace(unlabeled_per_labeled=ratio)
    loop = SimpleNamespace(dataloader=SimpleNamespace(batch_size=batch, dataset=dataset))
    model = SimpleNamespace(cutmix=SimpleNamespace(prob=prob))
    assert len(list(mixing_warnings(model, loop))) == said
    assert not list(mixing_warnings(SimpleNamespace(cutmix=None), loop))  # CPS without CutMix


def test_the_first_of_several_networks_is_what_the_host_scores():
    """A class of its own may score all of them."""
    own = type('OwnMetric', (IoUMetric,), {})
    model = SimpleNamespace(predictors=('teacher', 'student'))
    (text,) = metric_warnings([own(), IoUMetric()], model)
    assert 'IoUMetric scores teacher alone' in text
    assert not list(metric_warnings([own()], model)) and not list(metric_warnings([IoUMetric()], SimpleNamespace()))


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (dict(end=21, by_epoch=False), 'PolyLR ends at iteration 21, and the run at 20'),
        (dict(end=3, by_epoch=True), 'PolyLR ends at epoch 3, and the run at 2'),
        (dict(end=2, by_epoch=True), ''),
        (dict(end=20, by_epoch=False), ''),
        (dict(end=21, by_epoch=False, kind=PolyMomentum), ''),  # of the rate alone it is known what a run wants
        (dict(by_epoch=False, kind=ConstantLR), ''),  # without an end
    ],
)
def test_the_unit_of_a_schedule(options, text):
    found = [*schedule_warnings([schedule(**options)], LOOP)]
    assert found == [*schedule_warnings(dict(student=[], localizer=[schedule(**options)]), LOOP)]
    assert len(found) == bool(text) and all(text in one for one in found)
    assert not list(schedule_warnings(None, LOOP))


def test_a_loop_with_epochs_may_count_them():
    assert not list(checkpoint_warnings([CheckpointHook(5)], SimpleNamespace()))


class Network(nn.Module):
    """A trained ``stem`` and a frozen ``head``."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Linear(1, 1), nn.Linear(1, 1).requires_grad_(False)


def test_rates_of_an_own_network():
    """Its names and those of known parts are compared, frozen weights and far-off words are not."""

    def problems(constructor='', **paramwise):
        return list(paramwise_problems(paramwise, constructor, Network()))

    assert problems(custom_keys=dict(stemm={})) == [
        'optim_wrapper.paramwise_cfg.custom_keys: no weight is named stemm; did you mean stem?'
    ]
    assert problems(custom_keys={'student.neckk': {}})[0].endswith('did you mean neck?')
    assert not problems(custom_keys=dict(stem={}, neck={}, absent={}), own_setting=1)
    assert not problems(custom_keys=None) and not problems()
    # decay_rate is read by the host's constructors of layer-wise decay; elsewhere it is no setting that is misspelled
    assert problems('LayerDecayConstructor', decay_rat=0.9) and not problems('LayerDecayConstructor', decay_rate=0.9)
    assert not problems('OwnConstructor', decay_rat=0.9)
    for key in ('flat_decay_mult', 'dwconv_decay_mult', 'norm_decay_mult', 'bypass_duplicate'):
        assert not problems(**{key: 0.0}) and problems(**{f'{key}s': 0.0})


@pytest.mark.parametrize(
    ('key', 'lines'), [('stem.weight', 0), ('ste', 0), ('head', 1), ('neck', 0), ('side_heads', 0)]
)
def test_keys_that_reach_no_weight(key, lines):
    """A part of a name reaches it; the parts that only some networks have stand in schedules for all."""
    found = list(paramwise_warnings(dict(custom_keys={key: {}}), Network()))
    assert len(found) == lines and all('names are such as stem.weight' in text for text in found)
