"""The documentation quotes messages that are there, and every page is in the navigation; make docs does the rest."""

import re

import pytest
from toy_process import ROOT

DOCS = ROOT / 'docs'
METHODS = {path.parent.name for path in ROOT.glob('configs/*/metafile.yml')}
MESSAGES = re.findall(r'^\| `(.+?)` \|', (DOCS / 'troubleshooting.md').read_text(), re.MULTILINE)


@pytest.fixture(scope='module')
def code():
    """All texts of the package, strings that go on in the next line joined."""
    text = '\n'.join(path.read_text() for path in sorted((ROOT / 'mmseg_ssl').rglob('*.py')))
    return re.sub(r"'\n\s*f?'", '', text).replace('{type(self).__name__}', 'NAME')


@pytest.mark.parametrize('message', MESSAGES)
def test_messages_that_are_explained_exist(message, code):
    assert message in code


def test_every_page_and_every_method_is_in_the_navigation():
    assert len(MESSAGES) > 10
    named = set(re.findall(r': ([\w/]+)\.md$', (ROOT / 'mkdocs.yml').read_text(), re.MULTILINE))
    pages = {str(path.relative_to(DOCS).with_suffix('')) for path in DOCS.rglob('*.md')}
    assert named == pages | {f'methods/{name}' for name in METHODS}


def test_tools_that_are_named_exist():
    for path in DOCS.rglob('*.md'):
        for name in re.findall(r'(?:tools|configs|mmseg_ssl)/[\w/.-]+\.(?:py|sh)\b', path.read_text()):
            assert (ROOT / name).is_file(), (path.name, name)
