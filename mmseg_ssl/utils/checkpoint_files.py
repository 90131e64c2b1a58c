"""Reads the two file formats of ``torch.save`` without torch's reader, which trusts the file.

Torch's reader believes the number of elements in the pickle, and inflates records as the directory says. Here the
directory is checked before anything is read, and each size is compared with the bytes in the file.
"""

import io
import pickle
import struct
import sys
import zipfile
from typing import IO, Any, Callable, Dict, Tuple

import torch
from torch.storage import TypedStorage, UntypedStorage

from .safe_pickle import ExactFile, SafeUnpickler, StorageKind, require

Restore = Callable[[UntypedStorage, str], UntypedStorage]
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_CHUNK = 2**24


def read_checkpoint(file: IO[bytes], restore: Restore) -> Any:
    """Read a file of ``torch.save``.

    Args:
        file: An open, binary, seekable file.
        restore: Function that moves a storage from the CPU to a location such as ``'cuda:0'``.

    Returns:
        The saved object.

    Raises:
        pickle.UnpicklingError: The file is damaged, not a checkpoint, or asks for a type that is not allowed.
    """
    try:
        return (_read_zip if zipfile.is_zipfile(file) else _read_legacy)(file, restore)
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # a damaged archive may lead to any error
        raise pickle.UnpicklingError(f'{type(error).__name__}: {error}') from error


def _read_zip(file: IO[bytes], restore: Restore) -> Any:
    with zipfile.ZipFile(file) as archive:
        records = _checked_records(archive, ExactFile(file).size)
        (folder,) = (name[: -len('data.pkl')] for name in records if name.endswith('data.pkl'))
        order = records.get(f'{folder}byteorder')
        little = order is None or archive.read(order) == b'little'
        require(little and sys.byteorder == 'little', 'it is of a machine with another byte order')
        done: Dict[str, TypedStorage] = {}

        def load_storage(kind: StorageKind, key: str, location: str, count: int) -> TypedStorage:
            if key not in done:
                record = records.get(f'{folder}data/{key}')
                size = count * _item_size(kind.dtype)
                if record is None or record.file_size != size:
                    raise pickle.UnpicklingError(f'no record {key} of {size} bytes')
                with archive.open(record) as source:
                    done[key] = _typed(restore(_fill(UntypedStorage(size), source), location), kind)
            require(done[key].dtype == kind.dtype, f'storage {key} is of two types')
            return done[key]

        return SafeUnpickler(io.BytesIO(archive.read(records[f'{folder}data.pkl'])), load_storage).load()


def _checked_records(archive: zipfile.ZipFile, size: int) -> Dict[str, zipfile.ZipInfo]:
    """Return the records by name; refuse compressed ones (torch does not compress) and sizes beyond the file's."""
    infos = archive.infolist()
    require(not any(info.filename.endswith('constants.pkl') for info in infos), 'it is a TorchScript program')
    for info in infos:
        stored = info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
        require(stored, f'{info.filename} is compressed; torch.save stores. Unpack it and zip it again with -0')
    total = sum(info.file_size for info in infos)
    require(total <= size, f'its records claim {total} bytes, the file has {size}')
    records = {info.filename: info for info in infos}
    require(len(records) == len(infos), 'two records have one name')
    pickles = [name for name in records if name.endswith('data.pkl')]
    require(len(pickles) == 1, 'it is a zip archive, but not of torch.save (no data.pkl)')
    return records


def _read_legacy(file: IO[bytes], restore: Restore) -> Any:
    file.seek(0)
    exact = ExactFile(file)
    starts = exact.size > 2 and file.read(1) == pickle.PROTO
    file.seek(0)
    require(starts and SafeUnpickler(exact).load() == _LEGACY_MAGIC, 'it is no file of torch.save')
    version, system = SafeUnpickler(exact).load(), SafeUnpickler(exact).load()
    little = isinstance(system, dict) and system.get('little_endian') is True
    require(version == 1001 and little and sys.byteorder == 'little', 'another version or byte order')
    storages: Dict[str, Tuple[UntypedStorage, TypedStorage, int]] = {}

    def load_storage(kind: StorageKind, key: str, location: str, count: int) -> TypedStorage:
        if key not in storages:
            size = count * _item_size(kind.dtype)
            claimed = size + sum(storage.nbytes() for storage, _, _ in storages.values())
            require(claimed <= exact.size, f'its storages claim {claimed} bytes, the file has {exact.size}')
            empty = UntypedStorage(size)
            storages[key] = empty, _typed(restore(empty, location), kind), count
        require(storages[key][1].dtype == kind.dtype, f'storage {key} is of two types')
        return storages[key][1]

    content = SafeUnpickler(exact, load_storage).load()
    keys = SafeUnpickler(exact).load()
    named = isinstance(keys, list) and all(type(key) is str for key in keys) and sorted(keys) == sorted(storages)
    require(named, 'the list of storages')
    for key in keys:
        storage, restored, count = storages[key]
        require(struct.unpack('<q', exact.read(8))[0] == count, f'storage {key} is of another size')
        _fill(storage, exact.file)
        moved = restored._untyped_storage
        if moved.device.type != 'meta' and moved.data_ptr() != storage.data_ptr():
            moved.copy_(storage, False)
    return content


def _fill(storage: UntypedStorage, source: IO[bytes]) -> UntypedStorage:
    """Read the bytes of a storage on the CPU in place; a record of a zip verifies its checksum at the end."""
    view = torch.empty(0, dtype=torch.uint8).set_(storage).numpy().data
    done = 0
    while done < len(view):
        # files and records of a zip have it, but typing.IO does not list it
        count = source.readinto(view[done : done + _CHUNK])  # type: ignore[attr-defined]
        if not count:
            raise EOFError('cut short')
        done += count
    return storage


def _item_size(dtype: torch.dtype) -> int:
    return torch.empty((), dtype=dtype).element_size()


def _typed(storage: UntypedStorage, kind: StorageKind) -> TypedStorage:
    return TypedStorage(wrap_storage=storage, dtype=kind.dtype, _internal=True)
