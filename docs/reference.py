"""Pages of the API reference, a page per room, and where each public name is described."""

import ast
import functools
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

ROOT = Path(__file__).resolve().parents[1]


class Room(NamedTuple):
    """A page: what the room is for in one sentence, and the modules whose public names it shows."""

    title: str
    sentence: str
    modules: Tuple[str, ...]


PARTS = (
    'dueb_terms',
    'confident_labels',
    'sampled_contrast',
    'auxiliary_decoders',
    'named_networks',
    'batch_statistics',
)
ROOMS = {
    'structures': Room('Structures', 'The nouns that go through all methods.', ('mmseg_ssl.structures',)),
    'segmentors': Room(
        'Methods',
        'One class, one method: its `loss()` is the flow of a training step.',
        ('mmseg_ssl.models.segmentors',),
    ),
    'models': Room(
        'Parts of methods',
        'Networks, teachers, views and other modules with state, which a config names and a method calls.',
        ('mmseg_ssl.models', *(f'mmseg_ssl.models.{part}' for part in PARTS)),
    ),
    'targets': Room('Targets', 'Pure functions: probabilities in, labels and weights out.', ('mmseg_ssl.targets',)),
    'losses': Room(
        'Losses',
        'Pure functions that return a map per pixel, and their registered modules.',
        ('mmseg_ssl.models.losses',),
    ),
    'ops': Room(
        'Operations', 'Pure helpers below targets and losses: mixing, means, Potts models.', ('mmseg_ssl.ops',)
    ),
    'datasets': Room(
        'Data', 'Labeled and unlabeled images, their lists, their checks and their transforms.', ('mmseg_ssl.datasets',)
    ),
    'engine': Room('Engine', 'Loops and hooks: what happens around the training step.', ('mmseg_ssl.engine',)),
    'apis': Room('Trained networks', 'Load the network of a run, and predict with it.', ('mmseg_ssl.apis',)),
    'evaluation': Room('Evaluation', "Metrics beside mmsegmentation's own.", ('mmseg_ssl.evaluation',)),
    'errors': Room(
        'Errors', 'Errors that a user can fix; each message names the file and the fix.', ('mmseg_ssl.errors',)
    ),
}


def _source(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split('.'))
    return ast.parse((path / '__init__.py' if path.is_dir() else path.with_suffix('.py')).read_text(encoding='utf-8'))


def _exported(module: str) -> List[str]:
    """Names in ``__all__``, or else the classes and functions of a file without an underscore in front."""
    body = _source(module).body
    for node in body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == '__all__':
            return ast.literal_eval(node.value)
    defined = [node.name for node in body if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    return [name for name in defined if not name.startswith('_')]


@functools.lru_cache(maxsize=None)
def public_names() -> Dict[str, List[str]]:
    """Module -> what the reference shows of it; a name that several modules have is shown where it belongs most."""
    found: Dict[str, List[str]] = {}
    taken = set(_exported('mmseg_ssl.errors')) | set(_exported('mmseg_ssl.models.segmentors'))
    for room in ROOMS.values():
        for module in room.modules:
            own = module in ('mmseg_ssl.errors', 'mmseg_ssl.models.segmentors')
            found[module] = [name for name in _exported(module) if own or name not in taken]
            taken.update(found[module])
    return found


@functools.lru_cache(maxsize=None)
def paths() -> Dict[str, str]:
    """Public name -> its dotted name in the reference."""
    return {
        name: f'{module}.{name}' + _own_file(module, name) for module, names in public_names().items() for name in names
    }


def _own_file(module: str, name: str) -> str:
    """Return what a function needs behind its name where its file has the same name: Griffe would take the file."""
    return f'.{name}' if ROOT.joinpath(*module.split('.'), f'{name}.py').is_file() else ''


def link(dotted: str) -> str:
    """Return Markdown of a name: a link into the reference where it is described there, else code."""
    parts = dotted.split('.')
    for start, name in enumerate(parts):
        rest = parts[start + 1 :]
        if name in paths() and (not rest or name[0].isupper()):  # of a class its methods, too
            return f'[`{".".join(parts[start:])}`][{".".join([paths()[name], *rest])}]'
    return f'`{parts[-1]}`'


def page(name: str) -> str:
    """Write a room's page: its sentence, and what mkdocstrings is to show."""
    room = ROOMS[name]
    lines = [f'# {room.title}', '', room.sentence]
    for module in room.modules:
        if len(room.modules) > 1 and module != room.modules[0]:
            lines += ['', f'## `{module}`']
        names = public_names()[module]
        shown = [name for name in names if not _own_file(module, name)]
        lines += ['', f'::: {module}', '    options:', f'      members: [{", ".join(shown)}]']
        for name in names:
            if name not in shown:
                lines += ['', f'::: {paths()[name]}', '    options:', '      show_root_heading: true']
    return '\n'.join([*lines, ''])


def index() -> str:
    """Write the table of rooms."""
    rows = [f'| [{room.title}]({name}.md) | {room.sentence} |' for name, room in ROOMS.items()]
    return '\n'.join(['| room | what it is for |', '|---|---|', *rows])
