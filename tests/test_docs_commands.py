"""Commands and code in the documentation and READMEs are understood; test_readme.py and test_docs_run.py run them."""

import re
import shlex

import pytest
from load_tool import load_tool
from toy_process import ROOT

PAGES = sorted((ROOT / 'docs').rglob('*.md'))
TEXTS = [*PAGES, ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted(ROOT.glob('configs/**/README.md'))]
LAUNCHERS = {
    'tools/dist_train.sh': (1,),
    'tools/dist_test.sh': (2,),
    'tools/slurm_train.sh': (0, 1),
    'tools/slurm_test.sh': (0, 1),
}
"""Arguments that a launcher takes for itself, by their place; the others go to the Python tool of the same name."""


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
    """By the tool's own command line, without running it."""
    monkeypatch.setenv('LOCAL_RANK', '0')
    if words[0] not in ('python', 'bash'):
        known = {'make', 'source', 'pip', 'pre-commit', '.ci/run', 'cd', 'git', 'touch'}
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
