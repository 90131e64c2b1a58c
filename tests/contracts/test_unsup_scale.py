"""``unsup_scale`` and ``unsup_factor`` multiply all that is taught without a person's label, once, and nothing else."""

import copy
import inspect
import re

import pytest
import tiny
import torch
from mmseg.registry import MODELS
from test_methods import METHODS, every_form, total

LABELED = re.compile(r'(^|\.)(sup|localizer|decoder_\d+)\.')
"""Keys of what labeled pixels say."""
AFTER_THE_RAMP = {('FARCLUSS', 'unsup.loss_contrast')}
"""Terms that are off below a scale of 1 and on from there, as their method's docstring says."""
SUPERVISED = {'ELNWarmup', 'ScribbleSupervised', 'Supervised'}


def at_scale(model, state, scale):
    """Losses of a batch, the buffers (BatchNorm, margins) put back; of six unlabeled images, halves are not pairs."""
    model.load_state_dict(state)
    model.unsup_scale.fill_(scale)
    return tiny.loss_of(model, tiny.batch(labeled=3, size=24))


@every_form
def test_the_scale_multiplies_what_is_taught(method, options):
    """At 0 the supervised terms are left, to the last bit, at s all others are s times what they are at 1."""
    model = tiny.build(method, **options)
    state = copy.deepcopy(model.state_dict())
    losses = {scale: at_scale(model, state, scale) for scale in (0.0, 0.25, 1.0, 2.0)}
    labeled = {key: value for key, value in losses[1.0].items() if 'loss' in key and LABELED.search(key)}
    taught = {key for key in losses[1.0] if 'loss' in key} - set(labeled)
    assert labeled
    assert (not taught) == (method in SUPERVISED)
    for key in taught:
        assert losses[1.0][key] != 0, key
    for scale, terms in losses.items():
        assert terms.keys() == losses[1.0].keys()
        for key, value in terms.items():
            if (method, key) in AFTER_THE_RAMP:
                torch.testing.assert_close(value, losses[1.0][key] * scale * (scale >= 1))
            elif key in taught:
                torch.testing.assert_close(value, scale * losses[1.0][key], msg=key)
            else:
                assert torch.equal(value, losses[1.0][key]), key
    assert torch.equal(total(losses[0.0]), total(labeled))


def terms_and_gradients(method, options, factor):
    """Losses of one batch of the same weights, and each network's gradient of what needs no label, or None."""
    torch.manual_seed(0)
    model = tiny.build(method, **options, unsup_factor=factor)
    losses = tiny.loss_of(model, tiny.batch(labeled=3, size=24))
    taught = [value for key, value in losses.items() if 'loss' in key and not LABELED.search(key)]
    if taught:
        sum(taught).backward(retain_graph=True)
    return losses, {key: parameter.grad for key, parameter in model.named_parameters()}


@every_form
def test_a_control_computes_the_same_and_learns_from_labels_alone(method, options):
    """At factor 0 all that needs no label has a gradient of exactly 0; labeled terms are those of factor 1, to the bit.
    What is logged beside the losses is the same as well: a control does not skip the work.
    """
    control, gradients = terms_and_gradients(method, options, 0.0)
    full, moved = terms_and_gradients(method, options, 1.0)
    assert control.keys() == full.keys()
    for key, value in control.items():
        if 'loss' in key and not LABELED.search(key):
            assert value.item() == 0 and value.requires_grad, key
        else:
            assert torch.equal(value, full[key]), key
    assert [key for key, grad in gradients.items() if grad is not None and grad.count_nonzero()] == []
    if method not in SUPERVISED:
        assert any(grad is not None and grad.count_nonzero() for grad in moved.values())
        # the graph is whole: no weight is left out of it, as several processes must not have it
        assert [grad is None for grad in gradients.values()] == [grad is None for grad in moved.values()]


def test_a_term_that_is_not_finite_is_not_hidden_by_a_factor_of_zero():
    """0 x nan is nan: the control of a run that breaks stops as well, and says at which term."""
    model = tiny.build('MeanTeacher', unsup_factor=0.0)
    terms = {'sup.loss_ce': torch.tensor(1.0), 'unsup.loss_consistency': torch.tensor(float('nan'))}
    assert model.ramped(terms)['unsup.loss_consistency'].isnan()


@pytest.mark.parametrize('factor', [-0.5, float('inf'), float('nan')])
def test_a_factor_is_a_finite_share(factor):
    with pytest.raises(ValueError, match='unsup_factor is a finite number >= 0'):
        tiny.build('MeanTeacher', unsup_factor=factor)


def test_the_names_are_registered():
    assert SUPERVISED | {method for method, _ in AFTER_THE_RAMP} <= set(METHODS)


@pytest.mark.parametrize('method', METHODS)
def test_no_weight_is_negative(method):
    """A loss of negative weight is made larger: the network would unlearn its labels, and nothing would say so."""
    options = inspect.signature(MODELS.get(method).__init__).parameters
    weights = [name for name in options if name.endswith('_weight')]
    for name in weights:
        for wrong in (-1.0, float('nan')):
            with pytest.raises(ValueError, match=f'{name} is a finite number >= 0, got {wrong}'):
                tiny.build(method, **{name: wrong})
