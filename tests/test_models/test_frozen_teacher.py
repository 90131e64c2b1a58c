"""A trained network of another kind that labels for a student: what it sees, says, and leaves alone."""

import copy

import pytest
import tiny
import torch
import toy_parts  # noqa: F401
from mmseg.registry import MODELS
from toy_process import loss_curve, output, train
from toy_run import draw_images, toy_config, toy_model, write_config

from mmseg_ssl.compat import load_weights_only
from mmseg_ssl.errors import NetworkError
from mmseg_ssl.models import Branch
from mmseg_ssl.models.sample_pixels import valid_pixels
from mmseg_ssl.structures import IGNORE_INDEX
from mmseg_ssl.utils.weights import WeightsError, load_weights

METHODS = ('MeanTeacher', 'CutMixSeg', 'FixMatch', 'UniMatchV1', 'UniMatchV2', 'FARCLUSS', 'ScribbleMeanTeacher')
SELF_LABELING = ('FixMatch', 'UniMatchV1')


def wide():
    """A segmentor that is not the student's."""
    return tiny.tiny_segmentor(
        auxiliary=True, backbone=dict(type='TinyBackbone', channels=12), decode_head=tiny.fcn_head(in_channels=12)
    )


def save(path, prefix='', side_heads=None, **more):
    """Weights far from their start, as plain mmseg's or below a method's name; return the branch."""
    segmentor = wide()
    segmentor.pop('auxiliary_head')
    branch = Branch(segmentor, side_heads).eval()
    for value in branch.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.1, 0.6)
    for parameter in branch.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    names = {
        (f'{prefix}.{key}' if prefix else key[len('segmentor.') :]): value for key, value in branch.state_dict().items()
    }
    torch.save(dict(state_dict=dict(names, **more), meta={}), path)
    return branch


def teacher_of(model):
    return model.labeler if type(model).__name__ in SELF_LABELING else model.teacher


def build(method, path, segmentor=None, **options):
    teacher = dict(segmentor=wide(), checkpoint=str(path), **options)
    torch.manual_seed(0)
    return tiny.build(method, segmentor, teacher=teacher)


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'teacher.pth'


@pytest.mark.parametrize('method', METHODS)
def test_a_step_trains_the_student_alone(method, path):
    """It learns with every weight; the teacher is in no checkpoint and no optimizer, and neither weight nor statistic
    of it moves in train mode."""
    trained = save(path)
    model = build(method, path)
    before = {key: value.clone() for key, value in teacher_of(model).network.state_dict().items()}
    assert all(torch.equal(value, before[key]) for key, value in trained.state_dict().items())
    losses = tiny.loss_of(model, tiny.batch())
    total, _ = model.parse_losses(losses)
    total.backward()
    assert losses[next(key for key in losses if 'unsup' in key and 'loss' in key)] > 0
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not any('teacher' in key or 'labeler' in key for key in model.state_dict())
    assert all(parameter.grad is None for parameter in teacher_of(model).network.parameters())
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    assert not teacher_of(model).network.training
    assert all(torch.equal(value, before[key]) for key, value in teacher_of(model).network.state_dict().items())


@pytest.mark.parametrize('method', METHODS)
def test_labels_are_the_teachers(method, path):
    """Another teacher is another loss of unlabeled images, and the same one of labeled images."""
    results = []
    for seed in range(2):
        torch.manual_seed(seed)
        save(path)
        results.append(tiny.loss_of(build(method, path), tiny.batch()))
    changed = {key for key in results[0] if 'loss' in key and not torch.equal(results[0][key], results[1][key])}
    assert changed and all('unsup' in key for key in changed)


def test_it_sees_images_as_its_own_training_did(path):
    """Its own mean and std, of the colors that came in; and whole patches, with the maps at the student's size."""
    branch = save(path)
    model = build('MeanTeacher', path, mean=[10.0, 20.0, 30.0], std=[1.0, 2.0, 4.0], size_divisor=12)
    raw = torch.stack(tiny.batch()['inputs']['weak']).float()
    student = (raw - torch.tensor([120.0, 110.0, 100.0]).view(3, 1, 1)) / torch.tensor([60.0, 50.0, 40.0]).view(3, 1, 1)
    seen = (raw - torch.tensor([10.0, 20.0, 30.0]).view(3, 1, 1)) / torch.tensor([1.0, 2.0, 4.0]).view(3, 1, 1)
    torch.testing.assert_close(model.teacher.prepare(student[..., :24, :24]), seen[..., :24, :24])
    with torch.no_grad():
        expected = branch(seen[..., :24, :24]).logits
    torch.testing.assert_close(model.teacher(student[..., :24, :24]).logits, expected, rtol=1e-3, atol=1e-3)
    assert model.teacher.prepare(student).shape[2:] == (36, 36)
    assert model.teacher(student).logits.shape[2:] == (32, 32)
    assert torch.equal(build('MeanTeacher', path).teacher.prepare(student), student)


def test_the_trusted_share_teaches(path):
    """A quarter of every image, the pixels of the lowest entropy; all methods count the others as 0."""
    branch = save(path)
    model = build('FixMatch', path, trust=dict(by='entropy', share=0.25))
    data = model.data_preprocessor(tiny.batch(), True)
    valid = valid_pixels(data['data_samples']['weak'], data['inputs']['weak'])
    pred = model.labeler(data['inputs']['weak'])
    trusted = model.labeler.trusted(pred, valid)
    assert trusted.flatten(1).sum(dim=1).tolist() == [256] * 4
    probs = branch(data['inputs']['weak']).logits.softmax(dim=1)
    entropy = torch.special.entr(probs).sum(dim=1)
    for image in range(4):
        assert entropy[image][trusted[image]].max() <= entropy[image][~trusted[image]].min() + 1e-6
    assert tiny.loss_of(model, tiny.batch())['unsup.kept'] == 0.25


@pytest.mark.parametrize('method', METHODS)
def test_the_trusted_pixels_teach_where_they_were_moved(method, path):
    """A quarter of each image: these pixels have a weight, at the place where a mixing put them, and no other one."""
    save(path)
    model = build(method, path, trust=dict(by='entropy', share=0.25))
    shown = []
    model.onlookers.append(lambda network, parts: shown.append(parts))
    tiny.loss_of(model, tiny.batch())
    weak = shown[0]['inputs']['weak']
    (learned,) = (parts for parts in shown if 'target' in parts and 'scribbles' not in parts)
    trusted = teacher_of(model).trusted(teacher_of(model)(weak), torch.ones_like(weak[:, 0], dtype=torch.bool))
    mix = learned.get('mix', lambda values: values)
    assert torch.equal(learned['target'].weight > 0, mix(trusted))


@pytest.mark.parametrize('method', SELF_LABELING)
def test_it_labels_in_eval_mode(method, path):
    """``teacher_mode='train'`` is of a student that labels for itself; it would have no effect here."""
    save(path)
    teacher = dict(segmentor=wide(), checkpoint=str(path))
    with pytest.raises(ValueError, match='a trained teacher labels in eval mode'):
        tiny.build(method, teacher=teacher, teacher_mode='train')
    model = tiny.build(method, teacher=teacher)
    before = copy.deepcopy(model.labeler.network.state_dict())
    tiny.loss_of(model, tiny.batch())
    assert all(torch.equal(value, before[key]) for key, value in model.labeler.network.state_dict().items())


@pytest.mark.parametrize('method', METHODS)
def test_nobody_trusted_teaches_nothing(method, path):
    save(path)
    model = build(method, path, trust=dict(by='energy', threshold=-1e6))
    losses = tiny.loss_of(model, tiny.batch())
    taught = [key for key in losses if 'unsup' in key and 'loss' in key and 'self_label' not in key]
    assert taught
    for key in taught:
        assert losses[key] == 0 or 'contrast' in key, key  # ground truth has anchors, too


def test_trust_by_what_the_teacher_learned(path):
    """A variance head's weights come with the checkpoint, and so do a localizer's."""
    heads = dict(variance=dict(type='VarianceHead'))
    localizer = dict(tiny.LOCALIZER, type='ErrorLocalizer')
    judge = {f'localizer.{k}': v for k, v in tiny.build('ELN').localizer.state_dict().items()}
    branch = save(path, 'teacher.network', heads, **judge)
    options = dict(side_heads=heads, localizer=localizer, network='teacher')
    images = torch.randn(2, 3, 32, 32)
    model = build('UniMatchV2', path, trust=dict(by='variance', threshold=0.7), **options)
    with torch.no_grad():
        pred = branch(images)
    torch.testing.assert_close(model.teacher(images).side['trust'], pred.side['variance'])
    model = build('UniMatchV2', path, trust=dict(by='localizer', threshold=0.5), **options)
    (holder,) = model.teacher.hidden_modules
    assert all(torch.equal(value, judge[f'localizer.{k}']) for k, value in holder.localizer.state_dict().items())
    correct = holder.localizer.correctness(holder.localizer(images, pred.logits), pred.logits)
    torch.testing.assert_close(model.teacher(images).side['trust'][:, 0], correct)
    assert not holder.localizer.training


def test_the_judge_sees_what_the_teacher_sees(path):
    """Images by the teacher's mean and std, scaled to its patches; the map comes back at the student's size."""
    localizer = dict(tiny.LOCALIZER, type='ErrorLocalizer')
    judge = {f'localizer.{k}': v for k, v in tiny.build('ELN').localizer.state_dict().items()}
    save(path, 'student', **judge)
    own = dict(mean=[10.0, 20.0, 30.0], std=[10.0, 20.0, 40.0], size_divisor=12)
    model = build('UniMatchV2', path, trust=dict(by='localizer', share=0.5), localizer=localizer, **own)
    images = torch.randn(2, 3, 32, 32)
    (holder,) = model.teacher.hidden_modules
    seen = model.teacher.prepare(images)
    with torch.no_grad():
        logits = holder.network(seen).logits
        correct = holder.localizer.correctness(holder.localizer(seen, logits), logits)
    expected = torch.nn.functional.interpolate(correct[:, None], (32, 32), mode='bilinear', align_corners=False)
    torch.testing.assert_close(model.teacher(images).side['trust'], expected)


def test_one_of_the_networks_of_a_checkpoint(path):
    """The student if no other is named, though it is not the first by name; else the one that is."""
    both = {}
    for name in ('peer', 'student', 'teacher.network'):
        save(path, name)
        both.update(torch.load(path)['state_dict'])
    torch.save(dict(state_dict=both), path)
    for options, prefix in (
        ({}, 'student'),
        (dict(network='peer'), 'peer'),
        (dict(network='teacher'), 'teacher.network'),
    ):
        loaded = build('MeanTeacher', path, **options).teacher.network.state_dict()
        assert all(torch.equal(value, both[f'{prefix}.{key}']) for key, value in loaded.items())


def test_it_moves_with_the_student_and_is_read_once(path):
    """To another device or type, though it is no submodule; its file may be gone after the start."""
    save(path)
    model = build('MeanTeacher', path)
    path.unlink()
    tiny.loss_of(model, tiny.batch())
    tiny.loss_of(model, tiny.batch())
    model.double()
    assert {value.dtype for value in model.teacher.network.parameters()} == {torch.float64}


@pytest.mark.parametrize('prefix', ['', 'student', 'teacher.network', 'module.student', 'conservative'])
def test_weights_of_plain_mmseg_and_of_any_method(prefix, path):
    branch = save(path, prefix)
    loaded = build('MeanTeacher', path).teacher.network.state_dict()
    assert all(torch.equal(value, loaded[key]) for key, value in branch.state_dict().items())


def test_a_trained_student_needs_no_teacher(path):
    """Its checkpoint loads, strictly, and predicts where the teacher's file is gone."""
    save(path)
    model = build('UniMatchV2', path)
    images = torch.randn(1, 3, 32, 32)
    weights, expected = copy.deepcopy(model.state_dict()), model.eval().predict(images)[0].seg_logits.data
    path.unlink()
    preprocessor = tiny.preprocessor()
    options = dict(type='UniMatchV2', segmentor=tiny.tiny_segmentor(), data_preprocessor=preprocessor)
    student = MODELS.build(dict(options, teacher=dict(segmentor=wide(), checkpoint=str(path)))).eval()
    load_weights(student, weights, 'the student', 'predict')
    assert torch.equal(student.predict(images)[0].seg_logits.data, expected)
    with pytest.raises(NetworkError, match='has no checkpoint'):
        student.init_weights()


def test_plain_weights_for_the_student_leave_the_teacher(path):
    """``load_from`` of a plain checkpoint goes into the student; the teacher keeps its own."""
    save(path)
    model = build('UniMatchV2', path)
    plain = {key[len('student.segmentor.') :]: value + 1 for key, value in model.state_dict().items()}
    model.load_state_dict(plain, strict=True)


def test_what_does_not_fit_is_refused(path):
    save(path)
    three = wide()
    three.decode_head.num_classes = 3
    with pytest.raises(NetworkError, match='teacher has 3 classes, the student 4'):
        tiny.build('FixMatch', teacher=dict(segmentor=three, checkpoint=str(path)))
    with pytest.raises(NetworkError, match='side head of this name'):
        build('FixMatch', path, trust=dict(by='variance', threshold=1.0))
    with pytest.raises(NetworkError, match="'localizer' needs one"):
        build('FixMatch', path, trust=dict(by='localizer', share=0.5))
    with pytest.raises(NetworkError, match='mean and std, or neither'):
        build('FixMatch', path, mean=[0.0] * 3)
    with pytest.raises(ValueError, match='Train ELNWarmup on that network'):
        build('ELN', path)
    with pytest.raises(ValueError, match='no moving average'):
        tiny.build('FixMatch', teacher=dict(buffers='copy'))
    save(path, 'student')
    with pytest.raises(NetworkError, match=r"networks \['student'\], not 'peer'"):
        build('FixMatch', path, network='peer')
    torch.save(dict(state_dict=tiny.build().student.segmentor.state_dict()), path)
    with pytest.raises(WeightsError, match='lacks'):
        build('FixMatch', path)


@pytest.mark.slow
def test_a_run_resumes_exactly(tmp_path):
    """Killed after iteration 3 and resumed from 2: the same losses; no teacher in the checkpoints; the hook stays."""
    torch.manual_seed(3)
    segmentor = toy_model('')['segmentor']
    trained = MODELS.build(copy.deepcopy(segmentor))
    for parameter in trained.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    torch.save(dict(state_dict=trained.state_dict()), tmp_path / 'teacher.pth')
    teacher = dict(segmentor=segmentor, checkpoint=str(tmp_path / 'teacher.pth'), trust=dict(by='entropy', share=0.5))
    model = toy_model('MeanTeacher', teacher=teacher)
    path = write_config(tmp_path / 'config.py', toy_config(draw_images(tmp_path / 'data'), model=model))
    runs = tmp_path / 'whole', tmp_path / 'cut'
    assert train(path, runs[0]) == 0, output(runs[0])
    assert 'MeanTeacherHook has nothing to do' in output(runs[0])
    train(path, runs[1], kill='iteration:3')
    assert train(path, runs[1], '--resume') == 0, output(runs[1])
    assert loss_curve(runs[0]) == loss_curve(runs[1])
    one, two = (load_weights_only(str(run / 'iter_6.pth'))['state_dict'] for run in runs)
    assert all(torch.equal(value, two[key]) for key, value in one.items())
    assert not any('teacher' in key for key in one)


def test_padding_is_never_trusted(path):
    save(path)
    data = tiny.batch()
    data['inputs']['weak'] = [image[:, :, :20] for image in data['inputs']['weak']]
    model = build('FixMatch', path, trust=dict(by='energy', share=1.0))
    data = model.data_preprocessor(data, True)
    valid = valid_pixels(data['data_samples']['weak'], data['inputs']['weak'])
    assert torch.equal(model.labeler.trusted(model.labeler(data['inputs']['weak']), valid), valid)
    assert IGNORE_INDEX == 255 and not valid.all()
