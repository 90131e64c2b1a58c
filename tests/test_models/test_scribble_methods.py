"""Methods for scribbles: each loss against its formula, the stages, and what is inert."""

import copy
import logging
import sys
from types import SimpleNamespace

import pytest
import tiny
import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub

from mmseg_ssl.engine import StageHook
from mmseg_ssl.models import SelfLabeling, scribble_labels
from mmseg_ssl.models.losses import TreeEnergyLoss
from mmseg_ssl.models.scribble_labels import CROSS_ENTROPIES, GraphCutLabeling
from mmseg_ssl.ops.affinity import GRID_OFFSETS, edge_ends, grid_affinity
from mmseg_ssl.ops.potts import RELAXATIONS, potts
from mmseg_ssl.structures import Scribbles
from mmseg_ssl.targets import hard_self_label, self_label

METHODS = ['PottsRegularized', 'HardSelfLabeling', 'SoftSelfLabeling', 'ScribbleMeanTeacher', 'TreeEnergy']
every_relaxation = pytest.mark.parametrize('relaxation', RELAXATIONS)


def scribbled(seed=0):
    """A batch with a few labels: every eighth row is a scribble; four columns are void."""
    data = tiny.batch(seed=seed)
    for sample in data['data_samples']['sup']:
        mask = sample.gt_sem_seg.data
        mask[:, torch.arange(32) % 8 != 3] = 255
        mask[..., :4] = 255
        sample.unlabeled_mask.data = (mask == 255).index_fill(2, torch.arange(4), False)
    return data


def step_of(model, data):
    """Losses, and the labeled images' logits, seeds, colors and masks as the test looks them up for itself."""
    seen = []
    handle = model.student.register_forward_hook(lambda module, inputs, pred: seen.append(pred.logits))
    losses = tiny.loss_of(model, data)
    handle.remove()
    seeds = torch.stack([sample.gt_sem_seg.data[0] for sample in data['data_samples']['sup']]).long()
    unlabeled = torch.stack([sample.unlabeled_mask.data[0] for sample in data['data_samples']['sup']])
    images = torch.stack(data['inputs']['sup']).float()
    return losses, seen[0][: len(images)], seeds, images, unlabeled


def test_colors_are_exact():
    """Every value from 0 to 255 in every channel comes back, also laid out channels-last; nothing where nothing was
    normalized.
    """
    values = torch.arange(256, dtype=torch.uint8).view(1, 16, 16).repeat(3, 1, 1)
    imagenet = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
    for options in (imagenet, dict(imagenet, channels_last=True), dict(mean=None, std=None)):
        preprocessor = tiny.MODELS.build(tiny.preprocessor(size=None, strong=None, **options))
        data = dict(inputs=dict(sup=[values]), data_samples=dict(sup=[tiny.sample(0, values[:1])]))
        inputs = preprocessor(data, True)['inputs']['sup']
        assert torch.equal(preprocessor.denormalize(inputs), values[None].float())


def test_partial_cross_entropy():
    """The mean over scribbled pixels, whatever their number."""
    losses, logits, seeds, *_ = step_of(tiny.build('ScribbleSupervised'), scribbled())
    torch.testing.assert_close(losses['sup.loss_ce'], F.cross_entropy(logits, seeds, ignore_index=255))
    assert set(losses) == {'sup.loss_ce', 'sup.acc_seg'}


@pytest.mark.parametrize('method', ['ScribbleSupervised', 'SoftSelfLabeling', 'ScribbleMeanTeacher'])
def test_a_mean_over_all_pixels_is_refused(method):
    """Trap 6 of the host: 3 % of the pixels would be averaged as if they were all; auxiliary heads likewise."""
    segmentor = tiny.tiny_segmentor(auxiliary=True)
    segmentor['auxiliary_head']['loss_decode'] = dict(type='CrossEntropyLoss')
    with pytest.raises(ValueError, match=r'auxiliary_head.*avg_non_ignore=True'):
        tiny.build(method, segmentor=segmentor)


@every_relaxation
def test_the_regularized_loss_is_equation_4(relaxation):
    """Sums written out: eta * entropy + lambda * Potts over the grid, both divided by the unlabeled pixels."""
    potts_options = dict(relaxation=relaxation, weight=2.0, bandwidth=30.0)
    model = tiny.build('PottsRegularized', eta=0.7, potts=potts_options)
    losses, logits, seeds, images, unlabeled = step_of(model, scribbled())
    probs = logits.softmax(dim=1)
    entropy = torch.distributions.Categorical(probs=probs.movedim(1, -1)).entropy()
    torch.testing.assert_close(losses['unsup.loss_entropy'], 0.7 * entropy[unlabeled].mean(), rtol=1e-4, atol=1e-6)

    affinity, total = grid_affinity(images, 30.0, 4, unlabeled | (seeds != 255)), 0.0
    for edge, offset in enumerate(GRID_OFFSETS[4]):
        cost = potts(*edge_ends(probs, offset), relaxation)
        total = total + (cost * edge_ends(affinity[:, edge], offset)[0]).sum()
    torch.testing.assert_close(losses['unsup.loss_potts'], 2 * total / unlabeled.sum())


@pytest.mark.parametrize('cross_entropy', CROSS_ENTROPIES)
def test_the_network_step_is_equation_8(cross_entropy):
    options = dict(eta=0.4, cross_entropy=cross_entropy, relaxation='quadratic', potts_weight=3.0, bandwidth=40.0)
    losses, logits, seeds, images, unlabeled = step_of(
        tiny.build('SoftSelfLabeling', self_labeling=options), scribbled()
    )
    label = self_label(logits, images, seeds, valid=unlabeled | (seeds != 255), **options)
    y, log_probs = label.movedim(1, -1)[unlabeled], logits.log_softmax(dim=1).movedim(1, -1)[unlabeled]
    probs = log_probs.exp()
    distance = {
        'standard': -(y * log_probs).sum(dim=-1),
        'reverse': -(probs * (y + 1e-6).log()).sum(dim=-1),
        'collision': -(probs * y).sum(dim=-1).log(),
    }[cross_entropy]
    torch.testing.assert_close(losses['unsup.loss_self_label'], 0.4 * distance.mean(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(losses['sup.loss_ce'], F.cross_entropy(logits, seeds, ignore_index=255))
    torch.testing.assert_close(losses['unsup.confidence'], y.amax(dim=-1).mean())


def test_labels_of_colors():
    """Two colors, a stroke in each, and a network that knows nothing: the labels become those of the colors."""
    images, seeds = torch.full((1, 3, 12, 16), 20.0), torch.full((1, 12, 16), 255)
    images[..., 8:] = 200.0
    seeds[0, 4, 1:7], seeds[0, 8, 9:15] = 1, 3
    scribbles = Scribbles(images, seeds, torch.ones_like(seeds, dtype=torch.bool))
    label = SelfLabeling(steps=50)(0.1 * torch.randn(1, 4, 12, 16), scribbles).argmax(dim=1)
    assert (label[..., :8] == 1).all() and (label[..., 8:] == 3).all()


@pytest.mark.parametrize('method', ['SoftSelfLabeling', 'ScribbleMeanTeacher', 'HardSelfLabeling'])
def test_labels_are_of_classes_that_the_whole_image_has(method, monkeypatch):
    """A network that is sure of class 2, which has no scribble in the crop, but one in the first image."""
    taught, data = [], scribbled()
    options = dict() if method == 'HardSelfLabeling' else dict(self_labeling=dict(only_seeded_classes=True))
    if method == 'HardSelfLabeling':
        pytest.importorskip('maxflow')
    model = tiny.build(method, **options)
    for sample in data['data_samples']['sup']:
        sample.gt_sem_seg.data[sample.gt_sem_seg.data == 2] = 1
    data['data_samples']['sup'][0].set_metainfo(dict(scribbled_classes=(1, 2)))
    with torch.no_grad():
        model.student.segmentor.decode_head.conv_seg.bias[2] = 50.0
    model.onlookers.append(
        lambda network, parts: taught.append(parts['target'].label) if 'scribbles' in parts else None
    )
    tiny.loss_of(model, data)
    label = taught[0] if taught[0].dim() == 3 else taught[0].argmax(dim=1)
    assert (label[0] == 2).any() and not (label[1] == 2).any()


def test_hard_labels_and_the_robust_loss():
    pytest.importorskip('maxflow')
    options = dict(unary_weight=0.5, potts_weight=2.0)
    model = tiny.build('HardSelfLabeling', error_rate=0.3, self_labeling=options, robust_weight=3.0)
    losses, logits, seeds, images, unlabeled = step_of(model, scribbled())
    label, _ = hard_self_label(logits, images, seeds, valid=unlabeled | (seeds != 255), **options)
    prob = logits.softmax(dim=1).movedim(1, -1)[unlabeled].gather(1, label[unlabeled][:, None])
    expected = -((1 - 4 * 0.3 / 3) * prob + 0.3 / 3).log().mean()
    torch.testing.assert_close(losses['unsup.loss_robust'], 3 * expected)


def test_the_tree_energy_is_that_of_the_heads_cells():
    """Cells of 4 x 4 pixels, the stride of the head; where nothing is void their means are plain ones."""
    model, seen = tiny.build('TreeEnergy', tree=dict(weight=0.7, sigma=0.5)), []
    data = scribbled()
    for sample in data['data_samples']['sup']:
        sample.unlabeled_mask.data = sample.gt_sem_seg.data == 255
    model.student.register_forward_hook(lambda module, inputs, pred: seen.extend([inputs[0], pred]))
    losses = tiny.loss_of(model, data)
    images, pred = seen
    every = torch.ones(2, 8, 8, dtype=torch.bool)
    expected = TreeEnergyLoss(weight=0.7, sigma=0.5)(
        F.avg_pool2d(pred.logits.softmax(dim=1), 4), F.avg_pool2d(images, 4), pred.embedding, every, every
    )
    torch.testing.assert_close(losses['unsup.loss_tree'], expected)


def test_an_error_rate_for_other_classes_is_refused():
    with pytest.raises(ValueError, match=r'below 1 - 1 / C = 0\.7500'):
        tiny.build('HardSelfLabeling', error_rate=0.944)


@pytest.mark.parametrize('method', METHODS)
def test_nothing_is_solved_before_its_stage(method, monkeypatch):
    """In ``pretrain`` no solver runs, and the losses are those of scribbles alone."""

    def never(*args, **kwargs):
        raise AssertionError('solved')

    model = tiny.build(method)
    state = copy.deepcopy(model.state_dict())
    monkeypatch.setattr(scribble_labels, 'self_label', never)
    monkeypatch.setattr(scribble_labels, 'hard_self_label', never)
    if 'SelfLabeling' in method:
        with pytest.raises(AssertionError, match='solved'):
            tiny.loss_of(model, scribbled())
    model.load_state_dict(state)
    model.stage = 'pretrain'
    losses = tiny.loss_of(model, scribbled())
    plain = tiny.build('MeanTeacher' if method == 'ScribbleMeanTeacher' else 'Supervised')
    plain.load_state_dict(state, strict=False)
    expected = tiny.loss_of(plain, scribbled())
    if method == 'ScribbleMeanTeacher':
        expected['unsup.teacher_confidence'] = expected.pop('unsup.confidence')
    assert losses.keys() == expected.keys()
    for key in losses:
        torch.testing.assert_close(losses[key], expected[key], rtol=0, atol=0, msg=key)


@pytest.mark.parametrize('method', METHODS)
def test_what_is_taught_without_labels_can_be_ramped(method):
    model = tiny.build(method)
    state = copy.deepcopy(model.state_dict())
    full = tiny.loss_of(model, scribbled())
    for scale in (0.0, 0.5):
        model.load_state_dict(state)
        model.unsup_scale.fill_(scale)
        losses = tiny.loss_of(model, scribbled())
        for key in (key for key in losses if 'loss' in key):
            torch.testing.assert_close(losses[key], full[key] * (scale if key.startswith('unsup') else 1), msg=key)


@pytest.mark.parametrize('method', METHODS)
def test_void_pixels_are_inert(method):
    """No gradient reaches the logits of pixels that are neither scribbled nor unlabeled."""
    model, grads = tiny.build(method), []

    def keep(module, inputs, pred):
        pred.logits.retain_grad()
        grads.append(pred.logits)

    model.student.register_forward_hook(keep)
    losses = tiny.loss_of(model, scribbled())
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    assert grads[0].grad[:2, :, :, :4].abs().max() == 0
    assert grads[0].grad[:2, :, :, 4:].abs().amax(dim=1).min() > 0


def test_scribbles_of_labeled_images_meet_unlabeled_ones():
    """The terms are those of soft self-labeling on the scribbled part and of mean teacher on the rest."""
    model = tiny.build('ScribbleMeanTeacher', self_labeling=dict(eta=0.4))
    losses, logits, seeds, images, unlabeled = step_of(model, scribbled())
    label = self_label(logits, images, seeds, valid=unlabeled | (seeds != 255), eta=0.4)
    distance = -(label * logits.softmax(dim=1)).sum(dim=1).log()
    torch.testing.assert_close(losses['unsup.loss_self_label'], 0.4 * distance[unlabeled].mean(), rtol=1e-4, atol=1e-6)
    assert {'sup.loss_ce', 'unsup.loss_consistency', 'unsup.loss_self_label'} == {
        key for key in losses if 'loss' in key
    }


@pytest.mark.parametrize(
    ('options', 'error', 'said'),
    [
        (dict(cross_entropy='forward'), ValueError, "'standard', 'reverse', 'collision'"),
        (dict(relaxation='cubic'), ValueError, 'relaxation must be one of'),
        (dict(eta=-1.0), ValueError, 'at least 0'),
        (dict(bandwidth=0), ValueError, 'bandwidth must be above 0'),
        (dict(lamda=6.0), TypeError, 'lamda'),
    ],
)
def test_wrong_options_are_refused_when_the_model_is_built(options, error, said):
    with pytest.raises(error, match=said):
        SelfLabeling(**options)
    with pytest.raises(error, match=said), torch.device('meta'):
        SelfLabeling(**options)


def test_wrong_options_of_graph_cuts_are_refused_without_cutting(monkeypatch):
    """So a model can be built, and predict, where PyMaxflow is not installed."""
    monkeypatch.setitem(sys.modules, 'maxflow', None)
    GraphCutLabeling(unary_weight=0.1, connectivity=4)
    for options in (dict(connectivity=5), dict(max_iterations=0)):
        with pytest.raises(ValueError, match='connectivity must be one of|at least 1'):
            GraphCutLabeling(**options)
    with pytest.raises(TypeError, match='alpha'):
        GraphCutLabeling(alpha=1)


def test_stages_follow_the_iteration():
    """Also when training goes on in the middle."""
    model = tiny.build('SoftSelfLabeling')
    hook = StageHook(dict(full=3, pretrain=0))
    runner = SimpleNamespace(model=model, iter=0, max_iters=10, logger=logging.getLogger('test'))
    runner.message_hub = MessageHub('stages')
    hook.before_train(runner)
    seen = []
    for runner.iter in (0, 2, 3, 9):
        hook.before_train_iter(runner, 0)
        seen.append(model.stage)
    assert seen == ['pretrain', 'pretrain', 'full', 'full']
    with pytest.raises(ValueError, match='StageHook: starts gives each stage'):
        StageHook(dict(full=3))
    with pytest.raises(ValueError, match=r"ScribbleSupervised has the stages \(\), not \['pretrain', 'full'\]"):
        hook.before_train(SimpleNamespace(model=tiny.build('ScribbleSupervised')))
