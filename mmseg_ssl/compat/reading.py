"""Patches of the host's ways to read files that would run their content, see :mod:`mmseg_ssl.compat`."""

import functools
import pickle
from types import ModuleType, SimpleNamespace
from typing import Any, Dict

import torch
import yaml
from mmengine.fileio import register_handler
from mmengine.fileio.handlers.pickle_handler import PickleHandler
from mmengine.fileio.handlers.yaml_handler import YamlHandler

from ..errors import UnsafeCheckpointError, UnsafeFileError
from ..utils.safe_load import load_url, load_weights_only
from ..utils.safe_pickle import SafeUnpickler


def patch_reading() -> None:
    """Apply every patch of this file."""
    patch_history_buffer()
    patch_checkpoint_loading()
    patch_config_text()
    patch_file_handlers()


def patch_history_buffer() -> None:
    """Keep functions out of mmengine's log history in checkpoints.

    ``HistoryBuffer`` saves its table of statistics (``min``, ``mean``...) as functions and, when loaded, puts whatever
    functions the file names into a table that all buffers share. So a file could replace ``mean`` with another
    function, and reading it needs ``getattr``. The table exists after import; only the numbers need saving.
    """
    from mmengine.logging import HistoryBuffer

    numbers = ('_log_history', '_count_history', 'max_length')

    def get_state(self: Any) -> Dict[str, Any]:
        return {name: self.__dict__[name] for name in numbers}

    def set_state(self: Any, state: Dict[str, Any]) -> None:
        self._set_default_statistics()
        self.__dict__.update({name: state[name] for name in numbers})

    HistoryBuffer.__getstate__ = get_state
    HistoryBuffer.__setstate__ = set_state


class _StandIn(ModuleType):
    """A module as the host sees it: the same, except for some names."""

    def __init__(self, module: ModuleType, **others: Any) -> None:
        super().__init__(module.__name__)
        self.__dict__.update(others, _module=module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def patch_checkpoint_loading() -> None:
    """Make every loader of mmengine read only weights, with an allow-list.

    mmengine 0.10.7 calls bare ``torch.load``: before torch 2.6 that runs a checkpoint's code; from 2.6 on it refuses
    mmengine's own checkpoints, which then cannot be resumed. onedl-mmengine tries the safe way and silently falls
    back to the unsafe one. Both download with ``torch.hub``, which is unsafe by default.
    """
    from mmengine.runner import checkpoint, runner
    from mmengine.utils import dl_utils
    from mmengine.utils.dl_utils import hub

    safe_torch = _StandIn(torch, load=load_weights_only)
    for module in (checkpoint, hub):
        module.torch = safe_torch
    for module in (checkpoint, hub, dl_utils):
        module.load_url = load_url
    # A runner prints where it reads from, beside the log, which then says the same.
    runner._load_checkpoint = functools.partial(checkpoint._load_checkpoint, logger='silent')
    if hasattr(checkpoint, '_safe_torch_load'):  # onedl-mmengine
        checkpoint._safe_torch_load = load_weights_only


def patch_config_text() -> None:
    """Never run the text of a config inside a checkpoint.

    mmengine's inferencers without a model run ``meta['cfg']`` as Python, and resuming runs ``meta['config']`` (which
    mmcv 1 wrote) to learn the number of GPUs. Parsing the text without running it would not help: in a config,
    ``dict(type='os.system', ...)`` calls whatever it names as soon as the model is built.
    """
    import mmengine
    from mmengine.infer.infer import BaseInferencer
    from mmengine.runner import _flexible_runner, runner

    config = SimpleNamespace(fromstring=lambda *args, **kwargs: {})  # a config that says nothing of GPUs
    for module in (runner, _flexible_runner):
        module.mmengine = _StandIn(mmengine, Config=config)
    init_model = BaseInferencer._init_model
    if init_model.__name__ == 'init_model_of_config':
        return

    def init_model_of_config(self: Any, cfg: Any, weights: Any, device: str = 'cpu') -> Any:
        if not cfg:
            raise UnsafeCheckpointError(
                f'{weights}: the inferencer was given no model, so mmengine would run the text of a config in this '
                "file as Python. Give the config that you trust: model='my_config.py', weights=..."
            )
        return init_model(self, cfg, weights, device)

    BaseInferencer._init_model = init_model_of_config


_Loader: Any = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)


class _PlainLoader(_Loader):
    """YAML loader for plain values, and for the tuples in mmengine's own dumps."""


_PlainLoader.add_constructor(
    'tag:yaml.org,2002:python/tuple', lambda loader, node: tuple(loader.construct_sequence(node, deep=True))
)


class PlainYamlHandler(YamlHandler):
    """mmengine's YAML reader that refuses tags which make objects or call functions (``!!python/object/apply``)."""

    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        """Read values; see mmengine.

        Raises:
            UnsafeFileError: A tag asks for more; names the line.
        """
        try:
            return yaml.load(file, Loader=_PlainLoader)
        except yaml.constructor.ConstructorError as error:
            raise UnsafeFileError(
                f'YAML with a tag that would run code or make objects, line {error.problem_mark.line + 1}: '
                f'{error.problem}. Nothing of it was run. Write plain values.'
            ) from error


class PlainPickleHandler(PickleHandler):
    """mmengine's reader of pickles (lists of annotations, class weights), for plain values and arrays only."""

    def load_from_fileobj(self, file: Any, **kwargs: Any) -> Any:
        """Read values; see mmengine.

        Raises:
            UnsafeFileError: The pickle asks for more.
        """
        try:
            return SafeUnpickler(file).load()
        except pickle.UnpicklingError as error:
            raise UnsafeFileError(
                f'a pickle that holds more than plain values and NumPy arrays: {error!s:.400}. Nothing of it was run. '
                'Save it as .json or .npy, or read it with the pickle module if you trust it.'
            ) from error


def patch_file_handlers() -> None:
    """Make ``mmengine.load``, which also reads configs, run nothing in a YAML file or a pickle."""
    register_handler(['yaml', 'yml'])(PlainYamlHandler)
    register_handler(['pickle', 'pkl'])(PlainPickleHandler)
