"""Make every small error in the methods' files, one at a time, and see whether the value tests notice.

    python tests/mutations/run.py [FILE ...] [--named] [--also]

In a temporary copy of the checkout; the checkout itself is not touched. Prints every error that no test noticed, and
the share that was noticed. A survivor is a gap in the tests, or no error at all (``equivalent.md`` says why for those
that are known). With ``--also``, what the value tests let through is tried on the method's other tests.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Tuple

ROOT = Path(__file__).resolve().parents[2]
SEGMENTORS = 'mmseg_ssl/models/segmentors'
VALUES: Dict[str, Tuple[str, ...]] = {
    'base': ('fixmatch', 'cps', 'cpcl'),
    'cpcl': ('cpcl',),
    'cps': ('cps',),
    'cutmix_seg': ('teacher',),
    'dueb': ('cpcl',),
    'eln': ('eln',),
    'eln_warmup': ('eln',),
    'energy_margins': ('cpcl',),
    'farcluss': ('farcluss',),
    'fixmatch': ('fixmatch',),
    'hard_self_labeling': ('graph_cut',),
    'located_cps': ('cps',),
    'mean_teacher': ('teacher',),
    'potts_regularized': ('potts',),
    'pseudo_label': ('teacher',),
    'scribble_mean_teacher': ('self_labeling',),
    'scribble_supervised': ('potts', 'tree_energy'),
    'self_labeling': ('self_labeling', 'graph_cut'),
    'soft_self_labeling': ('self_labeling',),
    'supervised': ('teacher',),
    'tree_energy': ('tree_energy',),
    'unimatch_v1': ('fixmatch',),
    'unimatch_v2': ('fixmatch',),
}
"""Value tests by file."""
OTHERS: Dict[str, Tuple[str, ...]] = {
    'cpcl': ('test_mean_teacher', 'test_predict'),
    'cps': ('test_cps',),
    'cutmix_seg': ('test_cutmix_seg',),
    'eln': ('test_eln',),
    'eln_warmup': ('test_eln',),
    'farcluss': ('test_farcluss',),
    'fixmatch': ('test_fixmatch', 'test_unimatch'),
    'located_cps': ('test_cps',),
    'mean_teacher': ('test_mean_teacher',),
    'pseudo_label': ('test_pseudo_label_method',),
    'unimatch_v1': ('test_unimatch',),
    'unimatch_v2': ('test_unimatch',),
}
"""Further tests of the models by file; those of the scribble methods if not given."""
WHOLE = ('base', 'energy_margins', 'scribble_supervised')
"""Files whose value tests are those of other methods."""
SKIP = ('forward', 'predict', 'predictors', 'with_neck', 'branch', 'inference_of', 'extract_feat', 'encode_decode')
"""Functions that training does not use."""
ONCE = ('mmseg_ssl.compat', 'mmseg_ssl.engine.atomic_files')
"""Modules that mend or extend the host when they are imported, and are not imported again."""
LIMIT = 240
"""Seconds that the tests of one error may take."""


def main() -> int:
    """Run; the exit code is 0 where every error was noticed."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('files', nargs='*', help='names such as cpcl; all files of the methods if not given')
    parser.add_argument('--named', action='store_true', help='only the errors of named.py')
    parser.add_argument('--also', action='store_true', help="try survivors on the method's other tests")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ('mmseg_ssl', 'tests', 'projects', 'configs', 'tools'):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns('__pycache__'))
        shutil.copy(ROOT / 'pyproject.toml', copy)
        sys.path[:0] = [str(copy), str(copy / 'tests' / 'mutations')]
        sys.dont_write_bytecode = True
        os.chdir(copy)
        import torch

        import mmseg_ssl  # noqa: F401  imported once: what does not change costs no time in the children

        torch.set_num_threads(1)
        return report(copy, args)


def report(copy: Path, args: argparse.Namespace) -> int:
    """Try the errors file by file."""
    lines, left = [], 0
    for name in args.files or VALUES:
        found = {'values': 0, 'others': 0, 'survived': 0}
        path = path_of(copy, name)
        if tried(path, path.read_text(), name, args.also) != 'survived':
            raise SystemExit(f'The tests of {name} fail on the code as it is, or the fork could not import it.')
        for path, line, what, source in errors(copy, name, args.named):
            verdict = tried(path, source, name, args.also)
            found[verdict] += 1
            if verdict != 'values':
                print(f'  {verdict}: {path.name}:{line} {what}', flush=True)
        total, left = sum(found.values()), left + found['survived']
        if total:
            lines.append(f'{name}: {found["values"]} of {total} noticed by value tests, {found["others"]} by others')
            print(lines[-1], flush=True)
    print('\n'.join(['', *lines, f'{left} survived']))
    return int(left > 0)


def path_of(copy: Path, name: str) -> Path:
    """A method's file, or that of a part in ``models``."""
    path = copy / SEGMENTORS / f'{name}.py'
    return path if path.is_file() else path.parents[1] / path.name


def errors(copy: Path, name: str, only_named: bool) -> List[tuple]:
    """Path, line, description and text of every error in a file."""
    from named import NAMED
    from operators import mutants

    path = path_of(copy, name)
    text, result = path.read_text(), []
    for file, what, old, new in NAMED:
        if copy / file == path:
            if old not in text:
                raise SystemExit(f'named.py: {file} no longer has {old!r}; write "{what}" anew.')
            line = text[: text.index(old)].count('\n') + 1
            result.append((path, line, f'named: {what}', text.replace(old, new, 1)))
    if not only_named:
        result += [(path, *mutant) for mutant in mutants(text, SKIP)]
    return result


def tried(path: Path, source: str, name: str, also: bool) -> str:
    """Which tests notice: ``'values'``, ``'others'``, or none: ``'survived'``."""
    text = path.read_text()
    path.write_text(source)
    try:
        scale = ['tests/contracts/test_unsup_scale.py', '-k', class_of(text)]
        only = [] if name in WHOLE else ['-k', class_of(text)]
        values = [[f'tests/test_models/test_{test}_values.py' for test in VALUES[name]] + only, scale]
        others = [[f'tests/test_models/{test}.py' for test in OTHERS.get(name, ('test_scribble_methods',))]]
        others += [['tests/contracts/test_methods.py', '-k', class_of(text)]]
        if any(fails(tests) for tests in values):
            return 'values'
        return 'others' if also and any(fails(tests) for tests in others) else 'survived'
    finally:
        path.write_text(text)


def class_of(text: str) -> str:
    """Expression that selects a file's method among parametrized tests."""
    names = [line.split('(')[0].split()[-1] for line in text.split('\n') if line.startswith('class ')]
    return ' or '.join(names) if names else 'nothing'


def fails(tests: List[str]) -> bool:
    """Run tests on the package as it is in the copy now, in a child that imports the package anew."""
    child = os.fork()
    if not child:
        with open(os.devnull, 'w') as nothing:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
            signal.alarm(LIMIT)
            code = 1
            try:
                import pytest

                forget()
                code = pytest.main(['-x', '-q', '-p', 'no:cacheprovider', *tests])
            finally:
                os._exit(0 if code in (0, 5) else 1)  # 5: no test was selected
    started = time.monotonic()
    _, status = os.waitpid(child, 0)
    assert time.monotonic() - started < LIMIT + 60
    return status != 0


def forget() -> None:
    """Unload the package and what it has registered, and import it again."""
    import importlib

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


if __name__ == '__main__':
    sys.exit(main())
