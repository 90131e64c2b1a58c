"""What a run writes, it can read again."""

import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OneCycleLR, OptimWrapper
from toy_process import log_text, loss_curve, output, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.engine.readable_checkpoint import keep_own_meta, make_plain, plain, require_readable
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.utils.safe_load import load_weights_only

ONE_CYCLE = dict(type='OneCycleLR', eta_max=0.1, total_steps=6, by_epoch=False)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return draw_images(tmp_path_factory.mktemp('toy') / 'data')


def one_cycle():
    wrapper = OptimWrapper(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9))
    return wrapper, OneCycleLR(wrapper, eta_max=0.1, total_steps=6, by_epoch=False)


@pytest.mark.parametrize('several', [False, True])
def test_a_schedule_goes_on_without_its_function(several, tmp_path):
    """The rates after a restart are those of a run that was not stopped."""
    rates = []
    for stopped in (False, True):
        wrapper, schedule = one_cycle()
        seen = []
        for step in range(5):
            if stopped and step == 2:
                states = [schedule.state_dict()]
                checkpoint = dict(param_schedulers=dict(net=states) if several else states)
                make_plain(checkpoint)
                torch.save(dict(checkpoint, optimizer=wrapper.state_dict()), tmp_path / 'iter_2.pth')
                loaded = load_weights_only(tmp_path / 'iter_2.pth')
                wrapper, schedule = one_cycle()
                wrapper.load_state_dict(loaded['optimizer'])
                states = loaded['param_schedulers']
                schedule.load_state_dict((states['net'] if several else states)[0])
            seen.append(wrapper.param_groups[0]['lr'])
            wrapper.optimizer.step()
            schedule.step()
        rates.append(seen)
    assert rates[0] == rates[1] and len(set(rates[0])) == 5


def test_metainfo_of_a_config_is_plain():
    meta = Config(dict(m=dict(classes=('a', 'b'), groups=dict(x=['a'], y=[dict(z=1)])))).m
    meta.update(numbers=range(2), root=Path('a'), known=frozenset({1}), palette=np.zeros((2, 3)))
    result = plain(meta)
    assert result.pop('palette') is meta['palette']
    assert result == dict(classes=('a', 'b'), groups=dict(x=['a'], y=[dict(z=1)]), numbers=[0, 1], root='a', known={1})
    assert [type(part) for part in (result, result['groups'], result['groups']['y'][0])] == [dict] * 3
    checkpoint = dict(meta=dict(dataset_meta=meta), message_hub=dict(runtime_info=dict(dataset_meta=meta, iter=3)))
    make_plain(checkpoint)
    assert type(checkpoint['meta']['dataset_meta']) is dict
    assert type(checkpoint['message_hub']['runtime_info']['dataset_meta']) is dict
    keep_own_meta(checkpoint, SimpleNamespace(metainfo=meta))
    assert checkpoint['meta']['dataset_meta'] is meta  # so the host sees no difference
    keep_own_meta(checkpoint, SimpleNamespace(metainfo=dict(classes=('a',))))
    assert checkpoint['meta']['dataset_meta'] is meta  # there is one


def test_the_error_names_what_cannot_be_read(tmp_path):
    torch.save(dict(state=dict(path=Path('a'))), tmp_path / 'iter_2.pth')
    with pytest.raises(UserError, match=r'iter_2.pth, the first .* pathlib\S+ is not on the allow-list\. So the run'):
        require_readable(str(tmp_path / 'iter_2.pth'))


@pytest.mark.slow
def test_such_a_run_goes_on_exactly(data, tmp_path):
    """OneCycleLR and metainfo with a dict in it: every checkpoint was written, and none could be read."""
    config = toy_config(data, param_scheduler=[ONE_CYCLE])
    config['train_dataloader']['dataset']['labeled']['metainfo'] = dict(groups=dict(all=['wall', 'sky']))
    path, run = write_config(tmp_path / 'config.py', config), tmp_path / 'run'
    assert train(path, tmp_path / 'whole') == 0, output(tmp_path / 'whole')
    assert train(path, run, kill='iteration:5') == -signal.SIGKILL
    assert train(path, run, '--resume') == 0, output(run)
    assert 'iter: 4' in output(run)
    assert 'The schedule changed' not in log_text(run) and 'metainfo from the resumed' not in log_text(run)
    assert loss_curve(run) == loss_curve(tmp_path / 'whole')


@pytest.mark.slow
def test_a_run_that_could_not_go_on_stops_at_its_first_checkpoint(data, tmp_path):
    config = toy_config(data)
    config['custom_hooks'].append(dict(type='RememberPath'))
    path, run = write_config(tmp_path / 'config.py', config), tmp_path / 'run'
    assert train(path, run) == 2
    assert 'iter_2.pth, the first checkpoint of this run, cannot be read again' in output(run)
    assert 'pathlib' in output(run) and 'Traceback' not in output(run)
    assert not (run / 'last_checkpoint').exists()
