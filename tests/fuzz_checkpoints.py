"""Read thousands of damaged and hostile checkpoints: ``python tests/fuzz_checkpoints.py COUNT [SEED]``.

Run in a process of its own, so that a crash is seen. Each file either reads, or is refused by an error that names it;
whatever reads is looked at as a whole. An audit hook ends the process as soon as anything of a file runs.
"""

import io
import os
import pickle
import random
import resource
import signal
import struct
import sys
import tempfile
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any, List

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mmengine.logging import HistoryBuffer

from mmseg_ssl.compat import UnsafeCheckpointError, load_weights_only
from mmseg_ssl.utils.safe_pickle.values import allow_list

RUNS = ('os.', 'subprocess.', 'exec', 'compile', 'import', 'socket.', 'shutil.', 'ctypes.')
HOSTILE = ['posix system', 'builtins eval', 'builtins exec', 'numpy load', 'torch load', 'torch.jit load', 'os remove']
watching = False


def watch(event: str, args: tuple) -> None:
    """End the process if the file being read makes Python do more than read."""
    if watching and event.startswith(RUNS):
        os.write(2, f'A FILE DID RUN: {event} {args!r:.300}\n'.encode())
        os._exit(3)


def honest() -> dict:
    """Make a small checkpoint as a run saves it."""
    return dict(
        state_dict=OrderedDict(w=torch.arange(6.0).reshape(2, 3).t(), b=torch.nn.Parameter(torch.ones(2))),
        history=HistoryBuffer([1.5, 0.5], [1, 2]),
        states=(np.random.RandomState(0).get_state(), random.Random(0).getstate()[:1], torch.ones(4).bfloat16()),
        numbers=[np.float64(0.1), np.int64(3), np.bool_(True), None, 1j, 2**70, 0.5, -1, b'bytes', bytearray(b'x')],
        arrays=[np.arange(400.0), np.array(['a', 'bc']), np.zeros((0, 3), np.uint8), np.array([b'xyz'])],
        rest=[slice(0, 5), {'a'}, torch.Size([2, 3]), torch.bfloat16, torch.device('cpu'), Counter([1, 1])],
    )


def torch_file(content: Any, zipped: bool) -> bytes:
    """Return a checkpoint as bytes."""
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def with_pickle(file: bytes, code: bytes) -> bytes:
    """Return a checkpoint with another pickle; the records stay."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as old, zipfile.ZipFile(out, 'w') as new:
        for name in old.namelist():
            new.writestr(name, code if name.endswith('data.pkl') else old.read(name))
    return out.getvalue()


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Flip, cut out, double or put in a few bytes."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 8])):
        place, length = rng.randrange(len(data)), rng.choice([1, 1, 4, 16])
        kind = rng.randrange(5)
        if kind == 0:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place] = rng.randrange(256)
        elif kind == 2:
            del data[place : place + length]
        elif kind == 3:
            data[place:place] = data[place : place + length]
        else:
            data[place:place] = rng.choice([b'R', b'b', b'\x81', b'h\x01', b'}', b']', b'(', b't', b'\x85', b'Q', b'c'])
    return bytes(data)


def value(rng: random.Random, depth: int = 0) -> bytes:
    """Code that puts a random value on the stack, calls with random or nearly right arguments among them."""
    if depth > 3 or rng.random() < 0.35:
        number = rng.choice([0, 1, 3, 255, 2**31 - 1, -1, -(2**31), rng.randrange(10**4)])
        text = rng.choice(['f8', 'S8', 'U4', 'O', 'V16', 'S', '<', '|', 'storage', '0', 'cpu', 'latin1', 'a' * 50])
        simple = [b'N', b'\x88', b'\x89', b')', b']', b'}', b'J' + struct.pack('<i', number)]
        simple += [b'X' + struct.pack('<I', len(text)) + text.encode()] * 3
        simple += [b'h' + bytes([rng.randrange(4)]), b'\x8a\x08' + struct.pack('<q', 2**62)]
        return rng.choice(simple)
    parts: List[bytes] = [value(rng, depth + 1) for _ in range(rng.randrange(6))]
    kind = rng.randrange(8)
    if kind < 4:
        names = [' '.join(name.rsplit('.', 1)) for name in allow_list()]
        name = rng.choice(names if rng.random() < 0.9 else HOSTILE)
        call = b'c' + name.replace(' ', '\n').encode() + b'\n(' + b''.join(parts) + b't'
        return call + rng.choice([b'R', b'R', b'R', b'\x81']) + b'q' + bytes([rng.randrange(4)])
    if kind == 4:
        return value(rng, depth + 1) + b'(' + b''.join(parts) + b't' + b'b'
    if kind == 5:
        dtype = b'cnumpy\ndtype\n' + pickle.dumps((rng.choice(['f8', 'S8', 'U4', 'S']), 0, 1), 2)[2:-1] + b'R'
        size = rng.choice([8, -1, 2**31 - 1, 2**20])
        return dtype + pickle.dumps((3, '|', None, None, None, size, 1, 0), 2)[2:-1] + b'b'
    if kind == 6:
        kinds = rng.choice(['FloatStorage', 'LongStorage', 'BoolStorage'])
        pid = b'(X\x07\x00\x00\x00storagectorch\n' + kinds.encode() + b'\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu'
        return pid + rng.choice([b'K\x06', b'K\x03', b'J\x00\x00\x00\x10', value(rng, 4)]) + b'tQ'
    return b'(' + b''.join(parts) + rng.choice([b't', b'l', b'd'])


def look_at(found: Any, depth: int = 0) -> None:
    """Read every byte of what came out."""
    if depth < 20 and isinstance(found, dict):
        look_at([*found, *found.values()], depth + 1)
    elif depth < 20 and isinstance(found, (list, tuple, set)):
        for item in found:
            look_at(item, depth + 1)
    elif isinstance(found, torch.Tensor):
        found.detach().clone().reshape(-1).float().sum()
    elif isinstance(found, np.ndarray):
        repr(found), found.tobytes()
    elif isinstance(found, HistoryBuffer):
        repr(found.data)
    elif not isinstance(found, (list, tuple, set)):
        repr(found)


def cases(rng: random.Random) -> Any:
    """Endless files: damaged as a whole, with a damaged pickle, with a pickle made up."""
    zipped, legacy = torch_file(honest(), True), torch_file(honest(), False)
    code = zipfile.ZipFile(io.BytesIO(zipped)).read('archive/data.pkl')
    while True:
        yield damaged(rng, zipped)
        yield damaged(rng, legacy)
        yield with_pickle(zipped, damaged(rng, code))
        yield with_pickle(zipped, b'\x80\x02' + value(rng) + b'.')
        yield with_pickle(zipped, b'\x80\x02}q\x00X\x01\x00\x00\x00aq\x01' + value(rng) + b's.')


def main(count: int, seed: int, folder: Path) -> None:
    """Read ``count`` files; the exit code is that of the first thing that went wrong."""
    global watching
    sys.addaudithook(watch)
    torch.set_num_threads(1)
    files = cases(random.Random(seed))
    load_weights_only(io.BytesIO(torch_file(honest(), True)))  # whatever is imported late
    resource.setrlimit(resource.RLIMIT_AS, (12 * 2**30, 12 * 2**30))
    read = 0
    for number in range(count):
        content = next(files)
        file = folder / 'fuzzed.pth'
        file.write_bytes(content)
        watching = True
        signal.alarm(60)  # nothing here takes a second; what hangs ends the process
        try:
            found = load_weights_only(file)
            watching = False
            look_at(found)
            read += 1
        except UnsafeCheckpointError as error:
            assert 'fuzzed.pth: refused' in str(error)
        except BaseException:
            watching = False
            print(f'file {number} of seed {seed}', file=sys.stderr)
            raise
        watching = False
    (folder / 'read').write_text(str(read))
    print(f'{count} files, {read} read')


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as temporary:
        main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0, Path(temporary))
