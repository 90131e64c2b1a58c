"""Records of runs: tables stay when work dirs go."""

import json
import shutil

import pytest
from load_tool import load_tool
from mmengine.config import Config
from test_results import STEPS, block, metrics, write_run

from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.run_options import digest_of
from mmseg_ssl.tooling.run_records import add_records, read_records
from mmseg_ssl.tooling.trainings.provenance import note_process


@pytest.fixture(scope='module')
def tool():
    return load_tool('results')


@pytest.fixture
def readme(tmp_path):
    path = tmp_path / 'README.md'
    path.write_text(block('results', ''))
    return path


def test_tables_outlive_the_work_dirs(tool, tmp_path, readme):
    """The same block from the records alone; a later run joins them, and a test made anew replaces its record."""
    runs, records = tmp_path / 'runs', tmp_path / 'runs.jsonl'
    write_run(
        runs,
        'dueb',
        'camvid/8_draw0.txt',
        metrics(('', 40.0)),
        steps=STEPS,
        **{'model.energy.type': 'ReleaseEnergyTerm'},
    )
    write_run(runs, 'cpcl', 'camvid/8_draw0.txt', dict(metrics(('', 30.0)), ECE=float('nan')))
    expected = tool.results_report(*tool.choose(tool.find_runs([runs]), None, None))
    options = ['--records', str(records), '--readme', str(readme)]
    tool.main([str(runs), *options])
    shutil.rmtree(runs)
    tool.main(options)
    assert f'\n{expected}\n' in readme.read_text()

    write_run(runs, 'cpcl', 'camvid/8_draw1.txt', metrics(('', 32.0)))
    write_run(runs, 'dueb', 'camvid/8_draw0.txt', metrics(('', 41.0)), **{'model.energy.type': 'ReleaseEnergyTerm'})
    tool.main([str(runs), *options])
    assert '| camvid/8 | CPCL | 0, 1 | 400 | 31.00 ± 1.41 |' in readme.read_text()
    assert '| camvid/8 | DUEB `model.energy.type=ReleaseEnergyTerm` | 0 | 400 | 41.00 |' in readme.read_text()
    assert len(records.read_text().splitlines()) == 3


def test_a_selection_of_rows_loses_no_record(tool, tmp_path, readme):
    runs, records = tmp_path / 'runs', tmp_path / 'runs.jsonl'
    for method in ('cpcl', 'dueb'):
        write_run(runs, method, 'camvid/8_draw0.txt', metrics(('', 30.0)))
    tool.main([str(runs), '--records', str(records), '--readme', str(readme), '--methods', 'cpcl'])
    assert {run.method for run in read_records(records)} == {'cpcl', 'dueb'}
    assert 'DUEB' not in readme.read_text()


@pytest.mark.parametrize('line', ['<<<<<<< HEAD', '{"method": "cpcl"}', '[1]'])
def test_a_broken_line_is_named_and_nothing_is_written(tool, tmp_path, line):
    runs, records = tmp_path / 'runs', tmp_path / 'runs.jsonl'
    write_run(runs, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 30.0)))
    add_records(records, tool.find_runs([runs]))
    records.write_text(f'{records.read_text()}{line}\n')
    before = records.read_text()
    with pytest.raises(UserError, match=r'runs\.jsonl, line 2 is not a record'):
        add_records(records, [])
    assert records.read_text() == before


def test_nothing_to_read_says_what_to_give(tool):
    with pytest.raises(UserError, match='give work dirs, or --records'):
        tool.main([])


def test_the_numbers_of_images_are_kept_where_a_run_wrote_them(tool, tmp_path):
    """Runs of older versions wrote none, and their lines stay as they are."""
    runs, records = tmp_path / 'runs', tmp_path / 'runs.jsonl'
    write_run(runs, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 30.0)))
    add_records(records, tool.find_runs([runs]))
    assert '"data"' not in records.read_text() and read_records(records)[0].data is None
    numbers = dict(labeled=8, total=367, unlabeled=359, shared=0, list='camvid/8_draw0.txt', hash='1a2b3c4d')
    folder = next(path.parents[1] for path in runs.rglob('vis_data/scalars.json'))
    (folder / 'data.json').write_text(json.dumps(numbers))
    add_records(records, tool.find_runs([runs]))
    assert [run.data for run in read_records(records)] == [numbers]


def test_what_a_benchmark_noted_is_kept_and_validation_comes_with_the_test(tool, tmp_path):
    """Scores on val of the tested checkpoint, from the test's own log, come before those of the training's log."""
    runs, records = tmp_path / 'runs', tmp_path / 'runs.jsonl'
    write_run(runs, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 30.0)), steps=[dict(STEPS[2], mIoU=1.0)])
    assert tool.find_runs([runs])[0].val_metrics['mIoU'] == 1.0
    test = next(path.parent for path in runs.rglob('*_test/*/vis_data/config.py'))
    (test / 'scalars.json').write_text('{"mIoU": 35.0, "step": 0}\n')
    seconds = dict(cpu_seconds=3.0, wall_seconds=4.0)
    entry = dict(step='train', code=0, digest='1a2b', variant='control', commit='3c4d', versions={}, cores=1, **seconds)
    training = next(path.parents[2] for path in runs.rglob('vis_data/scalars.json') if '_test' not in str(path))
    note_process(training, **entry)
    add_records(records, tool.find_runs([runs]))
    (run,) = read_records(records)
    assert run.val_metrics['mIoU'] == 35.0
    assert (run.provenance['digest'], run.provenance['cpu_seconds']) == ('1a2b', dict(train=3.0))


def test_how_parameters_are_grouped_is_no_condition():
    """Records from before the merged groups are of the same rows; another constructor is another row."""

    def digest(**wrapper):
        model = dict(type='Supervised')
        return digest_of(Config(dict(model=model, optim_wrapper=dict(type='OptimWrapper', **wrapper))))

    assert digest() == digest(constructor='MergedOptimWrapperConstructor')
    assert digest() == digest(constructor='DefaultOptimWrapperConstructor')
    assert digest() != digest(constructor='LayerDecayOptimizerConstructor')
