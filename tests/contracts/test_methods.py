"""Promises of every method; the list of methods is the registry's, so a new one is held to it without being named."""

import copy
import inspect
import io

import pytest
import tiny
import torch
from mmengine.optim import OptimWrapper
from mmseg.registry import MODELS

from mmseg_ssl.compat import load_weights_only
from mmseg_ssl.models import Branch, EMATeacher, SemiSegmentor
from mmseg_ssl.models.loss_dicts import is_unlabeled_loss

METHODS = sorted(
    name
    for name, cls in MODELS.module_dict.items()
    if inspect.isclass(cls) and issubclass(cls, SemiSegmentor) and not inspect.isabstract(cls)
)
VARIANCE = dict(variance=dict(type='VarianceHead'))
# forms of a method that its options choose; options only, no method is named that is not registered
OPTIONS = {
    'MeanTeacher': dict(ce=dict(consistency='ce'), train_mode=dict(teacher=dict(eval_mode=False, buffers='average'))),
    'CPCL': dict(separate=dict(batch_statistics='separate'), eval=dict(teacher_mode='eval')),
    'PseudoLabel': dict(threshold=dict(threshold=0.5)),
    'CPS': dict(cutmix=dict(cutmix={}), eval=dict(cutmix={}, teacher_mode='eval')),
    'FixMatch': dict(
        adaptive=dict(threshold=dict(type='AdaptiveThreshold', initial=0.0)), train=dict(teacher_mode='train')
    ),
    'DUEB': {
        f'{aleatoric}-{energy}': dict(
            aleatoric=aleatoric and dict(type=f'{aleatoric}Term'), energy=energy and dict(type=energy)
        )
        for aleatoric in ('KendallGal', 'ReleaseAleatoric', None)
        for energy in ('JointEnergyTerm', 'HingeEnergyTerm', 'EnergyWeighting', 'ReleaseEnergyTerm', None)
    }
    | dict(stride=dict(aleatoric=dict(sample_stride=2)), unkept=dict(batch_statistics='separate_unkept')),
    'FARCLUSS': {mode: dict(label=dict(mode=mode)) for mode in ('hard', 'cumulative', 'full')}
    | dict(
        plain=dict(reliability=dict(form='none'), rebalancing=dict(exponent=0.0), cutmix=dict(prob=0.0)),
        inverse=dict(
            reliability=dict(form='exponential'),
            rebalancing=dict(exponent=1.0, low=0.0, high=1e4, counts='hard', momentum=1.0),
        ),
        classes=dict(rebalancing=dict(weights='class')),
        other=dict(contrast=dict(repulsion=0.5), side_heads=VARIANCE),
    ),
    'ELNWarmup': dict(release=dict(gate='batch', reduction='sum')),
    'ELN': dict(
        release=dict(
            gate='batch',
            reduction='sum',
            pseudo_mean='kept',
            student_views=('weak', 'strong'),
            contrast=dict(windows=2, positives='log_sum', anchors='teacher'),
            teacher=dict(eval_mode=False, buffers='own'),
        )
    ),
    'UniMatchV2': dict(all_dropped=dict(feature_keep=0.0)),
    'PottsRegularized': dict(
        nonlocal_edges=dict(potts=dict(neighborhood='nonlocal', normalization='edges', relaxation='log_quadratic')),
        dense_images=dict(potts=dict(neighborhood='dense', normalization='images', weight=1e-4)),
    ),
    'SoftSelfLabeling': dict(
        reverse=dict(self_labeling=dict(cross_entropy='reverse', relaxation='bilinear', only_seeded_classes=True)),
        dense=dict(self_labeling=dict(neighborhood='dense', cross_entropy='standard', resolution=8, steps=5)),
    ),
}
FORMS = [(name, 'default', {}) for name in METHODS] + [
    (name, form, options) for name in METHODS for form, options in OPTIONS.get(name, {}).items()
]
every_method = pytest.mark.parametrize('method', METHODS)
every_form = pytest.mark.parametrize(
    ('method', 'options'),
    [(name, options) for name, _, options in FORMS],
    ids=[f'{name}-{form}' for name, form, _ in FORMS],
)


def wrapper_of(model) -> OptimWrapper:
    """The optimizer that the host would build: it is given every parameter, a teacher's too."""
    return OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4))


def total(losses) -> torch.Tensor:
    """Return the losses that the host sums."""
    return sum(sum(value) if isinstance(value, list) else value for key, value in losses.items() if 'loss' in key)


def step(model, wrapper, seed, follow=True):
    """One training iteration as the loop runs it, seeds and EMA included; returns the logged values."""
    model.train()
    torch.manual_seed(seed)
    logs = model.train_step(tiny.batch(seed=seed), wrapper)
    if follow and hasattr(model, 'teacher'):
        model.teacher.update(model.student, 0.1)
    return logs


def assert_same(one, other, tolerance=None):
    assert one.keys() == other.keys()
    for key in one:
        if tolerance is None:
            assert torch.equal(one[key], other[key]), key
        else:
            torch.testing.assert_close(one[key], other[key], msg=key, **tolerance)


def test_the_registry_was_found():
    """Or all tests below would pass on nothing; and every form is of a registered method."""
    assert {'CPCL', 'DUEB', 'MeanTeacher', 'Supervised'} <= set(METHODS)
    assert set(OPTIONS) <= set(METHODS)


@every_form
def test_a_step_trains_every_parameter_and_no_teacher(method, options):
    """Finite losses; each weight gets a gradient and moves; a teacher gets none and stays."""
    model = tiny.build(method, **options)
    frozen = {key: value.clone() for key, value in model.state_dict().items() if 'teacher' in key}
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    wrapper = wrapper_of(model)
    wrapper.zero_grad = lambda **_: None  # the host clears the gradients after the step; they are what is looked at
    logs = step(model, wrapper, 1, follow=False)
    assert all(value.isfinite().all() for value in logs.values())
    for key, parameter in model.named_parameters():
        if 'teacher' in key:
            assert parameter.grad is None, key
            assert not parameter.requires_grad, key
        else:
            assert parameter.grad is not None, key
            assert parameter.grad.isfinite().all(), key
            assert not torch.equal(parameter, before[key]), key
            # a bias in front of BatchNorm has none but rounding
            assert parameter.dim() == 1 or parameter.grad.abs().max() > 1e-8, key
    if not any('average' in str(value) or 'eval_mode' in str(value) for value in options.values()):
        for key, value in frozen.items():
            assert torch.equal(value, model.state_dict()[key]), key


@every_method
def test_a_step_on_labeled_images_alone(method):
    """What supervised training learns, in every network; nothing is read of the others, and no weight is left out."""
    model = tiny.build(method)
    if model.stages or method == 'LocatedCPS':
        pytest.skip('SupervisedStartHook refuses it')
    model.labeled_alone, batch = True, tiny.batch()
    data = model.data_preprocessor(batch, True)
    data['inputs'].update({view: images * float('nan') for view, images in data['inputs'].items() if view != 'sup'})
    losses = model(**data, mode='loss')
    total(losses).backward()
    branches = [model.branch(name) for name in model.trained()]
    assert all(parameter.grad is not None for branch in branches for parameter in branch.parameters())
    fresh = tiny.build(method)
    own = [fresh.branch(name) for name in fresh.trained()]
    torch.manual_seed(0)
    known = [branch.supervised_loss(branch(data['inputs']['sup']), data['data_samples']['sup']) for branch in own]
    fresh.labeled_alone = True
    torch.manual_seed(0)
    again = fresh(**data, mode='loss')
    torch.testing.assert_close(total(again), sum(map(total, known)))
    assert not any(map(is_unlabeled_loss, losses))


@every_form
def test_the_logged_loss_is_the_sum_of_the_terms(method, options):
    """Trap 7 of the host: ``parse_losses`` sums every key with "loss" in it, so diagnostics carry no such name; and
    what trains (has a gradient) is in the sum.
    """
    losses = tiny.loss_of(tiny.build(method, **options), tiny.batch())
    for key, value in losses.items():
        assert ('loss' in key) == value.requires_grad, key
    parsed, logs = tiny.build(method, **options).parse_losses(losses)
    torch.testing.assert_close(parsed, total(losses))
    assert set(losses) <= set(logs)


@every_method
def test_same_seed_same_losses(method):
    """Two models built and trained from one seed agree bit for bit; another seed does not."""
    runs = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        model = tiny.build(method)
        wrapper = wrapper_of(model)
        runs.append([step(model, wrapper, 10 * seed + k) for k in range(2)])
    for one, other in zip(runs[0], runs[1]):
        assert_same(one, other)
    assert runs[0][1]['loss'] != runs[2][1]['loss']


@every_form
def test_loss_may_be_called_twice(method, options):
    """Under one global seed, with the buffers (BatchNorm, margins) put back."""
    model = tiny.build(method, **options)
    state = copy.deepcopy(model.state_dict())
    first = tiny.loss_of(model, tiny.batch(), seed=5)
    model.load_state_dict(state)
    assert_same(first, tiny.loss_of(model, tiny.batch(), seed=5))


@every_method
def test_unlabeled_ground_truth_is_never_read(method):
    """Attached to the unlabeled samples as a careless pipeline would, in two scramblings: nothing changes."""
    plain = tiny.batch()
    model = tiny.build(method)
    state = copy.deepcopy(model.state_dict())
    expected = tiny.loss_of(model, plain)
    for seed in range(2):
        data = copy.deepcopy(plain)
        for sample in data['data_samples']['weak']:
            mask = torch.randint(0, tiny.NUM_CLASSES, (1, 32, 32), generator=torch.Generator().manual_seed(seed))
            sample.gt_sem_seg = tiny.PixelData(data=mask.to(torch.uint8))
        model.load_state_dict(state)
        assert_same(expected, tiny.loss_of(model, data))
    data = copy.deepcopy(plain)
    data['data_samples']['sup'][0].gt_sem_seg.data.fill_(0)
    model.load_state_dict(state)
    assert total(tiny.loss_of(model, data)) != total(expected)  # labeled ground truth is


@every_form
def test_a_checkpoint_resumes_exactly(method, options):
    """Two steps, a checkpoint through a file, a new model: the third step has the same losses and gives the same
    weights, so all state across steps is in the state dict.
    """
    torch.manual_seed(0)
    model = tiny.build(method, **options)
    wrapper = wrapper_of(model)
    for seed in (1, 2):
        step(model, wrapper, seed)
    file = io.BytesIO()
    torch.save(dict(model=model.state_dict(), optimizer=wrapper.state_dict()), file)
    file.seek(0)
    saved = load_weights_only(file)
    torch.manual_seed(99)
    resumed = tiny.build(method, **options)
    resumed.load_state_dict(saved['model'])
    again = wrapper_of(resumed)
    again.load_state_dict(saved['optimizer'])
    assert_same(step(model, wrapper, 3), step(resumed, again, 3))
    assert_same(model.state_dict(), resumed.state_dict())


@every_method
def test_a_plain_checkpoint_loads_and_predicts_the_same(method):
    """Weights of a bare mmseg segmentor reach every network; ``predict`` is then the bare segmentor's, bit for bit."""
    bare = MODELS.build(copy.deepcopy(tiny.tiny_segmentor(auxiliary=True)))
    for parameter in bare.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    bare.eval()
    model = tiny.build(method, segmentor=tiny.tiny_segmentor(auxiliary=True)).eval()
    result = model.load_state_dict(bare.state_dict(), strict=False)
    assert not result.unexpected_keys
    assert not [key for key in result.missing_keys if '.segmentor.' in key]
    images, samples = torch.randn(2, 3, 32, 32), [tiny.sample(i, ori_shape=(20, 44)) for i in range(2)]
    expected = bare.predict(images, copy.deepcopy(samples))
    for name in model.networks:
        model.predict_on = name
        for one, other in zip(model.predict(images, samples), expected):
            assert torch.equal(one.seg_logits.data, other.seg_logits.data)
            assert torch.equal(one.pred_sem_seg.data, other.pred_sem_seg.data)


def finite_gradients(model, losses):
    assert all(value.isfinite().all() for value in losses.values())
    total(losses).backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), key


@every_form
def test_all_ignored_ground_truth(method, options):
    """Nothing is said about the labeled images; the supervised terms are 0, and everything is finite."""
    model = tiny.build(method, **options)
    data = tiny.batch()
    for sample in data['data_samples']['sup']:
        sample.gt_sem_seg.data.fill_(255)
    losses = tiny.loss_of(model, data)
    finite_gradients(model, losses)
    for key, value in losses.items():
        if (
            'sup.loss' in key
            and 'unsup' not in key
            and (options.get('aleatoric') or {}).get('type') != 'ReleaseAleatoricTerm'
        ):
            assert value == 0, key


@every_form
def test_crops_that_are_all_padding(method, options):
    """No pixel of the unlabeled images is image: their terms are 0, not NaN."""
    model = tiny.build(method, **options)
    data = model.data_preprocessor(tiny.batch(), True)
    for sample in data['data_samples']['weak']:
        sample.set_metainfo(dict(img_shape=(0, 0)))
    losses = model(**data, mode='loss')
    finite_gradients(model, losses)
    for key, value in losses.items():
        if key.endswith(('loss_pseudo', 'loss_consistency', 'loss_fuzzy')):
            assert value == 0, key


@every_form
def test_padding_is_inert(method, options):
    """Unlabeled crops whose right half is padding: no term has a gradient on the logits there but beside it."""
    model = tiny.build(method, **options)
    seen = []

    def keep(module, inputs, pred):
        if pred.logits.requires_grad:
            pred.logits.retain_grad()
            seen.append(pred.logits)

    for name in model.networks:
        getattr(model, name).register_forward_hook(keep)
    data = tiny.batch()
    data['inputs']['weak'] = [image[:, :, :16] for image in data['inputs']['weak']]
    finite_gradients(model, tiny.loss_of(model, data))
    unlabeled = [logits.grad for logits in seen if logits.grad is not None]
    # labeled images come first, in the same call or in a call of their own
    unlabeled = [grad[2:] for grad in unlabeled if len(grad) > 2] or unlabeled[1::2]
    for grad in unlabeled:
        assert grad[..., 16:].abs().max() == 0
        assert grad[..., :16].abs().max() > 0
    assert unlabeled or model.views == ('sup',)


@every_method
def test_a_missing_view_is_named(method):
    model = tiny.build(method)
    data = model.data_preprocessor(tiny.batch(), True)
    for view in model.views:
        inputs = {name: images for name, images in data['inputs'].items() if name != view}
        with pytest.raises(ValueError, match=rf'{method} needs the views .*{view}.*Train on a SemiDataset'):
            model(inputs, data['data_samples'], mode='loss')
    with pytest.raises(ValueError, match='the batch has Tensor'):
        model(torch.zeros(1, 3, 32, 32), [], mode='loss')


@every_method
def test_auxiliary_heads_train(method):
    model = tiny.build(method, segmentor=tiny.tiny_segmentor(auxiliary=True))
    wrapper = wrapper_of(model)
    wrapper.zero_grad = lambda **_: None
    logs = step(model, wrapper, 1)
    trained = [name for name in model.networks if isinstance(getattr(model, name), Branch)]
    assert sum('aux.loss_ce' in key for key in logs) == len(trained)
    for name in trained:
        for key, parameter in getattr(model, name).segmentor.auxiliary_head.named_parameters():
            assert parameter.grad is not None, key


@every_form
def test_bf16_autocast(method, options):
    """Trap 10 of the host: finite, fp32 losses, near those of fp32."""
    model = tiny.build(method, **options)
    state = copy.deepcopy(model.state_dict())
    exact = tiny.loss_of(model, tiny.batch())
    model.load_state_dict(state)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = tiny.loss_of(model, tiny.batch())
    finite_gradients(model, losses)
    assert {value.dtype for value in losses.values()} == {torch.float32}
    for key in losses:
        if 'sup.loss_ce' in key:
            torch.testing.assert_close(losses[key], exact[key], rtol=0.05, atol=0.05)


@every_method
def test_a_trained_network_is_called_once_a_step_with_a_gradient(method):
    """Trap 9 of the host: labeled and unlabeled images of a step share the call, or DDP's reducer and BatchNorm
    see two; teachers and label makers run without a gradient.
    """
    model = tiny.build(method)
    calls = {}
    for name in model.networks:
        network = getattr(model, name)
        branch = network.network if isinstance(network, EMATeacher) else network
        branch.register_forward_pre_hook(
            lambda *_, name=name: calls.setdefault(name, []).append(torch.is_grad_enabled())
        )
    tiny.loss_of(model, tiny.batch())
    for name in model.networks:
        trained = isinstance(getattr(model, name), Branch)
        assert calls[name].count(True) == (1 if trained else 0), name


@every_method
def test_odd_crops_and_one_image(method):
    """Sizes that no stride divides, one labeled image."""
    model = tiny.build(method, data_preprocessor=tiny.preprocessor(size=None))
    finite_gradients(model, tiny.loss_of(model, tiny.batch(labeled=1, size=27)))


@every_method
def test_options_of_mmseg_have_their_place(method):
    """``test_cfg`` beside the wrapper would be ignored silently."""
    with pytest.raises(ValueError, match=r'belong to model\.segmentor'):
        tiny.build(method, test_cfg=dict(mode='slide'))
