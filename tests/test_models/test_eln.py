"""``ELNWarmup`` and ``ELN``: who teaches whom, the options of the public code, and the stages."""

import copy
import logging
from types import SimpleNamespace

import pytest
import tiny
import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub

from mmseg_ssl.engine.eln_stage_hook import ELNStageHook
from mmseg_ssl.models import auxiliary_decoders
from mmseg_ssl.models.label_modes import labeling_mode
from mmseg_ssl.models.sampled_contrast import kept_classes
from mmseg_ssl.structures import PixelTarget


def gradients(model, losses, chosen):
    """Return the parts that get a gradient from the chosen terms."""
    sum(value for key, value in losses.items() if chosen(key) and 'loss' in key).backward()
    touched = {
        key.split('.')[0] if 'segmentor' not in key else key.split('.')[2]
        for key, parameter in model.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().sum() > 0
    }
    model.zero_grad(set_to_none=True)
    return touched


@pytest.mark.parametrize(
    ('part', 'touched'),
    [
        ('sup.', {'backbone', 'decode_head'}),
        ('decoder_', {'auxiliary'}),
        ('localizer.', {'localizer'}),
        ('unsup.loss_pseudo', {'backbone', 'decode_head'}),
        ('unsup.loss_contrast', {'backbone', 'decode_head', 'student'}),
    ],
)
def test_every_term_teaches_its_part_alone(part, touched):
    """Auxiliary decoders and localizer leave encoder and decoder alone; unlabeled terms leave the localizer alone."""
    model = tiny.build('ELN')
    assert gradients(model, tiny.loss_of(model, tiny.batch()), lambda key: key.startswith(part)) == touched


def test_the_stages():
    """pretrain: the supervised loss, as Supervised has it; warmup: eq. 7; semi: all."""
    model = tiny.build('ELN')
    parts = {}
    for stage in model.stages:
        model.stage = stage
        parts[stage] = {key.split('.')[0] for key in tiny.loss_of(model, tiny.batch())}
    labeled = {'sup', 'decoder_0', 'decoder_1', 'localizer'}
    assert parts == dict(pretrain={'sup'}, warmup=labeled, semi=labeled | {'unsup'})

    model.stage = 'pretrain'
    plain = tiny.build('Supervised')
    plain.load_state_dict(model.state_dict(), strict=False)
    model = copy.deepcopy(model)
    assert torch.equal(
        tiny.loss_of(plain, tiny.batch())['sup.loss_ce'], tiny.loss_of(model, tiny.batch())['sup.loss_ce']
    )


@pytest.mark.parametrize('gate', ['image', 'batch'])
def test_auxiliary_losses_by_hand(gate):
    """Main losses 0.1 and 1, auxiliary ones 3 and 3 (in nats, made by logits), alpha 20: the first image is taught and
    the second not: 3 / 2. Over the batch 3 < 20 * 0.55: nothing. alpha 2 teaches both in either way: 3.
    """
    model = tiny.build('ELNWarmup', slack=(20.0, 2.0), gate=gate)
    label = torch.zeros(2, 1, 4).long()
    label[:, :, -1] = 255

    def of_cost(costs):  # two classes; logits (0, z) cost ln(1 + e^z) for class 0
        costs = torch.tensor(costs)
        logits = torch.zeros(2, 2, 1, 4)
        logits[:, 1] = (costs.exp() - 1).log()[:, None, None]
        logits[..., -1] = 50  # ignored
        return logits

    main, aux = of_cost([0.1, 1.0]), of_cost([3.0, 3.0])
    losses = model.auxiliary.losses(main, [aux, aux], label)
    torch.testing.assert_close(losses['decoder_0.loss_constrained'], torch.tensor(1.5 if gate == 'image' else 0.0))
    torch.testing.assert_close(losses['decoder_1.loss_constrained'], torch.tensor(3.0))
    assert losses['decoder_0.taught'] == (0.5 if gate == 'image' else 0)


@pytest.mark.parametrize(('everywhere', 'taught'), [((0.1, 3.0), 1), ((1.0, 3.0), 0)])
def test_the_batch_is_that_of_all_processes(monkeypatch, everywhere, taught):
    """The mean over processes decides (alpha 20: 3 > 2, 3 < 20), and is logged; the gradient is one's own."""
    agreed = iter(everywhere)
    monkeypatch.setattr(auxiliary_decoders, 'all_reduce', lambda value, op: value.fill_(next(agreed)))
    model = tiny.build('ELNWarmup', slack=(20.0,), gate='batch')
    own, label = torch.randn(2, 4, 3, 3, requires_grad=True), torch.randint(0, 4, (2, 3, 3))
    loss = model.auxiliary.losses(torch.randn(2, 4, 3, 3), [own], label)['decoder_0.loss_constrained']
    torch.testing.assert_close(loss, torch.tensor(3.0 * taught))
    loss.backward()
    expected = torch.autograd.grad(F.cross_entropy(own, label), own)[0] * taught
    torch.testing.assert_close(own.grad, expected)


def test_number_of_decoders_and_reduction():
    """K of them, started apart; the sum over K + 1 predictions is K + 1 times the mean."""
    for slack in ((), (20.0,), (20.0, 50.0, 100.0)):
        model = tiny.build('ELNWarmup', slack=slack)
        state = copy.deepcopy(model.state_dict())
        losses = tiny.loss_of(model, tiny.batch())
        assert sum('constrained' in key for key in losses) == len(slack)
        model.load_state_dict(state)
        model.reduction = 'sum'
        summed = tiny.loss_of(model, tiny.batch())
        expected = (len(slack) + 1) * losses['localizer.loss_detection']
        torch.testing.assert_close(summed['localizer.loss_detection'], expected)
    first, second = (head.convs[0].conv.weight for head in list(model.auxiliary)[:2])
    assert not torch.equal(first, second)


def slow_contrast(student, teacher, labels, temperature):
    """Eq. 10 over the whole batch, all pixels, in loops."""
    own, other = (F.normalize(x, dim=1).movedim(1, -1).flatten(0, 2) for x in (student, teacher))
    d, labels = (own @ other.T / temperature).exp(), labels.flatten().tolist()
    total, count = 0.0, 0
    for i, y in enumerate(labels):
        if y == 255:
            continue
        count += 1
        negatives = sum(d[i, k] for k, z in enumerate(labels) if z not in (y, 255))
        total -= sum((d[i, j] / (d[i, j] + negatives)).log() for j, z in enumerate(labels) if z == y)
    return total / count


@pytest.mark.parametrize('anchors', ['student', 'teacher'])
def test_contrast_is_equation_10_when_all_pixels_are_sampled(anchors):
    """Labels and weights at full size, embeddings at half of it: the middle pixel of each cell counts."""
    model = tiny.build('ELN', contrast=dict(positives='sum', samples_per_class=24, anchors=anchors))
    student, teacher = torch.randn(2, 5, 3, 4, requires_grad=True), torch.randn(2, 5, 3, 4)
    small = torch.randint(0, 3, (2, 3, 4))
    weight = (torch.rand(2, 3, 4) < 0.7).float()
    grow = lambda x: x.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)  # noqa: E731
    target = PixelTarget(grow(small), grow(weight))
    loss = model.contrast(student, teacher, kept_classes(target, (3, 4)))
    kept = small.where(weight > 0, torch.tensor(255))
    pair = (student, teacher) if anchors == 'student' else (teacher, student)
    torch.testing.assert_close(loss, slow_contrast(*pair, kept, 0.5))
    loss.backward()
    silent = (weight == 0)[:, None].expand_as(student)
    assert student.grad[silent].abs().max() == 0
    assert student.grad[~silent].abs().max() > 0


def test_rejected_pixels_teach_nothing():
    """A localizer that believes nothing: no unlabeled loss, a zero gradient; nothing is kept."""
    model = tiny.build('ELN', threshold=1.0)
    losses = tiny.loss_of(model, tiny.batch())
    assert losses['unsup.loss_pseudo'] == losses['unsup.loss_contrast'] == losses['unsup.kept'] == 0
    assert gradients(model, losses, lambda key: key.startswith('unsup')) == set()


def test_the_mean_of_the_pseudo_loss():
    """By hand from the parts: over all pixels the kept share is a factor that the mean over kept pixels has not."""
    model = tiny.build('ELN', threshold=0.5)
    state = copy.deepcopy(model.state_dict())
    over_all = tiny.loss_of(model, tiny.batch())
    assert 0 < over_all['unsup.kept'] < 1
    model.load_state_dict(state)
    model.pseudo_mean = 'kept'
    over_kept = tiny.loss_of(model, tiny.batch())['unsup.loss_pseudo']
    torch.testing.assert_close(over_kept * over_all['unsup.kept'], over_all['unsup.loss_pseudo'])


def test_views_of_the_student():
    """The weak view too, in the same call. Where the strong view is the weak one, each of two terms is the same."""
    plain = tiny.preprocessor(strong=dict(type='StrongAugment', jitter_prob=0, grayscale_prob=0, blur_prob=0))
    segmentor = tiny.tiny_segmentor(decode_head=tiny.fcn_head(dropout_ratio=0.0))
    options = dict(data_preprocessor=plain, segmentor=segmentor, contrast=dict(samples_per_class=256))
    model = tiny.build('ELN', student_views=('strong',), **options)
    model.student.eval()  # BatchNorm would see other images
    one = tiny.loss_of(model, tiny.batch())
    model.student_views = ('weak', 'strong')
    both = tiny.loss_of(model, tiny.batch())
    for term in ('unsup.loss_pseudo', 'unsup.loss_contrast'):
        assert one[term] > 0
        torch.testing.assert_close(both[term], 2 * one[term])


def test_unlabeled_terms_follow_the_ramp():
    """Half the scale, half the terms, and nothing else changes."""
    model = tiny.build('ELN')
    state = copy.deepcopy(model.state_dict())
    whole = tiny.loss_of(model, tiny.batch())
    model.load_state_dict(state)
    model.unsup_scale.fill_(0.5)
    for key, value in tiny.loss_of(model, tiny.batch()).items():
        torch.testing.assert_close(value, whole[key] * (0.5 if 'unsup.loss' in key else 1), msg=key)


def test_the_gate_is_plain_cross_entropy_whatever_the_head_is_trained_with():
    """Eq. 3 compares decoders by eq. 1: hard pixels and class weights of the decode head are the student's alone."""
    hard = dict(type='HardPixelCrossEntropy', threshold=0.7, min_kept=5, class_weight=[0.5, 1.0, 2.0, 1.0])
    found = []
    for loss in (hard, dict(type='CrossEntropyLoss', avg_non_ignore=True)):
        torch.manual_seed(0)
        model = tiny.build('ELNWarmup', segmentor=tiny.tiny_segmentor(decode_head=tiny.fcn_head(loss_decode=loss)))
        found.append(tiny.loss_of(model, tiny.batch()))
    for key in found[0]:
        if key.startswith(('decoder', 'localizer')):
            assert torch.equal(found[0][key], found[1][key]), key
    assert found[0]['sup.loss_ohem'] != found[1]['sup.loss_ce']


def test_baselines_take_the_place_of_the_localizer():
    """Threshold and correction: the flow is the same, the judge another."""
    model = tiny.build('ELN', localizer=dict(type='ConfidenceThreshold'), slack=(), threshold=0.3)
    losses = tiny.loss_of(model, tiny.batch())
    assert not any(key.startswith(('localizer', 'decoder')) for key in losses)
    model = tiny.build('ELN', localizer=dict(tiny.LOCALIZER, type='ErrorCorrector'))
    losses = tiny.loss_of(model, tiny.batch())
    assert losses['unsup.kept'] == 1 and losses['localizer.loss_correction'] > 0


def test_each_loss_alone():
    """Table 6: weights of 0 switch a term off."""
    model = tiny.build('ELN', contrast_weight=0.0)
    losses = tiny.loss_of(model, tiny.batch())
    assert losses['unsup.loss_contrast'] == 0 < losses['unsup.loss_pseudo']


def test_the_localizer_judges_in_eval_mode_and_learns_in_train_mode():
    model = tiny.build('ELN')
    before = copy.deepcopy(model.localizer.state_dict())
    with labeling_mode(model.localizer):
        model.localizer(torch.randn(1, 3, 32, 32), torch.randn(1, 4, 32, 32))
    after = model.localizer.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)  # no BatchNorm statistics of unlabeled images
    assert model.localizer.training and model.localizer.backbone.training


def test_stage_one_checkpoint_starts_stage_two():
    first = tiny.build('ELNWarmup')
    second = tiny.build('ELN')
    result = second.load_state_dict(first.state_dict(), strict=False)
    assert not result.unexpected_keys
    assert all('teacher' in key or 'projection' in key for key in result.missing_keys)


def test_one_network_is_judged_at_inference():
    """Of several that predict, the first: its prediction is the one that is given."""
    model = tiny.build('ELN', predict_on=('teacher', 'student'), predict_correctness=True).eval()
    calls = []
    model.localizer.register_forward_hook(lambda *_: calls.append(1))
    result = model.predict(torch.randn(1, 3, 32, 32), [tiny.sample(0)])[0]
    assert len(calls) == 1 and 'correctness' in result and 'pred_sem_seg_student' in result


def test_correctness_map():
    """At the size of the original image, only where asked for; the student's prediction does not change."""
    model = tiny.build('ELN').eval()
    images, samples = torch.randn(2, 3, 32, 32), [tiny.sample(i, ori_shape=(20, 44)) for i in range(2)]
    plain = model.predict(images, samples)
    assert 'correctness' not in plain[0]
    model.predict_correctness = True
    judged = model.predict(images, samples)
    for one, other in zip(plain, judged):
        assert torch.equal(one.seg_logits.data, other.seg_logits.data)
        correctness = other.correctness.data
        assert correctness.shape == (1, 20, 44)
        assert 0 < correctness.min() and correctness.max() < 1


def runner_of(model, iteration=0):
    return SimpleNamespace(
        model=model, iter=iteration, max_iters=8, logger=logging.getLogger('test'), message_hub=MessageHub('eln')
    )


def test_stages_follow_the_iteration():
    """Also when training goes on in the middle; the teacher begins with the student when its stage begins."""
    model = tiny.build('ELN')
    hook = ELNStageHook(dict(pretrain=0, warmup=3, semi=5), reset_interval=2)
    hook.before_train(runner_of(model))
    weight = model.teacher.network.segmentor.decode_head.conv_seg.weight
    student = model.student.segmentor.decode_head.conv_seg.weight
    seen = []
    for iteration in range(8):
        torch.nn.init.constant_(student, float(iteration))
        hook.before_train_iter(runner_of(model, iteration), 0)
        seen.append(model.stage)
        if iteration == 5:
            assert weight.mean() == 5
        if iteration == 6:
            assert weight.mean() == 5 and student.mean() == 6
        if iteration == 7:  # two iterations after the start
            assert weight.mean() == 5 and student.mean() == 5
    assert seen == ['pretrain'] * 3 + ['warmup'] * 2 + ['semi'] * 3
    resumed = tiny.build('ELN')
    torch.nn.init.constant_(resumed.teacher.network.segmentor.decode_head.conv_seg.weight, 9.0)
    hook.before_train(runner_of(resumed, 6))
    hook.before_train_iter(runner_of(resumed, 6), 0)
    assert resumed.stage == 'semi'
    assert resumed.teacher.network.segmentor.decode_head.conv_seg.weight.mean() == 9


def test_errors():
    with pytest.raises(ValueError, match='one of them 0'):
        ELNStageHook(dict(warmup=5))
    with pytest.raises(ValueError, match='at least 1'):
        ELNStageHook(dict(warmup=0), reset_interval=0)
    hook = ELNStageHook(dict(pretrain=0, semi=5))
    with pytest.raises(ValueError, match='take a model type that has them'):
        hook.before_train(runner_of(tiny.build('ELNWarmup')))
    with pytest.raises(ValueError, match='gate must be one of'):
        tiny.build('ELN', gate='pixel')
    with pytest.raises(ValueError, match='anchors must be one of'):
        tiny.build('ELN', contrast=dict(anchors='both'))
    with pytest.raises(ValueError, match='pseudo_mean must be one of'):
        tiny.build('ELN', pseudo_mean='valid')
    with pytest.raises(ValueError, match='student_views names some of'):
        tiny.build('ELN', student_views='strong')
    with pytest.raises(ValueError, match='student_views names some of'):
        tiny.build('ELN', student_views=('sup',))
