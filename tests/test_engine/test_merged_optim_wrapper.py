"""One group per setting trains as one group per parameter does, from the first step and from an old checkpoint."""

import copy
from types import SimpleNamespace

import pytest
import tiny
import torch
from mmengine.optim import PolyLR, build_optim_wrapper
from mmengine.registry import OPTIMIZERS
from toy_process import loss_curve, output, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.compat import load_weights_only
from mmseg_ssl.engine import merged_optim_wrapper
from mmseg_ssl.engine.merged_optim_wrapper import MergedOptimWrapperConstructor, fit_parameter_groups, merge_equal
from mmseg_ssl.utils.versions import release_numbers

PLAIN, MERGED = 'DefaultOptimWrapperConstructor', 'MergedOptimWrapperConstructor'
# between others of the network, so that a group is not a stretch of its parameters
KEYS = {'backbone.second': dict(lr_mult=10.0), 'student': dict(decay_mult=0.5)}
PARAMWISE = dict(custom_keys=KEYS, norm_decay_mult=0.0)
OPTIMIZERS_UNDER_TEST = {
    'SGD': dict(lr=0.01, momentum=0.9),
    'AdamW': dict(lr=0.01),
    'RMSprop': dict(lr=0.01),  # has no fused kernel
}


def run_of(kind, constructor, **options):
    """A runner of a mean teacher whose optimizer is built by the given constructor; ``foreach=False`` is bit-exact."""
    torch.manual_seed(0)
    model = tiny.build('MeanTeacher')
    optimizer = dict(type=kind, weight_decay=0.1, **OPTIMIZERS_UNDER_TEST[kind], **options)
    wrapper = build_optim_wrapper(
        model, dict(type='OptimWrapper', constructor=constructor, optimizer=optimizer, paramwise_cfg=PARAMWISE)
    )
    schedule = PolyLR(wrapper, power=0.9, eta_min=0, begin=0, end=8, by_epoch=False)
    return SimpleNamespace(model=model, optim_wrapper=wrapper, param_schedulers=[schedule])


def go(run, steps):
    for step in steps:
        generator = torch.Generator().manual_seed(step)
        for parameter in run.model.student.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        run.optim_wrapper.step()
        run.param_schedulers[0].step()


def settings_of(run):
    """Name -> learning rate and decay of every trained parameter."""
    names = {id(parameter): name for name, parameter in run.model.named_parameters()}
    groups = run.optim_wrapper.optimizer.param_groups
    return {names[id(one)]: (group['lr'], group['weight_decay']) for group in groups for one in group['params']}


def assert_same_weights(left, right, **tolerance):
    for (name, one), other in zip(left.model.named_parameters(), right.model.parameters()):
        torch.testing.assert_close(one, other, msg=lambda text, name=name: f'{name}: {text}', **tolerance)


@pytest.mark.parametrize('kind', OPTIMIZERS_UNDER_TEST)
def test_steps_are_the_same(kind):
    plain, merged = (run_of(kind, constructor, foreach=False) for constructor in (PLAIN, MERGED))
    assert len(plain.optim_wrapper.optimizer.param_groups) > 10
    assert len(merged.optim_wrapper.optimizer.param_groups) == 2
    for step in range(4):
        go(plain, [step])
        go(merged, [step])
        assert settings_of(plain) == settings_of(merged)
        assert plain.optim_wrapper.get_lr()['base_lr'] == merged.optim_wrapper.get_lr()['base_lr']
        assert plain.optim_wrapper.get_lr()['lr'][0] == merged.optim_wrapper.get_lr()['lr'][0]  # what the log shows
    assert_same_weights(plain, merged, rtol=0, atol=0)


@pytest.mark.parametrize('kind', OPTIMIZERS_UNDER_TEST)
def test_an_old_checkpoint_goes_on_as_it_would_have(kind):
    """Momentum of every parameter, rates and the schedule's place; saved ``foreach`` and ``fused`` do not return."""
    plain, merged = run_of(kind, PLAIN), run_of(kind, MERGED, foreach=False)
    go(plain, range(3))
    checkpoint = copy.deepcopy(
        dict(optimizer=plain.optim_wrapper.state_dict(), param_schedulers=[plain.param_schedulers[0].state_dict()])
    )
    fit_parameter_groups(merged, checkpoint)
    assert checkpoint['param_schedulers'][0]['base_values'] == merged.param_schedulers[0].base_values
    merged.model.load_state_dict(plain.model.state_dict())
    merged.optim_wrapper.load_state_dict(checkpoint['optimizer'])
    merged.param_schedulers[0].load_state_dict(checkpoint['param_schedulers'][0])
    assert merged.optim_wrapper.optimizer.param_groups[0]['foreach'] is False
    go(plain, range(3, 6))
    go(merged, range(3, 6))
    assert settings_of(plain) == settings_of(merged)
    assert_same_weights(plain, merged, rtol=0, atol=0)


def test_a_checkpoint_of_other_groups_is_left_alone():
    """Of its own kind, of parameters whose settings differ within a group, and of no optimizer: torch says the rest."""
    plain, merged = run_of('SGD', PLAIN), run_of('SGD', MERGED)
    own = dict(optimizer=merged.optim_wrapper.state_dict(), param_schedulers=[merged.param_schedulers[0].state_dict()])
    kept = copy.deepcopy(own)
    fit_parameter_groups(merged, own)
    assert own == kept
    other = dict(optimizer=plain.optim_wrapper.state_dict())
    other['optimizer']['param_groups'][0]['lr'] = 0.5
    fit_parameter_groups(merged, other)
    with pytest.raises(ValueError, match='parameter groups'):
        merged.optim_wrapper.load_state_dict(other['optimizer'])
    fit_parameter_groups(merged, {})


@pytest.mark.parametrize('kind', ['SGD', 'AdamW'])
def test_the_fused_kernel_computes_the_same(kind):
    plain, merged = run_of(kind, PLAIN, foreach=False), run_of(kind, MERGED)
    go(plain, range(3))
    go(merged, range(3))
    assert_same_weights(plain, merged, rtol=1e-5, atol=1e-6)


def fused(kind, wrapper='OptimWrapper', **options):
    model = torch.nn.Linear(2, 2)
    cfg = dict(type=wrapper, optimizer=dict(type=kind, lr=0.1, **options))
    return MergedOptimWrapperConstructor(cfg)(model).optimizer.param_groups[0].get('fused')


def test_who_is_fused(monkeypatch):
    """What torch has for the device; never against the config, nor where a loss scaler decides about steps."""

    class NotOnThisDevice(torch.optim.SGD):
        def __init__(self, params, fused=None, **options):
            if fused:
                raise RuntimeError('`fused=True` requires all the params to be on another device')
            super().__init__(params, **options)

    OPTIMIZERS.register_module(module=NotOnThisDevice, force=True)
    assert not fused('NotOnThisDevice')
    assert not fused('RMSprop')
    assert fused('AdamW', fused=False) is False
    assert not fused('AdamW', foreach=True)
    if release_numbers(torch.__version__) >= (2, 5):
        assert fused('SGD')
        assert fused('AdamW', 'Bf16OptimWrapper')
    monkeypatch.setattr(merged_optim_wrapper, 'AmpOptimWrapper', torch.nn.Module.__mro__[-1])  # every wrapper is one
    assert not fused('AdamW')


def test_merging_keeps_every_setting():
    """Equal settings meet in the order of their first parameter; another value, or a key more, is another group."""
    groups = [dict(params=[1], lr=0.1), dict(params=[2], lr=0.2), dict(params=[3, 4], lr=0.1)]
    more = [dict(params=[5], lr=0.2, betas=[0.9, 0.99]), dict(params=[6])]
    assert merge_equal(groups + more) == [
        dict(params=[1, 3, 4], lr=0.1),
        dict(params=[2], lr=0.2),
        dict(params=[5], lr=0.2, betas=[0.9, 0.99]),
        dict(params=[6]),
    ]


def test_a_run_goes_on_from_an_old_checkpoint(tmp_path):
    """The whole way: --resume of a run that was started with mmengine's groups, in the middle of a warm-up."""
    config = toy_config(draw_images(tmp_path / 'data'))
    wrapper = dict(config['optim_wrapper'], paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=5.0))))
    wrapper['optimizer'] = dict(wrapper['optimizer'], foreach=False)
    old = write_config(tmp_path / 'old.py', dict(config, optim_wrapper=wrapper))
    new = write_config(tmp_path / 'new.py', dict(config, optim_wrapper=dict(wrapper, constructor=MERGED)))
    assert train(old, tmp_path / 'run') == 0, output(tmp_path / 'run')
    assert train(new, tmp_path / 'resumed', '--resume', str(tmp_path / 'run' / 'iter_2.pth')) == 0, output(
        tmp_path / 'resumed'
    )
    curve = loss_curve(tmp_path / 'run')
    assert loss_curve(tmp_path / 'resumed') == {step: curve[step] for step in range(3, 7)}
    ends = [load_weights_only(str(tmp_path / run / 'iter_6.pth')) for run in ('run', 'resumed')]
    assert len(ends[0]['optimizer']['param_groups']) > 10 > len(ends[1]['optimizer']['param_groups'])
    for name, value in ends[0]['state_dict'].items():
        assert torch.equal(value, ends[1]['state_dict'][name]), name
