"""A checkpoint is data: what mmengine writes can be read, and whatever smuggles code is refused before it runs."""

import collections
import os
import pickle
import random
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import checkpoint
from mmengine.utils import dl_utils
from mmengine.utils.dl_utils import hub

from mmseg_ssl.compat import UnsafeCheckpointError, load_weights_only


class Call:
    """Pickles as a call of any function: what an attacker writes."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


class Marker:
    """A file that exists as soon as the code in a checkpoint has run."""

    def __init__(self, folder):
        self.path = folder / 'code_did_run'
        self.code = Call(os.mkdir, str(self.path))

    @property
    def code_did_run(self):
        return self.path.exists()


@pytest.fixture
def marker(tmp_path):
    return Marker(tmp_path)


def weights():
    return {'weight': torch.arange(6.0).reshape(2, 3)}


def evil_checkpoint(marker, path):
    torch.save({'state_dict': weights(), 'meta': {'note': [marker.code]}}, path)
    return str(path)


def test_the_attack_works_where_nobody_guards(marker, tmp_path):
    """The control: without it the tests below could pass for another reason."""
    torch.load(evil_checkpoint(marker, tmp_path / 'evil.pth'), weights_only=False)
    assert marker.code_did_run


@pytest.mark.parametrize('zipped', [True, False])
def test_code_is_refused_and_not_run(marker, tmp_path, zipped):
    path = tmp_path / 'evil.pth'
    torch.save({'state_dict': weights(), 'hook': marker.code}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        UnsafeCheckpointError, match=r'evil\.pth: refused, and nothing of it was run(.|\n)*mkdir(.|\n)*Fix: '
    ):
        load_weights_only(path)
    assert not marker.code_did_run


def test_plain_pickle_is_refused(marker, tmp_path):
    path = tmp_path / 'evil.pkl'
    path.write_bytes(pickle.dumps(marker.code, protocol=2))
    with pytest.raises(RuntimeError):
        load_weights_only(str(path))
    assert not marker.code_did_run


ATTACKS = {
    'getattr on an allowed type': lambda: Call(getattr, np.ndarray, 'tofile'),
    'getattr on a function': lambda: Call(getattr, torch._utils._rebuild_tensor_v2, '__globals__'),
    'eval': lambda: Call(eval, '1 + 1'),
    'import': lambda: Call(__import__, 'antigravity'),
    'object array': lambda: np.array([Call(os.getcwd)], dtype=object),
}


@pytest.mark.parametrize('attack', ATTACKS)
def test_ways_around_the_allow_list(tmp_path, attack):
    torch.save({'x': ATTACKS[attack]()}, tmp_path / 'evil.pth')
    with pytest.raises(UnsafeCheckpointError):
        load_weights_only(tmp_path / 'evil.pth')


def test_state_for_a_class_is_refused(tmp_path):
    """``BUILD`` on a class would set attributes for the whole process (here: another ``mean``)."""
    state = b'(X\x04\x00\x00\x00meanX\x04\x00\x00\x00evil'
    data = b'\x80\x02cmmengine.logging.history_buffer\nHistoryBuffer\nN}' + state + b'u\x86b.'
    before = HistoryBuffer.mean
    path = tmp_path / 'evil.pth'
    torch.save({'x': 1}, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    payload = content[: content.index(pickle.dumps({'x': 1}, protocol=2))] + data
    path.write_bytes(payload)
    with pytest.raises(UnsafeCheckpointError, match='state for Part'):
        load_weights_only(path)
    assert HistoryBuffer.mean is before


def test_unsafe_loading_is_not_on_offer(tmp_path):
    torch.save(weights(), tmp_path / 'good.pth')
    with pytest.raises(UnsafeCheckpointError, match=r'good\.pth: weights_only=False'):
        load_weights_only(tmp_path / 'good.pth', weights_only=False)


def same(a, b):
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        a, b = list(a.values()), list(b.values())
    if isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for left, right in zip(a, b):
            same(left, right)
    elif isinstance(a, HistoryBuffer):
        same(a.data, b.data)
    elif isinstance(a, (torch.Tensor, np.ndarray)):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
    else:
        assert a == b


def test_everything_a_run_saves_comes_back(tmp_path):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    saved = dict(
        state_dict=model.state_dict(),
        optimizer=optimizer.state_dict(),
        history=collections.OrderedDict(loss=HistoryBuffer([1.5, 0.5], [1, 2])),
        states=(random.getstate(), np.random.get_state(), torch.get_rng_state()),
        numbers=[np.float64(0.1), np.int64(3), np.float32(2), np.bool_(True), True, None, 1j, 2**70],
        arrays=[np.arange(4), np.array(['a', 'bc']), np.zeros((0, 3), np.uint8), np.array(1.5, np.float16)],
        text='cfg',
        window=slice(0, 5, None),
        names={'a', 'b'},
        size=torch.Size([2, 3]),
        kind=torch.bfloat16,
    )
    torch.save(saved, tmp_path / 'run.pth')
    same(load_weights_only(tmp_path / 'run.pth', map_location='cpu'), saved)


def test_history_of_an_unmended_mmengine_loads(tmp_path, monkeypatch):
    """mmengine 0.10 saves its statistics as functions, named through ``getattr``."""
    monkeypatch.setattr(
        HistoryBuffer,
        '__getstate__',
        lambda self: dict(self.__dict__, statistics_methods=HistoryBuffer._statistics_methods),
    )
    torch.save({'loss': HistoryBuffer([1.0, 3.0], [1, 1])}, tmp_path / 'old.pth')
    assert b'getattr' in pickle.dumps(HistoryBuffer([1.0], [1]), protocol=2)
    loaded = load_weights_only(tmp_path / 'old.pth')['loss']
    assert loaded.mean() == 2.0
    assert set(loaded.__dict__) == {'_log_history', '_count_history', 'max_length'}


@pytest.mark.parametrize('core', [b'numpy.core', b'numpy._core'])
def test_both_names_of_numpy(tmp_path, core):
    path = tmp_path / 'numpy.pth'
    saved = [np.arange(3.0), np.float64(0.5)]
    torch.save(saved, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    here = b'numpy._core' if b'numpy._core.' in content else b'numpy.core'
    assert content.count(here + b'.multiarray') == 2
    path.write_bytes(content.replace(here + b'.multiarray', core + b'.multiarray'))
    same(load_weights_only(path), saved)


@pytest.fixture
def schemes(monkeypatch, tmp_path):
    """Every way by which mmengine gets a checkpoint, from a local file: scheme -> loader(path)."""
    monkeypatch.setenv('MMENGINE_HOME', str(tmp_path))
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    load = checkpoint.CheckpointLoader.load_checkpoint

    def from_ceph(path):
        storage = types.SimpleNamespace(get=lambda name: Path(path).read_bytes())
        monkeypatch.setattr(checkpoint, 'get_file_backend', lambda *args, **kwargs: storage)
        return load('s3://bucket/file.pth', 'cpu')

    def from_pavi(path):
        def download(target):
            os.link(path, target)

        model = types.SimpleNamespace(name='file.pth', download=download)
        monkeypatch.setitem(sys.modules, 'pavi', types.SimpleNamespace(modelcloud={'file': model}))
        return load('pavi://file', 'cpu')

    def from_zoo(path):
        monkeypatch.setattr(checkpoint, 'get_external_models', lambda: {'net': str(path)})
        return load('open-mmlab://net', 'cpu')

    def from_torchvision(path):
        monkeypatch.setattr(checkpoint, 'get_torchvision_models', lambda: {'net': f'file://{path}'})
        return load('torchvision://net', 'cpu')

    return dict(
        local=lambda path: load(str(path), 'cpu'),
        ceph=from_ceph,
        pavi=from_pavi,
        zoo=from_zoo,
        torchvision=from_torchvision,
        url=lambda path: checkpoint.load_from_http(f'file://{path}'),
        hub=lambda path: hub.load_url(f'file://{path}'),
        utils=lambda path: dl_utils.load_url(f'file://{path}'),
    )


SCHEMES = ['local', 'ceph', 'pavi', 'zoo', 'torchvision', 'url', 'hub', 'utils']


@pytest.mark.parametrize('scheme', SCHEMES)
def test_every_scheme_refuses_code(schemes, scheme, marker, tmp_path):
    with pytest.raises(UnsafeCheckpointError, match='refused'):
        schemes[scheme](evil_checkpoint(marker, tmp_path / 'evil.pth'))
    assert not marker.code_did_run


@pytest.mark.parametrize('scheme', SCHEMES)
def test_every_scheme_loads_weights(schemes, scheme, tmp_path):
    torch.save(weights(), tmp_path / 'good.pth')
    same(schemes[scheme](str(tmp_path / 'good.pth')), weights())


@pytest.mark.skipif(not hasattr(torch.serialization, 'safe_globals'), reason='needs torch 2.5')
def test_users_may_allow_a_type_of_theirs(tmp_path):
    torch.save({'when': Stamp(3)}, tmp_path / 'own.pth')
    with pytest.raises(UnsafeCheckpointError, match='add_safe_globals'):
        load_weights_only(tmp_path / 'own.pth')
    with torch.serialization.safe_globals([Stamp]):
        assert load_weights_only(tmp_path / 'own.pth')['when'].step == 3


class Stamp:
    def __init__(self, step):
        self.step = step
