"""Files made to hurt: sizes that are not there, bombs, programs of other kinds, text that would be run as a config."""

import io
import json
import multiprocessing
import pickle
import struct
import tarfile
import zipfile

import fuzz_checkpoints
import numpy as np
import pytest
import torch
from fuzz_checkpoints import torch_file, with_pickle
from hostile_values import REFUSED, WHOLE, tensor
from mmengine import load
from mmengine.config import Config
from mmengine.infer import BaseInferencer
from mmseg.apis import MMSegInferencer

from mmseg_ssl.compat import UnsafeCheckpointError, UnsafeFileError, load_weights_only


def written(tmp_path, value: bytes):
    path = tmp_path / 'file.pth'
    path.write_bytes(with_pickle(torch_file(dict(w=torch.arange(6.0)), True), b'\x80\x02' + value + b'.'))
    return path


@pytest.mark.parametrize('name', WHOLE)
def test_the_honest_value_reads(name, tmp_path):
    """The control: what follows is refused for its one lie, not for how it is written here."""
    load_weights_only(written(tmp_path, WHOLE[name]))


@pytest.mark.parametrize('name', REFUSED)
def test_what_is_not_there_is_not_read(name, tmp_path):
    value, reason = REFUSED[name]
    with pytest.raises(UnsafeCheckpointError, match=rf'file\.pth: refused(.|\n)*{reason}(.|\n)*Fix: '):
        load_weights_only(written(tmp_path, value))


def bomb(path, compression):
    with zipfile.ZipFile(path, 'w', compression) as archive:
        archive.writestr('archive/data.pkl', pickle.dumps({}, 2))
        archive.writestr('archive/data/0', bytes(10**6))


def test_a_compressed_record_is_refused_before_it_is_inflated(tmp_path, monkeypatch):
    bomb(tmp_path / 'bomb.pth', zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(zipfile.ZipFile, 'open', lambda *args, **kwargs: pytest.fail('a record was read'))
    with pytest.raises(UnsafeCheckpointError, match=r'bomb\.pth: refused(.|\n)*archive/data.pkl is compressed'):
        load_weights_only(tmp_path / 'bomb.pth')


def test_records_that_share_bytes_are_refused(tmp_path):
    """Each of a thousand entries of the directory may point at the same megabyte."""
    bomb(tmp_path / 'bomb.pth', zipfile.ZIP_STORED)
    data = (tmp_path / 'bomb.pth').read_bytes()
    place = data.index(b'PK\x01\x02')  # the directory
    place = data.index(b'PK\x01\x02', place + 4)
    entry, end = data[place : data.index(b'PK\x05\x06')], data.index(b'PK\x05\x06')
    more = b''.join(entry.replace(b'data/0', b'data/%d' % number) for number in range(1, 4))
    size = end - data.index(b'PK\x01\x02') + len(more)
    tail = data[end : end + 8] + struct.pack('<HHI', 5, 5, size) + data[end + 16 :]
    (tmp_path / 'bomb.pth').write_bytes(data[:end] + more + tail)
    with pytest.raises(UnsafeCheckpointError, match='its records claim 40000.. bytes'):
        load_weights_only(tmp_path / 'bomb.pth')


def test_other_kinds_of_files_are_refused(tmp_path):
    """TorchScript is a program; the tar format of 2017 unpacks files; a directory record may be missing."""
    torch.jit.script(torch.nn.ReLU()).save(str(tmp_path / 'script.pth'))
    with tarfile.open(tmp_path / 'tar.pth', 'w') as archive:
        archive.addfile(tarfile.TarInfo('pickle'), io.BytesIO())
    (tmp_path / 'empty.pth').write_bytes(b'')
    (tmp_path / 'text.pth').write_text('no checkpoint')
    bomb(tmp_path / 'zip.pth', zipfile.ZIP_STORED)
    (tmp_path / 'cut.pth').write_bytes(torch_file(dict(w=torch.ones(5)), True)[:-40])
    (tmp_path / 'cut_legacy.pth').write_bytes(torch_file(dict(w=torch.ones(5)), False)[:-4])
    with zipfile.ZipFile(tmp_path / 'other.pth', 'w') as archive:
        archive.writestr('readme', 'hello')
    reasons = dict(script='TorchScript', other='no data.pkl', cut_legacy='cut short')
    for name in ('script', 'tar', 'empty', 'text', 'cut', 'cut_legacy', 'other'):
        reason = reasons.get(name, 'it is no file of torch.save')
        with pytest.raises(UnsafeCheckpointError, match=rf'{name}.pth: refused(.|\n)*{reason}'):
            load_weights_only(tmp_path / f'{name}.pth')
    assert load_weights_only(tmp_path / 'zip.pth') == {}
    with pytest.raises(FileNotFoundError):
        load_weights_only(tmp_path / 'nowhere.pth')


def rewritten(path, **changes):
    """A zip of ``torch.save`` with other records; ``None`` stands for the record once more."""
    with zipfile.ZipFile(io.BytesIO(torch_file(dict(w=torch.arange(6.0)), True))) as old:
        records = [(name, old.read(name)) for name in old.namelist()]
    with zipfile.ZipFile(path, 'w') as new:
        for name, content in records:
            key = name.split('/')[-1]
            new.writestr(name, changes.get(key) or content)
            if key in changes and changes[key] is None:
                new.writestr(name, content)


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_records_are_those_that_torch_writes(tmp_path):
    """Numbers of the other byte order would be read as other numbers; of two records of a name nobody knows which."""
    path = tmp_path / 'file.pth'
    rewritten(path)
    assert load_weights_only(path)['w'].tolist() == [0, 1, 2, 3, 4, 5]
    for reason, changes in {'byte order': dict(byteorder=b'big'), 'two records have one name': {'0': None}}.items():
        rewritten(path, **changes)
        with pytest.raises(UnsafeCheckpointError, match=reason):
            load_weights_only(path)


LEGACY = dict(
    magic=pickle.dumps(0x1950A86A20F9469CFC6C, 2),
    version=pickle.dumps(1001, 2),
    system=pickle.dumps(dict(little_endian=True), 2),
    content=b'\x80\x02' + tensor(6, 0, (2, 3), (3, 1)) + b'.',
    keys=pickle.dumps(['0'], 2),
    count=struct.pack('<q', 6),
    data=np.arange(6, dtype=np.float32).tobytes(),
)
BOTH = b'\x80\x02(' + tensor(6, 0, (6,), (1,)) + tensor(6, 0, (6,), (1,), 'IntStorage') + b't.'


@pytest.mark.parametrize(
    ('reason', 'part', 'value'),
    [
        ('no file of torch.save', 'magic', pickle.dumps(1, 2)),
        ('another version', 'version', pickle.dumps(1002, 2)),
        ('byte order', 'system', pickle.dumps(dict(little_endian=False), 2)),
        ('claim 4000000000000 bytes', 'content', b'\x80\x02' + tensor(10**12, 0, (2, 3), (3, 1)) + b'.'),
        ('storage 0 is of two types', 'content', BOTH),
        ('the list of storages', 'keys', pickle.dumps([], 2)),  # else the tensor shows what lay in memory
        ('the list of storages', 'keys', pickle.dumps(['0', '0'], 2)),
        ('storage 0 is of another size', 'count', struct.pack('<q', 7)),
        ('cut short', 'data', bytes(23)),
    ],
)
def test_the_format_before_zip_is_checked_too(tmp_path, reason, part, value):
    (tmp_path / 'good.pth').write_bytes(b''.join(LEGACY.values()))
    assert load_weights_only(tmp_path / 'good.pth').tolist() == [[0, 1, 2], [3, 4, 5]]
    (tmp_path / 'file.pth').write_bytes(b''.join(dict(LEGACY, **{part: value}).values()))
    with pytest.raises(UnsafeCheckpointError, match=rf'file\.pth: refused(.|\n)*{reason}'):
        load_weights_only(tmp_path / 'file.pth')


@pytest.mark.parametrize('zipped', [True, False])
def test_tensors_come_as_torch_reads_them(tmp_path, zipped):
    """Shared storages stay shared, views keep their strides, locations are mapped as torch maps them."""
    base = torch.arange(12.0).reshape(3, 4)
    saved = dict(a=base.t(), b=base[1], c=torch.tensor(3), d=torch.zeros(0, 2), e=torch.zeros(2, 1).expand(2, 9))
    saved.update(f=torch.nn.Parameter(torch.ones(2), requires_grad=False), g=torch.ones(2, dtype=torch.bool))
    path = tmp_path / 'good.pth'
    path.write_bytes(torch_file(saved, zipped))
    for where in (None, 'cpu', torch.device('cpu'), {'cpu': 'cpu'}, lambda storage, location: storage):
        ours, theirs = load_weights_only(path, where), torch.load(path, map_location=where, weights_only=True)
        for name, value in theirs.items():
            assert torch.equal(ours[name], value) and ours[name].stride() == value.stride(), name
            assert type(ours[name]) is type(value) and ours[name].requires_grad == value.requires_grad
        assert ours['a'].untyped_storage().data_ptr() == ours['b'].untyped_storage().data_ptr()
    assert load_weights_only(path, 'meta')['a'].device.type == 'meta'


def test_fuzzed_files_neither_crash_nor_run(tmp_path):
    """In a process of its own, to see a crash; ``python tests/fuzz_checkpoints.py COUNT SEED`` reads more of them."""
    process = multiprocessing.get_context('fork').Process(target=fuzz_checkpoints.main, args=(400, 0, tmp_path))
    process.start()
    process.join(100)
    assert process.exitcode == 0
    assert int((tmp_path / 'read').read_text()) > 20


def with_config(path, marker, key):
    text = f'import os\nos.mkdir({str(marker)!r})\nmodel = dict(type="EncoderDecoder")\n'
    hub = dict(message_hub=dict(runtime_info=dict(cfg=text))) if key == 'message_hub' else {}
    torch.save(dict(hub, state_dict={}, meta=dict(cfg=text)), path)
    return str(path)


@pytest.mark.parametrize('key', ['message_hub', 'meta'])
def test_an_inferencer_without_a_model_runs_no_text_of_the_checkpoint(tmp_path, key):
    weights = with_config(tmp_path / 'evil.pth', tmp_path / 'ran', key)
    with pytest.raises(UnsafeCheckpointError, match=r"evil\.pth: .*model='my_config\.py'"):
        MMSegInferencer(None, weights=weights, device='cpu')
    with pytest.raises(UnsafeCheckpointError):
        BaseInferencer._init_model(None, {}, weights)
    assert not (tmp_path / 'ran').exists()


def test_resuming_runs_no_text_of_the_checkpoint(tmp_path):
    """The host would run ``meta['config']``, which mmcv 1 wrote, for a number of GPUs."""
    from mmengine.runner import _flexible_runner, runner

    text = f'import os\nos.mkdir({str(tmp_path / "ran")!r})'
    for module in (runner, _flexible_runner):
        assert module.mmengine.Config.fromstring(text, file_format='.py').get('gpu_ids', None) is None
        assert callable(module.mmengine.mkdir_or_exist)
    assert not (tmp_path / 'ran').exists()
    assert Config.fromstring('a = 1', '.py').a == 1  # the user's own text is not touched


def test_yaml_runs_nothing_and_reads_what_mmengine_writes(tmp_path):
    evil = tmp_path / 'evil.yaml'
    evil.write_text(f'a: 1\nmodel: !!python/object/apply:os.mkdir ["{tmp_path / "ran"}"]\n')
    for read in (load, Config.fromfile):
        with pytest.raises(UnsafeFileError, match='line 2.*os.mkdir(.|\n)*Nothing of it was run'):
            read(str(evil))
    assert not (tmp_path / 'ran').exists()
    config = Config(dict(size=(32, 16), names=['a'], nested=dict(pairs=[(1, 2)]), none=None))
    config.dump(str(tmp_path / 'good.yaml'))
    assert Config.fromfile(str(tmp_path / 'good.yaml')).to_dict() == config.to_dict()
    (tmp_path / 'good.json').write_text(json.dumps(dict(a=[1, {'b': None}])))
    assert load(str(tmp_path / 'good.json')) == dict(a=[1, {'b': None}])


def test_pickled_annotations_run_nothing(tmp_path):
    class Code:
        def __reduce__(self):
            return (tmp_path / 'ran').mkdir, ()

    plain = dict(metainfo=dict(classes=('a', 'b')), data_list=[dict(image='a.png', size=np.arange(3), share=0.5)])
    for protocol in (2, 3, 4):
        (tmp_path / 'good.pkl').write_bytes(pickle.dumps(plain, protocol))
        assert str(load(str(tmp_path / 'good.pkl'))) == str(plain)
    (tmp_path / 'evil.pkl').write_bytes(pickle.dumps(dict(plain, more=Code())))
    with pytest.raises(UnsafeFileError, match='Nothing of it was run'):
        load(str(tmp_path / 'evil.pkl'))
    assert not (tmp_path / 'ran').exists()
