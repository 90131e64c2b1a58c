"""With ``batch_statistics='separate_unkept'`` the networks that are trained predict by statistics of labeled images."""

import copy

import tiny
import torch
from test_methods import every_form

from mmseg_ssl.models import Branch


@every_form
def test_unlabeled_images_move_no_running_statistics(method, options):
    """Neither where they are taught nor where a network labels them: other ones leave the same statistics."""
    model = tiny.build(method, **dict(options, batch_statistics='separate_unkept'))
    state, kept = copy.deepcopy(model.state_dict()), []
    for seed in (0, 1):
        data, other = tiny.batch(), tiny.batch(seed=seed)
        data['inputs']['weak'], data['data_samples']['weak'] = other['inputs']['weak'], other['data_samples']['weak']
        model.load_state_dict(state)
        tiny.loss_of(model, data)
        trained = [name for name in model.networks if isinstance(getattr(model, name), Branch)]
        kept.append(
            {
                f'{name}.{key}': value.clone()
                for name in trained
                for key, value in getattr(model, name).named_buffers()
                if 'running' in key
            }
        )
    for key, value in kept[0].items():
        assert torch.equal(value, kept[1][key]), key
        assert not torch.equal(value, state[key]), key
