"""Numbers in READMEs and pages have a record: the tools write tables of results, from ``configs/runs.jsonl``."""

import re
from pathlib import Path
from typing import Dict, List, Set

import pytest
from load_tool import load_script
from toy_process import ROOT

from mmseg_ssl.tooling.run_records import read_records

GENERATED = (
    *('results', 'localizer', 'comparison', 'benchmark', 'runner', 'gpu', 'solver', 'groups'),
    *('configs', 'methods', 'papers'),
)
"""Blocks that a tool writes: from records, from measurements that it makes itself, and from the matrix."""
BLOCK = re.compile(rf'<!-- ({"|".join(GENERATED)}):begin([^>]*) -->\n(.*?)<!-- \1:end -->', re.DOTALL)
SCORE = re.compile(r'(?<![\w.])\d{1,3}\.\d\d(?![\w.])')
"""A score as tables of results have them: two decimals."""
MASKS = 'data/msrc21/ann_dir/train'
PAGES = sorted(
    path
    for pattern in ('*.md', 'configs/**/*.md', 'docs/**/*.md', 'projects/**/*.md')
    for path in ROOT.glob(pattern)
    if path.name != 'CHANGELOG.md'
)
ELSEWHERE = {'README.md': 7, 'configs/splits/README.md': 4}
"""Rows by hand: of the first page, which ``test_readme.py`` compares with the records' table, and shares of labels."""


def by_hand(text: str) -> List[str]:
    """Rows of tables with a score, outside of what the tools write."""
    lines = BLOCK.sub('', text).splitlines()
    return [line for line in lines if line.startswith('|') and SCORE.search(line)]


def known_rows(classes: str) -> Dict[str, Set[str]]:
    """Rows that the tool writes from the records, by network and data: means over draws, and a row per draw."""
    tool = load_script(ROOT / 'tools' / 'results.py')
    groups: Dict[str, list] = {}
    for run in read_records(ROOT / 'configs' / 'runs.jsonl'):
        groups.setdefault(run.setting, []).append(run)
    rows = {}
    for setting, runs in groups.items():
        chosen, methods = tool.choose(runs, None, None)
        lines = [tool.results_report(chosen, methods, by_draw, classes).splitlines() for by_draw in (False, True)]
        rows[setting] = {line for part in lines for line in part if line.startswith('|')}
    return rows


@pytest.mark.parametrize('path', PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_scores_stand_in_tables_that_a_tool_writes(path: Path):
    assert len(by_hand(path.read_text())) <= ELSEWHERE.get(path.relative_to(ROOT).as_posix(), 0)


@pytest.mark.parametrize(
    'path',
    [
        path
        for path in PAGES
        if '<!-- results:begin' in path.read_text()
        and path.parent.parent.name == 'configs'
        or path == ROOT / 'configs/README.md'
    ],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_rows_of_results_are_those_of_the_records(path: Path):
    """A row of runs that were never recorded, or whose records have changed since, is found."""
    (found,) = (match for match in BLOCK.finditer(path.read_text()) if match.group(1) == 'results')
    rows = [line for line in found.group(3).splitlines() if line.startswith('| ')]
    known = set().union(*known_rows(found.group(2).partition('=')[2]).values())
    assert len(rows) > 5 and not [row for row in rows if row not in known]


@pytest.mark.skipif(not (ROOT / MASKS).is_dir(), reason='MSRC-21 is not here')
def test_the_table_of_classes_with_few_labels_is_that_of_the_records():
    text = (ROOT / 'configs/README.md').read_text()
    (found,) = (match for match in BLOCK.finditer(text) if match.group(1) == 'groups')
    tool, runs = load_script(ROOT / 'tools' / 'results.py'), read_records(ROOT / 'configs' / 'runs.jsonl')
    settings = dict(pair.split('=') for pair in found.group(2).split())
    assert settings['masks'] == MASKS
    plan, masks = ROOT / settings['plan'], ROOT / MASKS
    assert found.group(3).strip() == tool.class_group_report(runs, plan, masks, settings['other'])


def test_a_table_of_the_localizer_needs_its_scores_in_the_records():
    pages = [path for path in PAGES if '<!-- localizer:begin' in path.read_text()]
    judged = [run for run in read_records(ROOT / 'configs' / 'runs.jsonl') if 'localizer/error_F1' in run.metrics]
    assert not pages or judged, pages


def test_a_number_by_hand_is_seen():
    table = '| a | b |\n|---|---|\n| ELN | 40.36 |\n'
    assert by_hand(table) == ['| ELN | 40.36 |']
    assert by_hand(f'<!-- results:begin classes=pole -->\n{table}<!-- results:end -->\n') == []
    assert by_hand(f'<!-- mine:begin -->\n{table}<!-- mine:end -->') and by_hand('| 2.3 - 2.7 | `0.2.10` |') == []
