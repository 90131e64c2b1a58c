"""A reader of pickles that runs no code: it builds the types in :mod:`values`, and refuses anything else."""

import os
import pickle
from collections import Counter, OrderedDict
from typing import IO, Any, Callable, ClassVar, Dict, List, Union

import numpy as np
import torch

from .checks import Part, StorageKind, check_key, require
from .numpy_values import check_dtype_state, set_array_state
from .values import allow_list

_DATA = (
    'PROTO FRAME STOP MARK POP POP_MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT '
    'BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BINUNICODE SHORT_BINUNICODE BINUNICODE8 '
    'EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST EMPTY_DICT EMPTY_SET '
    'BINGET LONG_BINGET BINPUT LONG_BINPUT MEMOIZE GLOBAL STACK_GLOBAL BINPERSID'
)
_BUILD_PLAINLY: Callable[[Any], None] = pickle._Unpickler.dispatch[pickle.BUILD[0]]
LoadStorage = Callable[[StorageKind, str, str, int], Any]


def no_storage(*_: Any) -> Any:
    """Refuse a tensor in a pickle that is no checkpoint."""
    raise pickle.UnpicklingError('a storage outside a checkpoint')


class ExactFile:
    """A file whose ``read`` returns exactly the requested bytes or fails, so a length in a pickle reserves no memory.

    Args:
        file: An open, binary, seekable file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        place = file.tell()
        self.size = file.seek(0, os.SEEK_END)
        file.seek(place)

    def read(self, count: int) -> bytes:
        """Read exactly ``count`` bytes."""
        if not 0 <= count <= self.size - self.file.tell():
            raise EOFError('it ends too early: cut short or damaged')
        return self.file.read(count)

    def readline(self) -> bytes:
        """Read a line: a name, which is short."""
        return self.file.readline(1000)


class SafeUnpickler(pickle._Unpickler):
    """Reads a pickle, and calls only functions on the allow-list.

    Args:
        file: File with the pickle.
        load_storage: Function from kind, key, location and number of elements to a storage.
    """

    # attributes of Python's reader that its type stubs lack
    stack: List[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], List[Any]]

    # Only the opcodes that protocols 2 to 4 write for data; text opcodes, INST, OBJ and extensions are missing.
    dispatch: ClassVar[Dict[int, Callable[..., None]]] = {
        code: pickle._Unpickler.dispatch[code] for code in (getattr(pickle, name)[0] for name in _DATA.split())
    }

    def __init__(self, file: Union[IO[bytes], ExactFile], load_storage: LoadStorage = no_storage) -> None:
        exact = file if isinstance(file, ExactFile) else ExactFile(file)
        super().__init__(exact, encoding='utf-8')
        self.load_storage = load_storage
        self.budget = 2 * exact.size + 1000
        self.trusted = _trusted_by_the_user()

    def load(self) -> Any:
        """Read one pickle.

        Raises:
            pickle.UnpicklingError: It is damaged, or asks for what is not allowed.
        """
        try:
            return super().load()
        except pickle.UnpicklingError:
            raise
        except Exception as error:  # a damaged file may lead to any error
            raise pickle.UnpicklingError(f'{type(error).__name__}: {error}') from error

    def find_class(self, module: str, name: str) -> Any:
        module = 'builtins' if module == '__builtin__' else module  # the name in protocol 2
        found = allow_list().get(f'{module}.{name}') or self.trusted.get(f'{module}.{name}')
        require(found is not None, f'Unsupported global: {module}.{name} is not on the allow-list')
        return found

    def persistent_load(self, pid: Any) -> Any:
        valid = isinstance(pid, tuple) and len(pid) in (5, 6) and pid[0] == 'storage' and pid[5:] in ((), (None,))
        valid = valid and isinstance(pid[1], StorageKind) and type(pid[2]) is type(pid[3]) is str
        require(valid and type(pid[4]) is int and pid[4] >= 0, 'a storage of an unknown kind')
        return self.load_storage(*pid[1:5])

    def load_reduce(self) -> None:
        args, part = self.stack.pop(), self.stack[-1]
        require(isinstance(part, Part) and part.call is not None, f'{_name(part)} is not to be called')
        require(isinstance(args, tuple), 'arguments that are no tuple')
        # A short pickle could copy the same long text a million times; a genuine one contains each copy in full.
        self.budget -= sum(len(arg) for arg in args if isinstance(arg, (str, bytes, list, dict, tuple)))
        require(self.budget >= 0, 'it would grow to many times its size')
        self.stack[-1] = part.call(*args)

    def load_newobj(self) -> None:
        args, part = self.stack.pop(), self.stack.pop()
        require(isinstance(part, Part) and part.new is not None, f'{_name(part)} is not to be made')
        self.append(part.new(*args))

    def load_build(self) -> None:
        from mmengine.logging.history_buffer import HistoryBuffer

        state, instance = self.stack[-1], self.stack[-2]
        kind = type(instance)
        if f'{kind.__module__}.{kind.__qualname__}' in self.trusted:
            return _BUILD_PLAINLY(self)
        self.stack.pop()
        if isinstance(instance, np.dtype):
            check_dtype_state(instance, state)
        elif kind is np.ndarray:
            set_array_state(instance, state)
        elif kind is OrderedDict:  # of a state_dict: versions of its modules
            require(isinstance(state, dict) and set(state) <= {'_metadata'}, 'attributes of an OrderedDict')
            instance.__dict__.update(state)
        elif kind is HistoryBuffer:
            arrays = isinstance(state, dict) and [type(state.get(f'_{name}_history')) for name in ('log', 'count')]
            require(arrays == [np.ndarray] * 2 and type(state.get('max_length')) is int, 'the state of a HistoryBuffer')
            instance.__setstate__(state)
        else:
            require(False, f'state for {kind.__name__}')

    def load_append(self) -> None:
        value = self.stack.pop()
        require(type(self.stack[-1]) is list, 'appending to what is no list')
        self.stack[-1].append(value)

    def load_appends(self) -> None:
        values = self.pop_mark()
        require(type(self.stack[-1]) is list, 'appending to what is no list')
        self.stack[-1].extend(values)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    def load_setitems(self) -> None:
        self._set_items(self.pop_mark())

    def _set_items(self, items: list) -> None:
        require(type(self.stack[-1]) in (dict, OrderedDict, Counter), 'setting items of what is no dict')
        for key, value in zip(items[::2], items[1::2]):
            check_key(key)
            self.stack[-1][key] = value

    def load_additems(self) -> None:
        values = self.pop_mark()
        require(type(self.stack[-1]) is set, 'adding to what is no set')
        for value in values:
            check_key(value)
            self.stack[-1].add(value)

    for _name in 'reduce newobj build append appends setitem setitems additems'.split():
        dispatch[getattr(pickle, _name.upper())[0]] = locals()[f'load_{_name}']


def _name(part: Any) -> str:
    return part.name if isinstance(part, Part) else f'a {type(part).__name__}'


def _trusted_by_the_user() -> Dict[str, Part]:
    """Return the types given to ``torch.serialization.add_safe_globals``, without torch's own additions."""
    listed: List[Any] = getattr(torch.serialization, 'get_safe_globals', list)()
    pairs = (item if isinstance(item, tuple) else (item, f'{item.__module__}.{item.__qualname__}') for item in listed)
    return {
        name: Part(name, call=kind, new=lambda *args, kind=kind: kind.__new__(kind, *args))
        for kind, name in pairs
        if not name.startswith('torch.')
    }
