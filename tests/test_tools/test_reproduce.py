"""tools/reproduce.py: rows of the papers, their configs and numbers, plans and what is left out, and the figures."""

import copy
import json

import cv2
import pytest
from matplotlib import pyplot as plt
from mmengine.runner import save_checkpoint
from mmseg.registry import MODELS
from papers_rows import READ, rows_read
from toy_parts import ToyDataset
from toy_process import ROOT
from toy_run import draw_images, toy_config, toy_localizer, toy_model, write_config

from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.matrix.papers import PAPERS, PaperTable, Row
from mmseg_ssl.tooling.matrix.papers.tables import OF_FORMULAS
from mmseg_ssl.tooling.reproduction import choose, formula_figures, record_figures
from mmseg_ssl.tooling.reproduction.cells import cells_of, ours, published, runs_of, table_cells
from mmseg_ssl.tooling.reproduction.drawings import DRAWINGS, FORMULAS
from mmseg_ssl.tooling.reproduction.plan_writer import plan_text
from mmseg_ssl.tooling.reproduction.project_configs import configs
from mmseg_ssl.tooling.run_logs import Run
from mmseg_ssl.tooling.run_records import read_records
from mmseg_ssl.tooling.trainings.plan import read_plan

TABLES = [(paper.method, table) for paper in PAPERS.values() for table in paper.tables]
RUN = Run(
    **dict(method='eln', setting='r50_voc-eln', variant='', labels='voc/eln/1-20', draw='voc/eln/1-20_draw0.txt'),
    **dict(options=(), config='eln_r50_voc-eln_1-20', iterations=133000, seed=0, val_metrics={}, judge=''),
    **dict(metrics=dict(mIoU=70.0), step_ms=None, memory_mb=None, hardware='', images=''),
)


@pytest.mark.parametrize(('method', 'name'), [(method, name) for method in READ for name in READ[method]])
def test_every_row_that_was_read_is_there(method, name):
    """With all of its numbers in their columns; a row that one forgets, or a wrong digit, is seen here."""
    table = choose.find_table(method, name)
    shown = [tuple(cell.paper or '-' for cell in cells_of(table, row)) for row in table.rows]
    assert [row for row in rows_read(method, name) if row not in shown] == []


@pytest.mark.parametrize(('method', 'table'), TABLES, ids=lambda value: getattr(value, 'name', value))
def test_rows_name_configs_that_exist(method, table):
    """Or say why there is none; the paper's number of a config stands in one place."""
    for row in table.rows:
        assert row.config in configs() or (not row.config and row.reason), row
        cells = cells_of(table, row)
        assert len(cells) == len(table.columns)
        for column, cell in enumerate(cells):
            labels = (row.lists or table.lists or table.columns)[column]
            assert bool(cell.config) == bool(row.config and labels), (row.name, labels)
            assert not cell.config or (ROOT / cell.path).is_file()
            known = published(row.config).get(labels) if cell.key == 'mIoU' and row.config else None
            if known and row.numbers:  # a table may round what another one gives with more digits
                digits = len(cell.paper.partition('.')[2])
                assert abs(float(known) - float(cell.paper)) < 0.5001 * 10**-digits, row.name
    assert not table.drawing or table.drawing in DRAWINGS
    assert table.rows or table.drawing


def test_names_are_unique_and_formulas_are_known():
    for paper in PAPERS.values():
        assert len({table.name for table in paper.tables}) == len(paper.tables)
    assert set(OF_FORMULAS) == set(FORMULAS)


def test_ours_is_the_mean_over_runs_of_the_committed_config():
    """70 and 72: 71 +- 1.41. A control, another setting, list, variant or length is another row."""
    (cell,) = cells_of(choose.find_table('eln', 'table3'), Row('ELN', 'eln r50 voc-eln'))
    assert ours(cell, []) == 'not run'
    batch = ('train_dataloader.batch_size=6',)  # the batch of all processes, on one
    other = RUN._replace(draw='voc/eln/1-20_draw1.txt', metrics={'student/mIoU': 72.0}, options=batch)
    apart = [
        RUN._replace(variant='decoders-0'),
        RUN._replace(options=('model.contrast_weight=0',)),
        RUN._replace(labels='voc/eln/1-8'),
        RUN._replace(setting='r101_voc-eln'),
        RUN._replace(iterations=100),
        RUN._replace(provenance=dict(variant='control', digest='a')),
    ]
    assert runs_of(cell.config, [RUN, other, *apart]) == [RUN, other]
    assert ours(cell, [RUN, other, *apart]) == '71.00 ± 1.41'


@pytest.mark.parametrize(('method', 'name', 'row'), [('eln', 'table5', '0'), ('soft_self_labeling', 'table4', 'dense')])
def test_runs_of_an_earlier_version_of_a_config_do_not_count(tmp_path, method, name, row):
    """By the digest that the plan of the table gives its training, with the one before it whose weights it loads."""
    table = choose.choose(method, name, row)
    (cell,) = table_cells(table)
    (tmp_path / 'p.toml').write_text(plan_text(name, [cell], 1))
    job = read_plan(tmp_path / 'p.toml')[-1]
    run = RUN._replace(method=method, setting=cell.config.condition, variant=cell.config.variant.name)
    run = run._replace(options=job.options[:-1] if job.first else job.options, draw=job.split, seed=job.seed)
    run = run._replace(iterations=job.iterations, provenance=dict(variant='', digest=job.digest))
    run = run._replace(labels=f'voc/trainaug {cell.config.list}' if job.first else run.labels)
    assert runs_of(cell.config, [run, run._replace(provenance=dict(variant='', digest='0'))]) == [run]


def test_scribbles_are_matched_by_their_amount():
    table = choose.find_table('soft_self_labeling', 'table3')
    cells = cells_of(table, next(row for row in table.rows if row.config.endswith('voc-scribble')))
    scribbled = dict(method='soft_self_labeling', setting='mbv2_voc-scribble', labels='voc/trainaug length-0.3')
    run = RUN._replace(**scribbled, iterations=52860)
    assert [ours(cell, [run]) for cell in cells] == ['not run', '70.00', *['not run'] * 3]


def test_full_masks_are_no_amount_of_scribbles():
    table = choose.choose('soft_self_labeling', 'table5', 'full masks: V3+, batch 12')
    run = RUN._replace(method='supervised', setting='r101_voc-scribble', labels='voc/trainaug', iterations=52860)
    assert [ours(cell, [run]) for cell in table_cells(table)] == ['70.00']
    assert [ours(cell, [run._replace(labels='voc/trainaug length-1')]) for cell in table_cells(table)] == ['not run']


def test_metrics_of_a_judge_are_not_those_of_another_network():
    cells = cells_of(choose.find_table('eln', 'table4'), choose.find_table('eln', 'table4').rows[0])
    run = RUN._replace(metrics={'localizer/error_P': 1.0, 'localizer/error_R': 2.0, 'confidence@0.9/error_F1': 3.0})
    assert [ours(cell, [run]) for cell in cells] == ['1.00', '2.00', 'not run']


def test_the_same_comparison_on_other_data(tool, capsys):
    """The recorded runs on CamVid; of R-50 and R-101 one row is left."""
    tool.main(['eln', 'table1', '--data', 'camvid'])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(' ')[0] for line in lines if 'mbv2_camvid_<list>' in line] == ['baseline,', 'ELN,']
    moved = choose.choose('eln', 'table4', data='camvid')
    assert moved.columns[:4] == ('precision 8', 'recall 8', 'F1 8', 'precision 1-16')
    assert [cell.key for cell in cells_of(moved, moved.rows[0])][:3] == [
        'localizer/error_P',
        'localizer/error_R',
        'localizer/error_F1',
    ]


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['elm', 'table1'], "no paper of 'elm'; there are dueb, farcluss, eln"),
        (['eln', 'table9'], "eln has no 'table9'; it has table1, table2"),
        (['eln', 'table5', '--rows', 'four'], r"fits 'four'. Rows: 0; 1 \(alpha 20\)"),
        (['eln', 'figure5', '--rows', 'a'], 'it has no rows'),
        (['eln', 'table5', '--data', 'kitti'], '--data kitti: there are camvid'),
        (['eln', 'table5', '--data', 'shapes'], 'no row of eln table5 has a config on it'),
        (['eln', 'figure5'], 'give its work dir as --run-dir'),
        (['eln', 'figure5', '--run-dir', '.'], 'has no config: give the work dir of a training'),
        (['dueb', 'figure2'], 'have no recorded run of one list and seed in common'),
        (['soft_self_labeling', 'appendix-a', '--rows', 'Jaccard', '--plan', 'p.toml'], 'no row has a config'),
    ],
)
def test_mistakes_are_named(tool, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        tool.main([*words, '--records', str(tmp_path / 'none.jsonl')])


def test_a_plan_trains_every_draw_and_what_is_loaded_before(tmp_path):
    table = choose.choose('eln', 'table5', '0')
    (tmp_path / 'p.toml').write_text(plan_text('eln table5', table_cells(table), table.draws))
    names = [f'eln_r50_voc-eln_1-20_decoders-0 voc/eln/1-20_draw{draw}.txt seed 0' for draw in range(3)]
    assert [job.name for job in read_plan(tmp_path / 'p.toml')] == names

    table = choose.choose('soft_self_labeling', 'table5', 'ours, V3+, batch 1[26]')
    (tmp_path / 'p.toml').write_text(plan_text('soft', table_cells(table), 1))
    jobs = {job.training: job for job in read_plan(tmp_path / 'p.toml')}
    first, *_ = jobs
    plain, larger = (jobs[f'soft-self-labeling_r101_voc-scribble_length-1{end}'] for end in ('', '_bs16'))
    assert first == 'scribble-supervised_r101_voc-scribble_length-1'
    assert plain.first == larger.first == jobs[first].checkpoint
    assert plain.options[0] == 'train_dataloader.batch_size=12'
    assert larger.options[0] == 'train_dataloader.batch_size=16'


def test_what_has_no_data_is_left_out_and_named(tool, tmp_path, monkeypatch, capsys):
    """Nothing is there, then the images of CamVid: of two comparisons, the one that has all folders is trained."""
    monkeypatch.chdir(tmp_path)
    calls = []
    monkeypatch.setattr(tool, 'run_benchmark', lambda jobs, processes, records: calls.append(jobs) or ([], True))
    words = ['soft_self_labeling', 'table3', '--records', str(tmp_path / 'runs.jsonl'), '--run']
    with pytest.raises(UserError, match=r'datasets/voc_scribble.py says where the data go'):
        tool.main(words)
    text = capsys.readouterr().out
    assert 'no folder data/VOCdevkit/VOC2012/JPEGImages, data/VOCdevkit/VOC2012/pascal_2012_scribble' in text
    assert 'soft-self-labeling_mbv2_voc-scribble_length-1_bilinear' in text and not calls

    for part in ('img_dir', 'ann_dir'):
        for subset in ('train', 'val', 'test'):
            (tmp_path / 'data/camvid' / part / subset).mkdir(parents=True)
    (tmp_path / 'data/camvid_scribbles/length-0').mkdir(parents=True)
    tool.main([*words, '--data', 'camvid-scribble'])
    text = capsys.readouterr().out
    assert (
        'no folder data/camvid_scribbles/length-0.5; left out: soft-self-labeling_mbv2_camvid-scribble_length-0.5'
        in text
    )
    assert [job.training for job in calls[0]] == ['soft-self-labeling_mbv2_camvid-scribble_length-0']
    assert (tmp_path / 'work_dirs/reproduce/soft_self_labeling_table3_camvid-scribble.toml').is_file()


def test_commands_of_the_page_are_those_of_the_tables(tool):
    page = (ROOT / 'docs/papers.md').read_text()
    for method, table in TABLES:
        assert f'\npython tools/reproduce.py {method} {table.name}' in page
    for paper in PAPERS.values():
        assert all(f'{{{{ deviations {name} }}}}' in page for name in paper.classes)


def test_the_list_of_all(tool, capsys):
    tool.main(['--records', 'none.jsonl'])
    text = capsys.readouterr().out
    assert all(f'  {table.name} ' in text for _, table in TABLES)
    assert '  4 of  4 cells,  0 run  number of auxiliary decoders' in text


def test_relaxations_are_as_in_the_paper():
    """(a) bilinear rises from 0 to 1/2, the others stay 0; (b) quadratic falls from 1 to 3/4, the others stay 1."""
    figure = formula_figures.draw_relaxations()
    both, second = ({line.get_label(): line.get_ydata() for line in axis.lines} for axis in figure.axes[:2])
    assert [both['bilinear'][place] for place in (0, 100, 200)] == pytest.approx([0, 0.5, 0], abs=1e-6)
    assert abs(both['quadratic']).max() < 1e-6 and abs(both['normalized quadratic']).max() < 1e-6
    assert [second['quadratic'][place] for place in (0, 100, 200)] == pytest.approx([1, 0.75, 1], abs=1e-6)
    assert second['bilinear'].min() == 1 and second['normalized quadratic'].min() == 1
    plt.close(figure)


def test_cross_entropies_are_as_in_the_paper():
    """The least loss: of the standard one at the label's own probability, of the others at 1 for every label."""
    figure = formula_figures.draw_cross_entropies()
    lowest = [[float(line.get_xdata()[0]) for line in axis.lines if len(line.get_xdata()) == 1] for axis in figure.axes]
    assert lowest[0] == pytest.approx([0.998, 0.9, 0.7, 0.5], abs=3e-3)
    assert lowest[1] == lowest[2] == pytest.approx([0.998] * 3, abs=1e-6)  # of a uniform label every prediction is
    plt.close(figure)


def test_ranks_and_their_critical_difference():
    """Scores 3, 2, 1 and 1, 2, 2: ranks 1, 2, 3 and 3, 1.5, 1.5. Two of 26 blocks: 1.96 sqrt(6 / 156) = 0.384."""
    scores = dict(a={'x': 3, 'y': 1, 'alone': 9}, b={'x': 2, 'y': 2}, c={'x': 1, 'y': 2})
    assert record_figures.mean_ranks(scores) == (dict(a=2.0, b=1.75, c=2.25), 2)
    assert record_figures.critical_difference(2, 26) == pytest.approx(0.3844, abs=1e-4)
    assert record_figures.critical_difference(3, 10) == pytest.approx(2.343 * (12 / 60) ** 0.5)


def test_figures_of_records(tool, tmp_path):
    """The recorded runs on CamVid: eight blocks that all three methods have, and three curves of one point."""
    runs = read_records(ROOT / 'configs/runs.jsonl')
    tool.main(['dueb', 'figure1', '--data', 'camvid', '--out', str(tmp_path / 'ranks.png')])
    figure = record_figures.draw_lengths(choose.choose('soft_self_labeling', 'figure5'), runs)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels[0] == 'collision, paper' and 'standard, ours: not run' in labels
    assert list(figure.axes[0].lines[0].get_ydata()) == [59.04, 65.52, 67.84, 70.93, 71.22]
    plt.close(figure)
    assert cv2.imread(str(tmp_path / 'ranks.png')).shape[0] > 500
    empty = PaperTable('figure5', 'nothing', ('1',), (Row('a', 'soft_self_labeling mbv2 camvid-scribble'),))
    with pytest.raises(UserError, match='neither the paper nor a record has a number'):
        record_figures.draw_lengths(empty, [])


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Work dirs of two trainings of the toy data, with the weights that they begin with."""
    folder = tmp_path_factory.mktemp('runs')
    data = draw_images(folder / 'data')
    options = dict(ELN=dict(slack=(1.0,), localizer=toy_localizer()), DUEB={})
    for method in options:
        config = toy_config(data, model=toy_model(method, **options[method]))
        (folder / method).mkdir()
        write_config(folder / method / f'{method}.py', config)
        model = MODELS.build(copy.deepcopy(config['model']))
        meta = dict(dataset_meta=ToyDataset.METAINFO)
        save_checkpoint(dict(state_dict=model.state_dict(), meta=meta), str(folder / method / 'iter_6.pth'))
    return folder


@pytest.mark.parametrize(
    ('words', 'methods', 'columns'),
    [(['eln', 'figure5'], ['ELN'], 6), (['eln', 'figure6'], ['DUEB', 'ELN'], 4), (['dueb', 'figure3'], ['DUEB'], 4)],
)
def test_pictures_of_trainings(tool, trained, tmp_path, monkeypatch, words, methods, columns):
    sizes = []
    make = plt.subplots
    monkeypatch.setattr(plt, 'subplots', lambda *shape, **options: sizes.append(shape) or make(*shape, **options))
    folders = [word for method in methods for word in ('--run-dir', str(trained / method))]
    tool.main([*words, *folders, '--images', '2', '--out', str(tmp_path / 'new/a.png')])
    assert sizes == [(2, columns)]
    assert cv2.imread(str(tmp_path / 'new/a.png')).std() > 10


def test_a_training_that_has_nothing_to_draw(tool, trained, tmp_path):
    out = ['--out', str(tmp_path / 'a.png')]
    with pytest.raises(UserError, match='DUEB has no localizer; give a training of ELN'):
        tool.main(['eln', 'figure5', '--run-dir', str(trained / 'DUEB'), *out])
    with pytest.raises(UserError, match='ELN predicts no variance; give a training of DUEB last'):
        tool.main(['dueb', 'figure3', '--run-dir', str(trained / 'ELN'), *out])


@pytest.mark.slow
def test_trainings_end_in_the_table(tool, tmp_path, monkeypatch, capsys):
    """On the drawn images, which need no folder; two iterations are no run of the committed config, but recorded."""
    monkeypatch.chdir(tmp_path)
    shorter = 'options = ["train_cfg.max_iters=2", "train_dataloader.num_workers=0"]\n'
    monkeypatch.setattr(tool, 'plan_text', lambda *words: shorter + plan_text(*words))
    records = tmp_path / 'runs.jsonl'
    tool.main(['dueb', 'cityscapes', '--data', 'shapes', '--rows', 'supervised*', '--run', '--records', str(records)])
    (run,) = read_records(records)
    assert (run.config, run.iterations) == ('supervised_unet_shapes_8', 2)
    assert '- / not run' in capsys.readouterr().out
    monkeypatch.setattr('mmseg_ssl.tooling.reproduction.cells.is_current', lambda run, config: True)
    assert (
        ours(table_cells(choose.choose('dueb', 'cityscapes', data='shapes'))[0], [run]) == f'{run.metrics["mIoU"]:.2f}'
    )


def test_plans_are_toml_with_quoted_names():
    """Names go through JSON, whose texts are TOML's: no name can end a line."""
    text = plan_text('eln table5', table_cells(choose.choose('eln', 'table5', '3*')), 1)
    assert json.dumps('configs/eln/eln_r50_voc-eln_1-20_decoders-3.py') in text
