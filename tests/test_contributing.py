"""CONTRIBUTING.md is true of the code: its links, and its excerpt of the worked example."""

import re
import textwrap

from toy_process import ROOT

TEXT = (ROOT / 'CONTRIBUTING.md').read_text()


def test_what_it_links_to_is_there():
    links = re.findall(r'\]\((?!http)([^)#]+)', TEXT)
    assert len(links) > 5
    assert not [link for link in links if not (ROOT / link).exists()]


def test_its_excerpt_is_the_example():
    excerpt = re.search(r'```python\n(.*?)```', TEXT, re.DOTALL).group(1)
    example = ROOT / 'projects/confident_teacher/confident_teacher/confident_teacher.py'
    assert textwrap.dedent(excerpt).strip() in textwrap.dedent(
        example.read_text().split('"""Losses of one step."""\n')[1].rsplit('return', 1)[0]
    )
