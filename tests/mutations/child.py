"""Tests in a child process that imports the package anew; what the tests need beside it was imported before."""

import importlib
import os
import signal
import sys
from typing import Callable, List, Sequence

ONCE = ('mmseg_ssl.compat', 'mmseg_ssl.utils.atomic_files')
"""Modules that patch or extend the host when they are imported, and are not imported again."""
LIMIT = 240
"""Seconds that the tests of one error may take."""


def compared(tests: Sequence[str], classes: Sequence[str]) -> bool:
    """Tell if the cases of some methods, or of all, pass in some value tests; without pytest, which takes longer."""
    for test in tests:
        for function in list(vars(importlib.import_module(f'test_{test}_values')).values()):
            for mark in getattr(function, 'pytestmark', []):
                for case in mark.args[1]:
                    if not classes or case.split('-')[0] in classes:
                        function(case)
    return True


def passed(arguments: List[str]) -> bool:
    """Tell if pytest finds no fault; it may find no test."""
    import pytest

    return pytest.main(['-x', '-q', '-p', 'no:cacheprovider', *arguments]) in (0, 5)


def fails(tests: Callable[[], bool]) -> bool:
    """Tell if tests of the package, as its files are now, fail, break off or do not end."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] != 0
    with open(os.devnull, 'w') as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
        signal.alarm(LIMIT)
        good = False
        try:
            forget()
            good = tests()
        finally:
            os._exit(0 if good else 1)


def forget() -> None:
    """Unload the package and what it has registered, and import it again."""
    import mmengine.registry as host
    import mmseg.registry as own

    known = {id(value): value for module in (host, own) for value in vars(module).values()}
    for registry in [value for value in known.values() if isinstance(value, host.Registry)]:
        for key, value in list(registry.module_dict.items()):
            if value.__module__.startswith('mmseg_ssl') and value.__module__ not in ONCE:
                del registry.module_dict[key]
    for key in [key for key in sys.modules if key.split('.')[0] == 'mmseg_ssl' and key not in ONCE]:
        del sys.modules[key]
    importlib.import_module('mmseg_ssl')
