"""American spelling, as in the ecosystem, in code, configs and texts."""

import re
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ('mmseg_ssl', 'tools', 'configs', 'docs', 'projects', 'tests')
SUFFIXES = ('.py', '.md', '.yml', '.toml', '.sh')
BRITISH = re.compile(
    r'label(?:led|ling)|neighbour|colour|behaviour|favour|honour|(?<![a-z])grey|(?<![a-z])centre|centring|modelling'
    r'|(?:normal|initial|optim|minim|maxim|regular|synchron|serial|parametr|visual|summar|general|organ|recogn)is(?:e|ing|ation)'
    r'|learnt|judgement|artefact|catalogue|towards(?![a-z])',
    re.IGNORECASE,
)
ALLOWED = re.compile(r'`models\.labelling`|`neighbourhood`|Towards [A-Z]')
"""Former names in CHANGELOG.md, and titles of papers."""


def british_words(path: Path) -> Iterator[str]:
    """Yield place and word of every British spelling in a file."""
    text = path.read_text(encoding='utf-8')
    if BRITISH.search(text):
        for number, line in enumerate(text.splitlines(), start=1):
            for found in BRITISH.finditer(ALLOWED.sub('', line)):
                yield f'{path.relative_to(ROOT)}:{number}: {found.group()}'


def test_spelling_is_american():
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob('*') if path.suffix in SUFFIXES]
    paths += [
        *ROOT.glob('*.md'),
        *ROOT.glob('requirements/*.txt'),
        ROOT / 'Makefile',
        ROOT / 'setup.py',
        ROOT / 'pyproject.toml',
    ]
    assert [word for path in sorted(paths) if path != Path(__file__) for word in british_words(path)] == []


def test_a_british_word_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr('test_spelling.ROOT', tmp_path)
    path = tmp_path / 'a.md'
    path.write_text('An unlabelled image\nand its colours, in gray, toward the center of `models.labelling`.\n')
    assert list(british_words(path)) == ['a.md:1: labelled', 'a.md:2: colour']
