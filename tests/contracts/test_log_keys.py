"""The glossary of CONTRIBUTING.md knows every key that a method logs."""

import re

import tiny
from test_methods import every_form
from toy_process import ROOT

TABLE = (ROOT / 'CONTRIBUTING.md').read_text().split('## Log keys')[1]
NETWORK = r'((student|peer|conservative|progressive)\.)?'


def glossary():
    """Make a pattern of each key: ``<name>`` is any word, ``*`` anything or, of pseudo terms, a name of its row."""
    patterns = []
    for keys, meaning in re.findall(r'^\| (`.*?) \| (.*) \|$', TABLE, re.MULTILINE):
        for key in re.findall(r'`([^`]+)`', keys):
            names = '|'.join(re.findall(r'`(\w+)`', meaning)) if key == 'unsup.loss_*' else '.+'
            patterns.append(re.sub(r'<\w+>', r'\\w+', re.escape(key).replace(r'\*', f'({names})')))
    return patterns


@every_form
def test_the_glossary_knows_every_key(method, options):
    patterns = glossary()
    assert len(patterns) > 15
    losses = tiny.loss_of(tiny.build(method, segmentor=tiny.tiny_segmentor(auxiliary=True), **options), tiny.batch())
    unknown = [key for key in losses if not any(re.fullmatch(NETWORK + pattern, key) for pattern in patterns)]
    assert not unknown, f'add a row to the table of CONTRIBUTING.md for {unknown}'
