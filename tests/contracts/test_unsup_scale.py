"""``unsup_scale`` multiplies all that is taught without a person's label, once, and nothing else."""

import copy
import re

import tiny
import torch
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


def test_the_names_are_registered():
    assert SUPERVISED | {method for method, _ in AFTER_THE_RAMP} <= set(METHODS)
