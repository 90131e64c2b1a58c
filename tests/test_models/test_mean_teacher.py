"""``EMATeacher`` and ``MeanTeacherHook``."""

import io
from types import SimpleNamespace

import pytest
import tiny
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner.checkpoint import _load_checkpoint_to_model

from mmseg_ssl.compat import load_weights_only
from mmseg_ssl.engine.mean_teacher_hook import MeanTeacherHook
from mmseg_ssl.errors import UserError
from mmseg_ssl.models import Branch, EMATeacher
from mmseg_ssl.utils.weights import load_weights


def student() -> Branch:
    """A branch that is not as initialized: every weight, and BatchNorm statistics that have moved."""
    branch = Branch(tiny.tiny_segmentor())
    scramble(branch)
    return branch


def scramble(branch: Branch) -> None:
    with torch.no_grad():
        for tensor in branch.parameters():
            tensor.normal_()
    branch.train()(torch.randn(2, 3, 16, 16))


def loop_update(teacher: dict, new: dict, momentum: float, buffers: str, weights: set) -> dict:
    """The formula, tensor by tensor."""
    result = {}
    for key, old in teacher.items():
        follows = key in weights or (buffers == 'average' and old.is_floating_point())
        kept = old if buffers == 'own' else new[key]
        result[key] = (1 - momentum) * old + momentum * new[key] if follows else kept
    return result


def state(module: torch.nn.Module) -> dict:
    return {key: value.clone() for key, value in module.state_dict().items()}


@pytest.mark.parametrize('buffers', ['copy', 'average', 'own'])
@pytest.mark.parametrize('momentum', [0.0, 0.3, 1.0])
def test_grouped_update_equals_the_loop(buffers, momentum):
    """Trap 3 of the host: buffers follow too, the student's own or by EMA; integers are always the student's. Or none
    does: the teacher's own.
    """
    network = student()
    teacher = EMATeacher(network, buffers=buffers, eval_mode=buffers != 'own')
    teacher.start(network)
    old = state(teacher.network)
    scramble(network)
    expected = loop_update(old, state(network), momentum, buffers, {key for key, _ in network.named_parameters()})
    teacher.update(network, momentum)
    for key, value in state(teacher.network).items():
        torch.testing.assert_close(value, expected[key], msg=key)
    assert int(teacher.updates) == 1
    statistics = 'segmentor.backbone.first.1.running_mean'
    assert not torch.equal(old[statistics], network.state_dict()[statistics])


def test_the_mode_is_pinned():
    """Trap 2 of the host: mmengine calls ``model.train()`` before every iteration."""
    model = tiny.build('MeanTeacher')
    before = state(model.teacher.network)
    for _ in range(2):
        model.train()
        assert model.student.training
        assert not any(module.training for module in model.teacher.modules())
        model.teacher(torch.randn(2, 3, 32, 32))
    for key, value in state(model.teacher.network).items():
        assert torch.equal(value, before[key]), f'{key} moved'


def test_train_mode_teachers_predict_in_eval_mode_at_inference():
    model = tiny.build('MeanTeacher', teacher=dict(eval_mode=False))
    assert all(module.training for module in model.teacher.modules())
    model.eval()
    assert not any(module.training for module in model.teacher.modules())


def test_the_teacher_is_never_trained():
    network = student()
    teacher = EMATeacher(network)
    teacher.start(network)
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert not teacher(torch.randn(1, 3, 16, 16)).logits.requires_grad
    assert all(parameter.requires_grad for parameter in network.parameters())
    own, new = dict(teacher.network.named_parameters()), dict(network.named_parameters())
    assert all(own[key].data_ptr() != new[key].data_ptr() for key in own)


def test_it_starts_as_the_student_after_initialization():
    """Trap 4 of the host: the copy is made before ``init_weights``, so it has other weights until it is started."""
    model = tiny.build('MeanTeacher')
    model.teacher.updates.fill_(-1)
    scramble(model.student)
    MeanTeacherHook().before_train(fake_runner(model)[0])
    for key, value in model.student.state_dict().items():
        assert torch.equal(value, model.teacher.network.state_dict()[key])
    assert model.teacher.started


def test_a_checkpoint_brings_the_teacher_and_the_count():
    """The next update is then the same as without the break, and the hook does not start the teacher again."""
    model = tiny.build('MeanTeacher')
    scramble(model.student)
    model.teacher.update(model.student, 0.5)
    scramble(model.student)
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    resumed = tiny.build('MeanTeacher')
    resumed.load_state_dict(load_weights_only(file))
    hook = MeanTeacherHook(momentum=0.01)
    hook.before_train(fake_runner(resumed)[0])
    assert hook.updates == 1
    for key, value in model.teacher.network.state_dict().items():
        assert torch.equal(value, resumed.teacher.network.state_dict()[key])
    assert not torch.equal(
        *(m.teacher.network.segmentor.decode_head.conv_seg.weight for m in (model, tiny.build('MeanTeacher')))
    )


def saved(method: str = 'MeanTeacher') -> dict:
    """The weights of a run of four classes whose teacher has been updated."""
    model = tiny.build(method)
    scramble(model.student)
    model.teacher.update(model.student, 0.5)
    return model.state_dict()


@pytest.mark.parametrize('lacks', ['other classes', 'a projection', 'nothing', 'a count of batches'])
@pytest.mark.parametrize('checked', [True, False])
def test_a_teacher_of_which_the_checkpoint_lacks_a_part_starts_anew(lacks, checked):
    """The count came with the file, so a classifier of random weights made all labels; the host loads once more."""
    method = 'FARCLUSS' if lacks == 'a projection' else 'MeanTeacher'
    weights = saved()
    if lacks == 'a count of batches':  # as files of old versions of torch
        weights = {key: value for key, value in weights.items() if 'num_batches_tracked' not in key}
    head = tiny.fcn_head(num_classes=3 if lacks == 'other classes' else tiny.NUM_CLASSES)
    model = tiny.build(method, segmentor=tiny.tiny_segmentor(decode_head=head))
    model.teacher.updates.fill_(-1)
    if checked:
        load_weights(model, dict(state_dict=weights), 'a.pth', 'train')
    _load_checkpoint_to_model(model, dict(state_dict=weights))
    runner, said = fake_runner(model)[0], []
    runner.logger = SimpleNamespace(warning=said.append)
    hook = MeanTeacherHook()
    hook.before_train(runner)
    own, new = model.teacher.network.state_dict(), model.student.state_dict()
    if lacks in ('nothing', 'a count of batches'):
        assert hook.updates == int(model.teacher.updates) == 1 and not said
        assert not torch.equal(*(part['segmentor.decode_head.conv_seg.weight'] for part in (own, new)))
        return
    assert hook.updates == int(model.teacher.updates) == 0
    for key, value in new.items():
        assert torch.equal(value, own[key])
    first = 'side_heads.projection.' if method == 'FARCLUSS' else 'segmentor.decode_head.conv_seg.weight'
    assert len(said) == 1 and f'teacher.network.{first}' in said[0] and 'as a copy of the student' in said[0]


def test_a_teacher_that_is_started_anew_counts_anew():
    """As ELN's at its last stage: a run that is resumed after it reads 0 updates, and its warmup begins there."""
    model = tiny.build('MeanTeacher')
    runner, wrapper = fake_runner(model)
    hook = MeanTeacherHook(momentum=0.01)
    hook.before_train(runner)
    iterate(model, runner, wrapper, hook, 5)
    model.teacher.start(model.student)
    assert iterate(model, runner, wrapper, hook, 2) == [1, 2]
    scramble(model.student)
    before = model.teacher.network.segmentor.decode_head.conv_seg.weight.clone()
    assert iterate(model, runner, wrapper, hook, 1) == [3]
    after, new = (part.segmentor.decode_head.conv_seg.weight for part in (model.teacher.network, model.student))
    assert torch.allclose(after, before.lerp(new, 1 / 3), atol=1e-6)  # the third update, of a mean of three


def test_an_unknown_buffer_mode():
    with pytest.raises(ValueError, match="'copy', 'average'.*'skip'"):
        EMATeacher(student(), buffers='skip')


def test_statistics_of_its_own_need_train_mode():
    """In eval mode nothing would collect them: they would stay those of the start."""
    with pytest.raises(ValueError, match='eval_mode=False'):
        EMATeacher(student(), buffers='own')


def test_a_teacher_that_was_not_started_does_not_teach():
    branch = student()
    teacher = EMATeacher(branch)
    with pytest.raises(UserError, match='never started.*MeanTeacherHook'):
        teacher.require_started()
    teacher.start(branch)
    teacher.require_started()


def fake_runner(model, **options):
    """A runner with what the hook asks it for."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    wrapper = OptimWrapper(torch.optim.SGD(trained, lr=0.1), **options)
    wrapper.initialize_count_status(model, 0, 100)
    return SimpleNamespace(model=model, optim_wrapper=wrapper), wrapper


def iterate(model, runner, wrapper, hook, count):
    """Iterations as the loop runs them: step by the wrapper, then the hook; returns the updates after each."""
    updates = []
    for index in range(count):
        with wrapper.optim_context(model):
            loss = sum(parameter.square().sum() for parameter in model.student.parameters())
        wrapper.update_params(loss)
        hook.after_train_iter(runner, index)
        updates.append(int(model.teacher.updates))
    return updates


def test_it_counts_optimizer_steps():
    """Under accumulation over three iterations, the teacher is updated once in three."""
    model = tiny.build('MeanTeacher')
    runner, wrapper = fake_runner(model, accumulative_counts=3)
    hook = MeanTeacherHook(momentum=0.5)
    hook.before_train(runner)
    assert iterate(model, runner, wrapper, hook, 7) == [0, 0, 1, 1, 1, 2, 2]
    runner, wrapper = fake_runner(model)
    hook = MeanTeacherHook(momentum=0.5)
    hook.before_train(runner)
    assert iterate(model, runner, wrapper, hook, 2) == [3, 4]


def test_it_sees_steps_after_something_was_compiled(monkeypatch):
    """Torch 2.1 takes the hooks off every optimizer class then, and says that they are there."""
    model = tiny.build('MeanTeacher')
    runner, wrapper = fake_runner(model)
    monkeypatch.setattr(torch.optim.SGD, 'step', lambda optimizer, closure=None: None)
    hook = MeanTeacherHook()
    hook.before_train(runner)
    assert iterate(model, runner, wrapper, hook, 2) == [1, 2]


def of_parts(*parts):
    return [OptimWrapper(torch.optim.SGD(part.parameters(), lr=0.1)) for part in parts]


def test_it_watches_every_optimizer_of_the_student():
    """Each may rest for some iterations, and several in one iteration are one update; others do not count."""
    model = tiny.build('MeanTeacher')
    network = model.student.segmentor
    other, first, second = of_parts(torch.nn.Linear(1, 1), network.backbone, network.decode_head)
    runner = SimpleNamespace(model=model, optim_wrapper=OptimWrapperDict(other=other, first=first, second=second))
    hook = MeanTeacherHook()
    hook.before_train(runner)
    for stepped, updates in (([first], 1), ([second], 2), ([second, first, first], 3), ([other], 3), ([], 3)):
        for wrapper in stepped:
            wrapper.step()
        hook.after_train_iter(runner, 0)
        assert int(model.teacher.updates) == updates


def test_it_watches_all_where_the_student_is_in_none():
    """A wrapper of the model may give the optimizer tensors of its own."""
    model = tiny.build('MeanTeacher')
    wrappers = of_parts(torch.nn.Linear(1, 1), torch.nn.Linear(1, 1))
    runner = SimpleNamespace(model=model, optim_wrapper=OptimWrapperDict(first=wrappers[0], second=wrappers[1]))
    hook = MeanTeacherHook()
    hook.before_train(runner)
    for count, wrapper in enumerate(wrappers, start=1):
        wrapper.step()
        hook.after_train_iter(runner, 0)
        assert int(model.teacher.updates) == count


@pytest.mark.parametrize('warmup', [True, False])
def test_warmup(warmup, monkeypatch):
    """Decay min(1 - 1/(t+1), 0.75): 0, 1/2, 2/3, 3/4, 3/4; so momentum 1, 1/2, 1/3, 1/4, 1/4."""
    model = tiny.build('MeanTeacher')
    runner, wrapper = fake_runner(model)
    hook = MeanTeacherHook(momentum=0.25, warmup=warmup)
    hook.before_train(runner)
    seen = []
    monkeypatch.setattr(model.teacher, 'update', lambda _, momentum: seen.append(momentum))
    iterate(model, runner, wrapper, hook, 5)
    assert seen == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 4] if warmup else [0.25] * 5)


@pytest.mark.parametrize('momentum', [0, -0.1, 1.5])
def test_momentum_is_the_share_of_new_weights(momentum):
    with pytest.raises(ValueError, match=r'decay of 0\.999 give momentum=0\.001'):
        MeanTeacherHook(momentum=momentum)


@pytest.mark.parametrize(('momentum', 'meant'), [(0.999, '0.001'), (0.99, '0.01'), (0.9, '0.1')])
def test_a_decay_is_no_momentum(momentum, meant):
    """The teacher would be the student of one step before, and nothing would say so."""
    with pytest.raises(ValueError, match=rf'decay of {momentum} give momentum={meant};'):
        MeanTeacherHook(momentum=momentum)
    for possible in (0.5, 1):
        assert MeanTeacherHook(momentum=possible).momentum == possible


def test_the_hook_without_a_teacher():
    with pytest.raises(UserError, match='Remove the hook'):
        MeanTeacherHook().before_train(fake_runner(tiny.build('Supervised'))[0])
