"""A method's worth in pairs of runs: hand values of differences and errors, words for them, and the table of a plan."""

import json
import math

import pytest
from load_tool import load_tool
from test_results import block, metrics
from test_run_benchmark import write_plan

from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.comparison import comparison_report, describe_difference
from mmseg_ssl.tooling.paired import Difference, gap_closed, paired_difference, verdict
from mmseg_ssl.tooling.run_logs import Run
from mmseg_ssl.tooling.run_records import add_records
from mmseg_ssl.tooling.trainings.plan import read_plan, read_tables

SUPERVISED = 'configs/supervised/supervised_mbv2_camvid_8.py'
FULL = 'configs/supervised/supervised_mbv2_camvid_full.py'
DUEB = 'configs/dueb/dueb_mbv2_camvid_8.py'
LISTS = [f'camvid/8_draw{draw}.txt' for draw in range(3)]


def test_the_paired_difference_by_hand():
    """Differences 1, 2, 6: mean 3; squares of the deviations 4 + 1 + 9 = 14, sample variance 7, error sqrt(7 / 3).
    Of the runs that one side lacks nothing counts, or a hard draw would look like a bad method.
    """
    ours = {('a', 0): 51.0, ('b', 0): 42.0, ('c', 0): 66.0, ('d', 0): 99.0}
    others = {('a', 0): 50.0, ('b', 0): 40.0, ('c', 0): 60.0, ('c', 1): 0.0}
    found = paired_difference(ours, others)
    assert found == Difference(3.0, pytest.approx(math.sqrt(7 / 3)), 3)
    back = paired_difference(others, ours)
    assert (back.mean, back.error) == (-3.0, found.error)


def test_a_score_that_is_not_defined_makes_no_pair():
    """As of classes that the test set lacks and a network never predicts."""
    ours, others = {0: 3.0, 1: math.nan, 2: 5.0, 3: 1.0}, {0: 1.0, 1: 1.0, 2: 1.0, 3: math.nan}
    assert paired_difference(ours, others) == Difference(3.0, 1.0, 2)
    assert paired_difference({0: math.nan}, others).pairs == 0


def test_what_draws_do_to_both_is_not_in_the_error():
    """Draws 10 points apart and a method that is 1 better on each: error 0, while single runs deviate by 10."""
    others = {draw: 40.0 + 10 * draw for draw in range(3)}
    found = paired_difference({draw: score + 1 for draw, score in others.items()}, others)
    assert found == Difference(1.0, 0.0, 3) and verdict(found) == 'better'


def test_few_pairs():
    assert paired_difference({'a': 3.0}, {'b': 1.0}).pairs == 0
    one = paired_difference({'a': 3.0}, {'a': 1.0})
    assert (one.mean, one.pairs) == (2.0, 1) and math.isnan(one.error)


@pytest.mark.parametrize(
    ('mean', 'error', 'pairs', 'word'),
    [
        (2.01, 1.0, 3, 'better'),
        (-2.01, 1.0, 3, 'worse'),
        (2.0, 1.0, 6, 'not distinguishable'),  # of exactly two errors nothing is said
        (-1.0, 1.0, 6, 'not distinguishable'),
        (0.0, 0.0, 3, 'not distinguishable'),  # a method that equals its control
        (9.0, 0.1, 2, 'too few runs'),
        (9.0, math.nan, 1, 'too few runs'),
    ],
)
def test_the_verdict(mean, error, pairs, word):
    assert verdict(Difference(mean, error, pairs)) == word


def test_differences_in_words():
    assert describe_difference(Difference(3.104, 0.6, 6)) == '+3.10 ± 0.60: better'
    assert describe_difference(Difference(-0.5, 0.6, 4)) == '-0.50 ± 0.60: not distinguishable'
    assert describe_difference(Difference(1.0, 0.5, 2)) == '+1.00 ± 0.50: too few runs'
    assert describe_difference(Difference(1.0, math.nan, 1)) == '+1.00: too few runs'
    assert describe_difference(Difference(math.nan, math.nan, 0)) == 'not run'


def test_the_share_of_the_gap_by_hand():
    """Few labels 50 on the shared draws, all labels 70, the method 55: a quarter. Draws c and d, of one side alone, are
    out. Where few labels beat all there is no gap.
    """
    few, everything = {'a': 48.0, 'b': 52.0, 'c': 10.0}, {('train', 0): 69.0, ('train', 1): 71.0}
    assert gap_closed({'a': 54.0, 'b': 56.0, 'd': 90.0}, few, everything) == pytest.approx(0.25)
    assert gap_closed(few, few, everything) == 0.0
    assert gap_closed({'a': 47.0}, few, everything) == pytest.approx(-1 / 22)
    assert gap_closed({'a': 1.0}, {'a': 70.0}, everything) is gap_closed({'a': 1.0}, {'a': 71.0}, everything) is None
    assert gap_closed({'a': 1.0}, few, {}) is None and gap_closed({'d': 1.0}, few, everything) is None


@pytest.fixture
def plan(tmp_path):
    table = dict(trainings=[SUPERVISED, DUEB, f'{DUEB} + control'], lists=LISTS, seeds=[0], ceiling=FULL)
    return write_plan(tmp_path / 'plan.toml', dict(trainings=[FULL], lists=['camvid/train.txt'], seeds=[0, 1]), table)


def run_of(job, test, val):
    """The run of a job, with these scores of its first network."""
    fields = dict(
        method=job.config.split('/')[1],
        setting='mbv2_camvid',
        variant='',
        labels='',
        draw=job.split,
        options=job.options,
        config=job.config.split('/')[-1][:-3],
        iterations=job.iterations,
        seed=job.seed,
        metrics=metrics(('a/', test), ('b/', 0.0)),
        val_metrics=metrics(('a/', val)),
        judge='',
        step_ms=None,
        memory_mb=None,
        hardware='CPU',
        images='test',
        provenance=dict(digest=job.digest, variant=job.variant, commits=['1a2b']),
    )
    return Run(**fields)


def runs_of(jobs, scores):
    """Runs of a plan's jobs: of each training the scores on test in the jobs' order; on val half of it."""
    pairs = [
        (job, score)
        for training, values in scores.items()
        for job, score in zip((job for job in jobs if job.training == training), values)
    ]
    return [run_of(job, score, score / 2) for job, score in pairs]


SCORES = {
    'supervised_mbv2_camvid_8': [50.0, 40.0, 60.0],
    'dueb_mbv2_camvid_8': [51.0, 42.0, 66.0],
    'dueb_mbv2_camvid_8+control': [51.0, 39.0, 60.0],
    'supervised_mbv2_camvid_full': [69.0, 71.0],
}


def rows(text):
    return [line for line in text.splitlines() if line.startswith('| camvid')]


def test_the_table_by_hand(plan):
    """DUEB to supervised: 1, 2, 6, as above. To its control: 0, 3, 6: mean 3, variance 9, error sqrt(3). The control to
    supervised: 1, -1, 0: error sqrt(1 / 3). Gap: 50 to 70; 53 closes 15 %.
    """
    text = comparison_report(runs_of(read_plan(plan), SCORES), plan)
    assert '| labels | method | runs | val | test | minus control | minus Supervised | gap closed |' in text
    network = 'DUEB (conservative)'
    assert rows(text) == [
        '| camvid/8 | Supervised | 3 of 3 | 25.00 | 50.00 |  |  |  |',
        f'| camvid/8 | {network} | 3 of 3 | 26.50 | 53.00 | +3.00 ± 1.73: not distinguishable | '
        '+3.00 ± 1.53: not distinguishable | 15 % |',
        f'| camvid/8 | {network}, control | 3 of 3 | 25.00 | 50.00 |  | +0.00 ± 0.58: not distinguishable | 0 % |',
        '| camvid/train | Supervised | 2 of 2 | 35.00 | 70.00 |  |  |  |',
    ]
    assert f'11 of 11 runs of `{plan.as_posix()}` are done' in text and 'Commits: 1a2b.' in text


def test_what_is_not_run_says_so(plan):
    """After the first round there are differences of one pair, and no verdict."""
    jobs = read_plan(plan)
    first = {name: values[:1] for name, values in SCORES.items() if name != 'dueb_mbv2_camvid_8+control'}
    text = comparison_report(runs_of(jobs, first), plan)
    assert rows(text)[1:] == [
        '| camvid/8 | DUEB (conservative) | 1 of 3 | 25.50 | 51.00 | not run | +1.00: too few runs | 5 % |',
        '| camvid/train | Supervised | 1 of 2 | 34.50 | 69.00 |  |  |  |',
    ]
    assert '\n\nNot run: camvid/8 DUEB (conservative), control.\n\n' in text
    ceiling = {'supervised_mbv2_camvid_full': [69.0]}
    for some in ({}, ceiling):
        nothing = comparison_report(runs_of(jobs, some), plan)
        assert f'{len(some)} of 11 runs' in nothing and not rows(nothing)


def test_runs_of_earlier_configs_are_counted_and_left_out(plan):
    """Same training, list and seed, another digest; a run of another plan, and one without notes, are neither."""
    job = read_plan(plan)[2]
    older = run_of(job, 99.0, 99.0)
    older = older._replace(provenance=dict(older.provenance, digest='older'))
    other = older._replace(draw='camvid/8_draw9.txt')
    text = comparison_report([older, other, older._replace(provenance=None)], plan)
    assert not rows(text) and '0 of 11 runs' in text
    assert '1 more runs are of earlier versions of these configs, and left out.' in text
    text = comparison_report([older, run_of(job, 50.0, 50.0)], plan)  # it was run again since
    assert '1 of 11 runs' in text
    assert '1 more runs are of earlier versions of these configs, and left out.' in text


def test_an_ablation_has_a_row_of_its_name(tmp_path):
    """Two configs of a method differ in the name of the ablation alone."""
    configs = [f'configs/eln/eln_mbv2_camvid_8{ablation}.py' for ablation in ('', '_filter-confidence')]
    table = dict(trainings=[*configs, f'{configs[1]} + control'], lists=LISTS, seeds=[0])
    text = comparison_report([], write_plan(tmp_path / 'plan.toml', table))
    ablation = 'camvid/8 ELN `filter-confidence` (student)'
    assert f'Not run: camvid/8 ELN (student); {ablation}; {ablation}, control.' in text


def test_the_ceiling_is_a_training_of_the_plan(tmp_path):
    table = dict(trainings=[SUPERVISED], lists=LISTS, seeds=[0], ceiling=FULL)
    with pytest.raises(UserError, match='the ceiling .*full.py is none of the trainings of the plan'):
        read_tables(write_plan(tmp_path / 'plan.toml', table))


def test_the_block_of_a_readme_names_its_plan(plan, tmp_path):
    records, readme = tmp_path / 'runs.jsonl', tmp_path / 'README.md'
    runs = runs_of(read_plan(plan), SCORES)
    add_records(records, runs)
    readme.write_text(block('comparison', '').replace(':begin', f':begin plan={plan}'))
    load_tool('results').main(['--records', str(records), '--readme', str(readme)])
    assert comparison_report(runs, plan) in readme.read_text()
    assert json.loads(records.read_text().splitlines()[0])['provenance']['commits'] == ['1a2b']
