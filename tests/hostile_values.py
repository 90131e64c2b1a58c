"""Pickled values made to hurt, each with what the reader says of it, and the honest ones beside them."""

import pickle

import numpy as np


def code(value) -> bytes:
    """Return the pickled value without the frame around it."""
    return pickle.dumps(value, 2)[2:-1]


def dtype(name: str, state: tuple) -> bytes:
    return b'cnumpy\ndtype\n' + code((name, False, True)) + b'R' + code(state) + b'b'


def scalar(kind: bytes, content: bytes) -> bytes:
    """Return what ``torch.save`` writes for a NumPy number."""
    text = b'c_codecs\nencode\n' + code((content.decode('latin1'), 'latin1')) + b'R'
    return b'cnumpy.core.multiarray\nscalar\n(' + kind + text + b'tR'


def array(shape: object, kind: bytes, content: bytes) -> bytes:
    made = b'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n' + code((0,)) + b'c_codecs\nencode\n'
    made += code(('b', 'latin1')) + b'RtR'
    text = b'c_codecs\nencode\n' + code((content.decode('latin1'), 'latin1')) + b'R'
    return made + b'(K\x01' + code(shape) + kind + b'\x89' + text + b'tb'


def storage(kind: str, key: str, count: int) -> bytes:
    return b'(' + code('storage') + b'ctorch\n' + kind.encode() + b'\n' + code(key) + code('cpu') + code(count) + b'tQ'


def tensor(count: int, offset: int, size: tuple, stride: tuple, kind: str = 'FloatStorage') -> bytes:
    rest = code(offset) + code(size) + code(stride) + b'\x89N'
    return b'ctorch._utils\n_rebuild_tensor_v2\n(' + storage(kind, '0', count) + rest + b'tR'


HERE = (3, '|', None, None, None, 4, 1, 0)
FLOAT = dtype('f8', (3, '<', None, None, None, -1, -1, 0))
EIGHT = np.float64(0.5).tobytes()
WHOLE = {
    'a number': scalar(FLOAT, EIGHT),
    'a text': scalar(dtype('S4', HERE), b'abcd'),
    'an array': array((1,), FLOAT, EIGHT),
    'a tensor': tensor(6, 0, (2, 3), (3, 1)),
}
TEXT = (3, '<', None, None, None, 4, 4, 8)
HISTORY = b'mmengine.logging.history_buffer\nHistoryBuffer'
ENDLESS = b')' + b'q\x01h\x01\x86' * 60
REFUSED = {
    'a dtype that claims another size': (
        scalar(dtype('S4', (*HERE[:5], 2**31 - 1, 1, 0)), b'abcd'),
        'the state of NumPy',
    ),
    'a dtype without a size': (scalar(dtype('S', (*HERE[:5], 2**20, 1, 0)), b'abcd'), "the NumPy type 'S'"),
    'a negative size': (scalar(dtype('U1', (*TEXT[:5], -4, 4, 8)), b'abcd'), 'the state of NumPy'),
    'fields in the state': (
        scalar(dtype('S4', (3, '|', None, ('a',), {'a': 1}, 4, 1, 0)), b'abcd'),
        'the state of NumPy',
    ),
    'a state of other types': (scalar(dtype('S4', (*HERE[:5], 4.0, True, 0)), b'abcd'), 'the state of NumPy'),
    'objects': (array((1,), dtype('O8', (3, '|', None, None, None, -1, -1, 63)), EIGHT), "the NumPy type 'O8'"),
    'records': (b'cnumpy\ndtype\n' + code(('V16', False, True)) + b'R', "the NumPy type 'V16'"),
    'a list of fields': (b'cnumpy\ndtype\n' + code(([('a', 'O')], False, True)) + b'R', 'the NumPy type'),
    'a number cut short': (scalar(FLOAT, EIGHT[:7]), 'has 8 bytes, not 7'),
    'an array cut short': (array((2,), FLOAT, EIGHT), 'has 16 bytes, not 8'),
    'an array too long': (array((1,), FLOAT, EIGHT * 2), 'has 8 bytes, not 16'),
    'a shape that overflows': (array((2**62, 4), FLOAT, b''), 'the state of an array'),
    'a huge shape of nothing': (array((2**62, 0), FLOAT, b''), 'the state of an array'),
    'a negative shape': (array((-1, -1), FLOAT, EIGHT), 'the state of an array'),
    'a shape that is no tuple': (array(1, FLOAT, EIGHT), 'the state of an array'),
    'an array of no type': (array((1,), b'N', EIGHT), 'an array is a NumPy type and bytes'),
    'half a state': (array((1,), FLOAT, EIGHT)[: -len(b'tb')] + b'0tb', 'has five parts'),
    'an array of another class': (
        b'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\n' + code((0,)) + code('b') + b'tR',
        'another class than numpy.ndarray',
    ),
    'a character beyond Unicode': (scalar(dtype('U1', TEXT), b'\xff\xff\xff\x7f'), 'Unicode'),
    'characters beyond Unicode': (array((1,), dtype('U1', TEXT), b'\xff\xff\xff\x7f'), 'Unicode'),
    'a storage larger than its record': (tensor(600, 0, (2, 3), (3, 1)), 'no record 0 of 2400 bytes'),
    'a storage of another type': (tensor(6, 0, (2, 3), (3, 1), 'DoubleStorage'), 'no record 0 of 48 bytes'),
    'a storage of two types': (
        b'(' + tensor(6, 0, (2, 3), (3, 1)) + tensor(6, 0, (2, 3), (3, 1), 'IntStorage') + b't',
        'storage 0 is of two types',
    ),
    'a storage that is nowhere': (tensor(6, 0, (2, 3), (3, 1)).replace(code('0'), code('1')), 'no record 1'),
    'a location that is none': (
        b'(' + code('storage') + b'ctorch\nFloatStorage\n' + code('0') + b'NK\x06tQ',
        'unknown kind',
    ),
    'a storage of -1 elements': (storage('FloatStorage', '0', -1), 'a storage of an unknown kind'),
    'a tensor of no storage': (b'ctorch._utils\n_rebuild_tensor_v2\n(NK\x00))\x89NtR', 'a tensor needs a storage'),
    'a tensor with hooks': (tensor(6, 0, (6,), (1,))[: -len(b'NtR')] + b'K\x01tR', 'a tensor with hooks'),
    'a tensor beyond its storage': (tensor(6, 1, (2, 3), (3, 1)), 'reaches to element 7 of a storage that has 6'),
    'strides beyond it': (tensor(6, 0, (2, 3), (4, 1)), 'reaches to element 7 of a storage that has 6'),
    'an offset of an empty tensor': (tensor(6, 7, (0,), (1,)), 'reaches to element 7'),
    'a negative stride': (tensor(6, 3, (2, 3), (-1, 1)), 'a tensor of size'),
    'a tensor of nothing but size': (tensor(6, 0, (2**40,), (0,)), 'from a storage of 6'),
    'a parameter of a list': (b'ctorch._utils\n_rebuild_parameter\n(]\x88NtR', 'a parameter needs a tensor'),
    'a size of text': (b'ctorch\nSize\n' + code(('ab',)) + b'R', 'a size of'),
    'another layout': (b'ctorch.serialization\n_get_layout\n' + code(('torch.sparse_coo',)) + b'R', 'the layout'),
    'memory for nothing': (b'cbuiltins\nbytearray\n' + code((2**40,)) + b'R', 'bytes'),
    'another codec': (b'c_codecs\nencode\n' + code(('a', 'zip')) + b'R', 'bytes'),
    'pairs of a text': (b'ccollections\nOrderedDict\n' + code(('abc',)) + b'R', 'arguments of OrderedDict'),
    'a set of text': (b'cbuiltins\nset\n' + code(('abc',)) + b'R', 'a set is made from a list'),
    'a method of an array': (b'cbuiltins\ngetattr\n(cnumpy\nndarray\n' + code('tofile') + b'tR', 'getattr'),
    'a key that takes for ever to hash': (b'}' + ENDLESS + b'Ns', 'a key of type tuple'),
    'arguments that take for ever to print': (
        b'cnumpy\ndtype\n(' + ENDLESS + b'\x89\x88tR',
        'the NumPy type a tuple',
    ),
    'a call that takes for ever to print': (ENDLESS + b')R', 'a tuple is not to be called'),
    'sizes that take for ever to print': (
        tensor(6, 0, (6,), (1,)).replace(code((6,)), ENDLESS),
        'a tensor of size a tuple',
    ),
    'the same text over and over': (
        b'(' + code('a' * 2000)[:-2] + b'q\x01c_codecs\nencode\nq\x02h\x01' + code('latin1') + b'q\x03\x86R'
        b'' + b'h\x02h\x01h\x03\x86R' * 200 + b't',
        'grow to many times its size',
    ),
    'attributes of a dict': (
        b'ccollections\nOrderedDict\n)R}' + code('items') + b'Nsb',
        'attributes of an OrderedDict',
    ),
    'a history of text': (
        b'c' + HISTORY + b'\n)\x81}' + code('max_length') + b'K\x01sb',
        'the state of a HistoryBuffer',
    ),
    'a state of a list': (b']}b', 'state for list'),
    'items of a list': (b']K\x00K\x01s', 'setting items of what is no dict'),
    'values after a dict': (b'}K\x01a', 'appending to what is no list'),
    'several values after a dict': (b'}(K\x01e', 'appending to what is no list'),
    'a call of a list': (b'](K\x01tR', 'is not to be called'),
    'a call of a type of numbers': (b'ctorch\nfloat32\n)R', 'is not to be called'),
    'a call with a list': (b'ccollections\nOrderedDict\n]R', 'arguments that are no tuple'),
    'a new one of what is called': (b'ctorch\nSize\n)\x81', 'is not to be made'),
    'a set of a dict': (b'\x8f(K\x01\x90}(K\x01\x90', 'adding to what is no set'),
}
