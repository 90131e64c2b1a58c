"""The documentation is true of the code: messages, commands, options, names, drawings; make docs does the rest."""

import inspect
import re
import shlex
import sys

import pytest
from load_tool import load_tool
from toy_process import ROOT

import mmseg_ssl.models as models

DOCS = ROOT / 'docs'
sys.path.append(str(DOCS))

import figures  # noqa: E402
import options  # noqa: E402
import reference  # noqa: E402
from rst import inline, to_markdown  # noqa: E402

METHODS = [name for name in models.segmentors.__all__ if name != 'SemiSegmentor']
MESSAGES = re.findall(r'^\| `(.+?)` \|', (DOCS / 'troubleshooting.md').read_text(), re.MULTILINE)
PAGES = sorted(DOCS.rglob('*.md'))
TEXTS = [*PAGES, ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted(ROOT.glob('configs/**/README.md'))]
LAUNCHERS = {
    'tools/dist_train.sh': (1,),
    'tools/dist_test.sh': (2,),
    'tools/slurm_train.sh': (0, 1),
    'tools/slurm_test.sh': (0, 1),
}
"""Arguments that a launcher takes for itself, by their place; the others go to the Python tool of the same name."""
DRAWINGS = sorted(figures.FOLDER.glob('*.txt'))


@pytest.fixture(scope='module')
def code():
    """All texts of the package, strings that go on in the next line joined."""
    text = '\n'.join(path.read_text() for path in sorted((ROOT / 'mmseg_ssl').rglob('*.py')))
    return re.sub(r"'\n\s*f?'", '', text).replace('{type(self).__name__}', 'NAME')


@pytest.mark.parametrize('message', MESSAGES)
def test_messages_that_are_explained_exist(message, code):
    assert message in code


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
    """Whether a straight line between the middles of two boxes crosses a third one."""
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


def shell_lines(text):
    """Lines of blocks of shell, continued ones joined, and commands inside of sentences."""
    for block in re.findall(r'```(?:bash|sh)\n(.*?)```', text, re.DOTALL):
        yield from block.replace('\\\n', ' ').splitlines()
    for command in re.findall(r'(?<!`)`((?:python|bash) tools/[^`]+)`', text):
        yield command.replace('\n', ' ')


def commands():
    """Commands of all texts as words; a placeholder such as <n> is a 1, settings of the environment are left out."""
    for path in TEXTS:
        for line in shell_lines(path.read_text()):
            words = shlex.split(re.sub(r'<[\w ]+>', '1', line), comments=True)
            while words and re.fullmatch(r'\w+=\S*', words[0]):
                words.pop(0)
            if words:
                yield pytest.param(path, words, id=f'{path.parent.name}-{" ".join(words)}'[:100])


@pytest.mark.parametrize(('path', 'words'), commands())
def test_commands_are_understood(path, words, monkeypatch):
    """By the tool's own command line, without running it; README's are run by test_readme.py."""
    monkeypatch.setenv('LOCAL_RANK', '0')
    if words[0] not in ('python', 'bash'):
        known = {'make', 'source', 'pip', 'pre-commit', '.ci/run', 'cd', 'git'}
        assert words[0] in known, words
        targets = (ROOT / 'Makefile').read_text()
        assert words[0] != 'make' or all(f'\n{word}:' in targets for word in words[1:] if '=' not in word)
        return
    script, arguments = words[1], words[2:]
    if not script.startswith(('tools/', 'tests/')):
        return
    assert (ROOT / script).is_file()
    for word in words:
        assert not word.startswith(('configs/', 'projects/')) or (ROOT / word).exists(), word
    if script in LAUNCHERS:
        arguments = [word for place, word in enumerate(arguments) if place not in LAUNCHERS[script]]
        script = f'tools/{script[:-3].rpartition("_")[2]}.py'
    tool = load_tool(script[6:-3]) if script.startswith('tools/') else None
    if hasattr(tool, 'parse_args'):
        tool.parse_args(arguments)
    else:
        text = (ROOT / script).read_text()
        assert all(word.split('=')[0] in text for word in arguments if word.startswith('--'))


@pytest.mark.parametrize('path', PAGES, ids=lambda path: path.stem)
def test_python_in_pages_is_python(path):
    for block in re.findall(r'```python\n(.*?)```', path.read_text(), re.DOTALL):
        compile(block, str(path), 'exec')


def test_tools_that_are_named_exist():
    for path in TEXTS:
        for name in re.findall(r'(?<![\w/])(?:tools|configs|mmseg_ssl)/[\w/.-]+\.(?:py|sh)\b', path.read_text()):
            assert (ROOT / name).is_file(), (path.name, name)
