"""Names of ``--cfg-options`` that no tool would read: an option that changes nothing is an error."""

import difflib
import inspect
import logging
from typing import Any, Dict, Iterator

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import Runner

from ..errors import UserError

OTHER_SETTINGS = (
    *('activation_checkpointing', 'compile', 'efficient_conv_bn_eval', 'find_unused_parameters', 'model_wrapper_cfg'),
    *('runner_type', 'sync_bn', 'test_pipeline', 'tta_model', 'tta_pipeline'),
)
"""Settings that are read from a config, apart from the arguments of the Runner."""


def check_options(config: Config, path: str, options: Dict[str, Any]) -> None:
    """Refuse an option whose first word is no setting, because it would be set without any effect.

    A variable of the file, such as ``crop_size``, has been used by then. A project that brings its own code may read it
    from the runner's config, so there it is only doubted.

    Args:
        config: As it was read from the file.
        path: The file.
        options: Dotted key -> value.

    Raises:
        UserError: Names the setting, or those in which the value stands.
    """
    known = {*inspect.signature(Runner.__init__).parameters, *OTHER_SETTINGS}
    imports = (config.get('custom_imports') or {}).get('imports') or []
    own_code = set([imports] if isinstance(imports, str) else imports) - {'mmseg_ssl'}
    for option in options:
        first = option.split('.')[0]
        if first in known:
            continue
        places = [place for key in config if key in known for place in _places(config[key], key, first)][:3]
        meant = places or difflib.get_close_matches(first, known | {*config}, n=1, cutoff=0.8)
        if first in config:
            fix = f'its value stands in {", ".join(places)}' if places else 'set what it stands for'
            text = f'{first} is a variable of {path}, which has been used by then: {fix}, or change the file.'
        else:
            text = f'{path} has no setting {first}' + (f'; did you mean {" or ".join(meant)}?' if meant else '.')
        if not own_code or (meant and first not in config):
            raise UserError(f'--cfg-options {option}: {text}')
        print_log(f'--cfg-options {option}: {text}', 'current', logging.WARNING)


def _places(node: Any, path: str, name: str) -> Iterator[str]:
    """Yield where a key of this name stands."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, (list, tuple)) else ()
    for key, value in items:
        if key == name:
            yield f'{path}.{key}'
        yield from _places(value, f'{path}.{key}', name)
