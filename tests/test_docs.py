"""The documentation is true of the code: messages, options, names, drawings; make docs does the rest."""

import ast
import importlib
import inspect
import re
import sys

import pytest
from toy_process import ROOT

import mmseg_ssl.models as models

DOCS = ROOT / 'docs'
sys.path.append(str(DOCS))

import figures  # noqa: E402
import options  # noqa: E402
import reference  # noqa: E402
from rst import ROLE, inline, to_markdown  # noqa: E402

METHODS = [name for name in models.segmentors.__all__ if name != 'SemiSegmentor']
CELLS = re.findall(r'^\| (`.+?`) \|', (DOCS / 'troubleshooting.md').read_text(), re.MULTILINE)
MESSAGES = [message for cell in CELLS for message in re.findall(r'`(.+?)`', cell)]
RULES = (
    *('engine/check_run_hook', 'engine/paramwise_rules', 'engine/run_rules', 'engine/weights_hook'),
    *('engine/run_length', 'engine/stage_hook', 'engine/unsup_ramp_hook'),
    *('datasets/checks/view_rules', 'models/unread_settings', 'compat/pretrained_weights', 'tooling/option_names'),
)
"""Files whose messages all come before the first step."""
PAGES = sorted(DOCS.rglob('*.md'))
DRAWINGS = sorted(figures.FOLDER.glob('*.txt'))


@pytest.fixture(scope='module')
def code():
    """All texts of the package, strings that go on in the next line joined."""
    text = '\n'.join(path.read_text() for path in sorted((ROOT / 'mmseg_ssl').rglob('*.py')))
    return re.sub(r"'\n\s*f?'", '', text).replace('{type(self).__name__}', 'NAME')


@pytest.mark.parametrize('message', MESSAGES)
def test_messages_that_are_explained_exist(message, code):
    assert message in code


@pytest.mark.parametrize('rule', RULES)
def test_messages_before_the_first_step_are_explained(rule):
    """Each text of a sentence or more in the code; "has no setting" is less, and logged texts are none."""
    tree = ast.parse((ROOT / 'mmseg_ssl' / f'{rule}.py').read_text())
    nodes = list(ast.walk(tree))
    skipped = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
    skipped |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    skipped |= {
        id(node.args[0]) for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func)[-5:] == '.info'
    }
    texts = [fixed_words(node) for node in nodes if id(node) not in skipped]
    texts = [text for text in texts if len(text) > 40 and text[-1] in '.?']
    assert texts
    for text in texts:
        assert any(message in text for message in MESSAGES), f'docs/troubleshooting.md has no row for: {text}'


def fixed_words(node):
    """A string of the code, with {} in the place of values; empty if it is none."""
    if isinstance(node, ast.JoinedStr):
        return ''.join(fixed_words(part) or '{}' for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ''


def test_every_page_is_in_the_navigation():
    assert len(MESSAGES) > 10
    named = set(re.findall(r': ([\w/]+)\.md$', (ROOT / 'mkdocs.yml').read_text(), re.MULTILINE))
    pages = {str(path.relative_to(DOCS).with_suffix('')) for path in PAGES}
    assert named == pages | {f'reference/{name}' for name in reference.ROOMS}


def test_every_method_has_a_page_with_figure_options_and_deviations():
    text = '\n'.join(path.read_text() for path in (DOCS / 'methods').glob('*.md'))
    assert all((DOCS / 'methods' / f'{path.parent.name}.md').is_file() for path in ROOT.glob('configs/*/metafile.yml'))
    for part in ('options', 'deviations'):
        shown = {
            name for names in re.findall(rf'^{{{{ {part} (.+) }}}}$', text, re.MULTILINE) for name in names.split()
        }
        assert set(METHODS) <= shown, part
    assert all(
        f'figure {page.stem}' in page.read_text() for page in (DOCS / 'methods').glob('*.md') if page.stem != 'index'
    )


@pytest.mark.parametrize('name', METHODS)
def test_tables_of_options_are_those_of_the_constructors(name):
    """Read without importing, and with the import: the same names and defaults, and none without a word about it."""
    signature = inspect.signature(getattr(models, name)).parameters.values()
    known = {one.name: one.default for one in signature if one.kind is not one.VAR_KEYWORD}
    read = {one.name: one for one in options.options(name)}
    assert list(read) == list(known)
    for option, default in known.items():
        text = read[option].default
        assert not text if default is inspect.Parameter.empty else eval(text) == default
        assert read[option].meaning, option
        assert 'As for' not in read[option].meaning


def test_names_in_pages_are_in_the_reference():
    for path in PAGES:
        for name in re.findall(r':(?:class|func|meth|mod|data):`([\w.]+)`', path.read_text()):
            assert reference.link(name).startswith('['), (path.name, name)


def test_links_of_docstrings_lead_to_what_is_there():
    """A role may name a method behind a public class: such a link is broken if the method is gone."""
    texts = [path.read_text() for path in sorted((ROOT / 'mmseg_ssl').rglob('*.py'))]
    roles = {''.join(name.split()) for text in texts for name in ROLE.findall(text)}
    links = [re.fullmatch(r'\[`.+`\]\[(.+)\]', reference.link(name)) for name in sorted(roles)]
    targets = {link[1] for link in links if link}
    assert len(targets) > 80
    modules = sorted((module for module in reference.public_names()), key=len, reverse=True)
    for target in targets:
        module = next(module for module in modules if target.startswith(f'{module}.'))
        names = target[len(module) + 1 :].split('.')
        found = getattr(importlib.import_module(module), names[0])
        for name in names[1:]:
            assert name == names[0] or hasattr(found, name), target


def test_public_names_are_shown_once():
    shown = [name for names in reference.public_names().values() for name in names]
    assert len(shown) == len(set(shown)) > 80
    assert not [name for name in shown if name.startswith('_')]


def test_docstrings_become_markdown():
    text = 'Loss::\n\n    a --> b\n\n::\n\n    c\n  d\n\n.. math:: L = a\n    + b\n'
    text += '\n=== =========\na b :math:`|x`\n=== =========\n'
    text += '\nSee :class:`~x.Y` and :math:`a\n b`.\n'
    text += '\nDeviations from the paper:\n    1. One\n       more.\n    2. Two.\n'
    made = to_markdown(text, lambda name: f'<{name}>')
    assert 'Loss:\n\n    a --> b\n' in made
    assert '```text\n  c\nd\n```\n' in made
    assert '| | |\n|---|---|\n| a b | $\\vert x$ |\n' in made
    assert '$$\nL = a + b\n$$' in made
    assert 'See <x.Y> and $a b$.' in made
    assert made.endswith('**Deviations from the paper:**\n\n1. One\n   more.\n2. Two.\n')
    assert inline('plain ``code``', str) == 'plain ``code``'


def box_hit(box, start, end, steps=60):
    """Tell if a straight line between the middles of two boxes crosses a third one."""
    for step in range(1, steps):
        x, y = (a + (b - a) * step / steps for a, b in zip(start[:2], end[:2]))
        if abs(x - box.x) < figures.WIDTH / 2 and abs(y - box.y) < figures.HEIGHT / 2:
            return True
    return False


@pytest.mark.parametrize('path', DRAWINGS, ids=lambda path: path.stem)
def test_drawings_are_used_and_no_arrow_runs_through_a_box(path):
    assert any(f'{{{{ figure {path.stem} }}}}' in page.read_text() for page in PAGES)
    figure = figures.read(path)
    assert figures.draw(figure).startswith('<svg')
    for start, end, *_ in figure.arrows:
        others = [name for name in figure.boxes if name not in (start, end)]
        ends = figure.boxes[start], figure.boxes[end]
        assert not [name for name in others if box_hit(figure.boxes[name], *ends)], (start, end)


def test_a_drawing_with_a_mistake_is_refused(tmp_path):
    path = tmp_path / 'a.txt'
    for line, message in (('a 0 0 net ' + 'x' * 21, 'line 2'), ('a -> b', 'no line puts anywhere')):
        path.write_text(f'Caption.\n{line}\n')
        with pytest.raises(ValueError, match=message):
            figures.read(path)
