"""tools/results.py reads runs from what they left, and nothing else."""

import json
import re
import shutil
from pathlib import Path

import pytest
from mmengine.config import Config

from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.trainings.provenance import note_process
from mmseg_ssl.utils.project_files import CONFIGS

ROOT = Path(__file__).resolve().parents[2]
LOG = '    CUDA available: {cuda}\n{gpu}    PyTorch: 2.13.0+cpu\n  - CPU capability usage: AVX512\n'


CLASSES = 'pole,sign,pedestrian,bicyclist'
README_FILES = [f'configs{folder}/README.md' for folder in ('', '/dueb', '/eln', '/farcluss', '/soft_self_labeling')]
STEPS = [dict(loss=1.0, time=0.9, data_time=0.1), dict(loss=1.0, time=0.5, data_time=0.2), dict(time=9.0, mIoU=1.0)]


def write_run(
    folder,
    method,
    split,
    metrics,
    checkpoint='iter_400.pth',
    time='20260101_000001',
    gpu='',
    steps=(),
    name='mbv2_camvid_1-16',
    **options,
):
    """Leave what a training in ``folder/<run>`` and a test in ``folder/<run>_test`` leave."""
    name = f'{method}_{name}'
    cfg = Config.fromfile(str(next(ROOT.glob(f'configs/*/{name}.py'))))
    cfg.merge_from_dict({'train_dataloader.dataset.split': split, 'train_cfg.max_iters': 400, **options})
    run = f'{name}_{Path(split).stem}_{len(options)}'
    training, test = folder / run / '20260101_000000', folder / f'{run}_test' / time
    for part, start in ((training, cfg.get('load_from')), (test, str(folder / run / checkpoint))):
        (part / 'vis_data').mkdir(parents=True, exist_ok=True)
        cfg.load_from = start
        text = ''.join(f'{key} = {value!r}\n' for key, value in cfg.to_dict().items())
        (part / 'vis_data/config.py').write_text(text)
    (training / 'vis_data/scalars.json').write_text(''.join(json.dumps(step) + '\n' for step in steps))
    (folder / run / f'{name}.py').write_text('')
    (training / 'vis_data/20260101_000000.json').write_text('{"iter": 400}')
    log = LOG.format(cuda=bool(gpu), gpu=f'    GPU 0,1: {gpu}\n' if gpu else '')
    (training / '20260101_000000.log').write_text(log)
    (test / f'{time}.json').write_text(json.dumps(metrics))


def metrics(*networks, **ious):
    """Return what SemiIoUMetric writes: the first network's score without its name; 1 for other classes."""
    classes = dict(dict(pole=1.0, sign=1.0, pedestrian=1.0, bicyclist=1.0), **ious)
    return dict(mIoU=networks[0][1]) | {
        key: value
        for name, miou in networks
        for key, value in [(f'{name}mIoU', miou), *((f'{name}IoU.{label}', iou) for label, iou in classes.items())]
    }


def report(tool, folder, methods=None, lists=None):
    return tool.results_report(*tool.choose(tool.find_runs([folder]), methods, lists), classes=CLASSES)


def test_mean_and_sample_deviation_over_draws(tool, tmp_path):
    """38 and 41: mean 39.5, deviation sqrt((1.5^2 + 1.5^2) / 1) = 2.12; one run has no deviation."""
    for draw, miou in enumerate((38.0, 41.0)):
        result = metrics(('conservative/', miou), ('progressive/', miou + 1), pole=draw * 2.0)
        write_run(tmp_path, 'dueb', f'camvid/1-16_draw{draw}.txt', result)
    write_run(tmp_path, 'supervised', 'camvid/1-16_draw0.txt', metrics(('', 30.0), sign=7.0))
    write_run(tmp_path, 'supervised', 'camvid/train.txt', metrics(('', 50.0)), gpu='NVIDIA X')
    text = report(tool, tmp_path)
    lines = text.splitlines()
    row = '39.50 ± 2.12 conservative | 40.50 ± 2.12 progressive | 1.00 ± 1.41 | 1.00 ± 0.00'
    assert any(line.startswith(f'| camvid/1-16 | DUEB | 0, 1 | 400 | {row}') for line in lines)
    assert '| camvid/1-16 | Supervised | 0 | 400 | 30.00 | - | 1.00 | 7.00 | 1.00 | 1.00 | - | - | - |' in lines
    assert any(line.startswith('| camvid/1-16 | CPCL | not run |') for line in lines)
    assert not any(line.startswith('| camvid/train | CPCL') for line in lines)
    assert [line.split(' | ')[0] for line in lines if line.startswith('| camvid')][-1] == '| camvid/train'
    assert 'Hardware: CPU (AVX512), PyTorch 2.13.0+cpu; NVIDIA X, PyTorch 2.13.0+cpu.' in text
    assert 'dueb/dueb_mbv2_camvid_1-16.py --cfg-options train_dataloader.dataset.split=camvid/1-16_draw<k>' in text

    apart = tool.results_report(*tool.choose(tool.find_runs([tmp_path]), None, None), by_draw=True).splitlines()
    rows = [line for line in apart if 'DUEB' in line]
    assert [row.split(' | ')[2:5:2] for row in rows] == [['0', '38.00 conservative'], ['1', '41.00 conservative']]


def test_a_changed_setting_is_another_row(tool, tmp_path):
    write_run(tmp_path, 'dueb', 'camvid/8_draw0.txt', metrics(('', 40.0)))
    changed = {'model.unsup_weight': 7.0, 'train_dataloader.num_workers': 0}
    write_run(tmp_path, 'dueb', 'camvid/8_draw0.txt', metrics(('', 35.0)), **changed)
    folder = {'train_dataloader.dataset.unlabeled.pseudo_labels': 'labels_of_draw_0'}
    write_run(tmp_path, 'pseudo_label', 'camvid/8_draw0.txt', metrics(('', 30.0)), **folder)
    text = report(tool, tmp_path)
    assert '| camvid/8 | DUEB | 0 | 400 | 40.00 |' in text
    assert '| camvid/8 | Offline pseudo-labels | 0 | 400 | 30.00 |' in text  # where labels lie is no condition
    assert '| camvid/8 | DUEB `model.unsup_weight=7.0` | 0 | 400 | 35.00 |' in text  # the workers change nothing

    readme = tmp_path / 'README.md'
    readme.write_text(block('results', ''))
    tool.main([str(tmp_path), '--readme', str(readme), '--as-committed'])
    assert '| camvid/8 | DUEB | 0 | 400 | 40.00 |' in readme.read_text()
    assert 'release' not in readme.read_text()


def test_schedule_and_first_weights_are_settings(tool, tmp_path):
    """Of the training's first process: its test has another load_from, and so has a process that resumed."""
    table = dict(method='supervised', split='camvid/8_draw0.txt', time='20260101_000003')
    write_run(tmp_path, **table, metrics=metrics(('', 40.0)))
    write_run(tmp_path, **table, metrics=metrics(('', 10.0)), load_from='pretrained.pth')
    write_run(tmp_path, **table, metrics=metrics(('', 20.0)), load_from=None, **{'param_scheduler.0.power': 0.1})
    (training,) = tmp_path.glob('*_1/20260101_000000')
    resumed = training.with_name('20260101_000002')
    shutil.copytree(training, resumed)
    settings = (training / 'vis_data/config.py').read_text()
    settings = settings.replace("'pretrained.pth'", "'iter_200.pth'").replace('resume = False', 'resume = True')
    (resumed / 'vis_data/config.py').write_text(settings)
    found = {run.options: run.metrics['mIoU'] for run in tool.find_runs([tmp_path])}
    assert found == {(): 40.0, ('load_from=pretrained.pth',): 10.0, ('param_scheduler.0.power=0.1',): 20.0}
    shutil.rmtree(training)  # what is left does not say how the run began
    assert {run.options for run in tool.find_runs([tmp_path])} == {(), ('param_scheduler.0.power=0.1',)}


def test_draws_that_start_from_trainings_of_their_own_are_one_row(tool, tmp_path):
    """Where the committed config starts from a training, or a plan does."""
    for draw, start in enumerate(('a/iter_1.pth', 'b/iter_1.pth')):
        split = f'camvid/8_draw{draw}.txt'
        write_run(tmp_path, 'cpcl', split, metrics(('', 1.0)), load_from=start)
        (training,) = tmp_path.glob(f'cpcl*draw{draw}_1')
        seconds = dict(cpu_seconds=1.0, wall_seconds=1.0)
        note_process(training, step='train', digest=start, variant='', commit='', versions={}, cores=1, **seconds)
        length = dict(name='mbv2_voc-scribble_length-1', **{'test_dataloader.dataset.data_prefix.img_path': 'i'})
        write_run(tmp_path, 'soft-self-labeling', split, metrics(('', 1.0)), load_from=start, **length)
    found = {(run.method, run.draw, 'load_from' in ' '.join(run.options)) for run in tool.find_runs([tmp_path])}
    draws = [f'camvid/8_draw{draw}.txt' for draw in range(2)]
    assert found == {
        *(('cpcl', draw, True) for draw in draws),
        *(('soft_self_labeling', draw, False) for draw in draws),
    }
    assert len({run.options for run in tool.find_runs([tmp_path]) if run.method == 'cpcl'}) == 1


def test_list_and_seed_are_those_of_the_training(tool, tmp_path):
    """Its test may name the committed config alone, which has another list and no seed."""
    write_run(tmp_path, 'dueb', 'camvid/1-16_draw1.txt', dict(mIoU=1.0), **{'randomness.seed': 5})
    tested = next(tmp_path.glob('*_test/*/vis_data/config.py'))
    text = tested.read_text()
    assert 'camvid/1-16_draw1' in text and "'seed': 5" in text
    tested.write_text(text.replace('camvid/1-16_draw1', 'camvid/1-16_draw0').replace("'seed': 5", "'seed': 0"))
    (run,) = tool.find_runs([tmp_path])
    assert (run.draw, run.seed) == ('camvid/1-16_draw1.txt', 5)


def test_options_are_those_of_the_training_and_of_the_test(tool, tmp_path):
    """A test with the committed config does not undo what the training changed; how it scores is its own."""
    write_run(tmp_path, 'dueb', 'camvid/1-16_draw0.txt', dict(mIoU=1.0), **{'model.unsup_weight': 3.0})
    tested, committed = next(tmp_path.glob('*_test/*/vis_data/config.py')), 'dueb/dueb_mbv2_camvid_1-16.py'
    start = Config.fromfile(str(tested)).load_from
    cfg = Config.fromfile(str(CONFIGS / committed))
    cfg.merge_from_dict({'load_from': start, 'model.predict_on': ('progressive',), 'test_dataloader.batch_size': 7})
    cfg.dump(str(tested))
    (run,) = tool.find_runs([tmp_path])
    assert run.options == ('model.predict_on=progressive', 'model.unsup_weight=3.0', 'test_dataloader.batch_size=7')
    assert run.iterations == 400  # the config has 800


def test_the_later_of_two_tests_counts(tool, tmp_path):
    write_run(tmp_path, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 1.0)), time='20260101_000009')
    write_run(tmp_path, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 2.0)), time='20260101_000002')
    assert [run.metrics['mIoU'] for run in tool.find_runs([tmp_path])] == [1.0]


def test_a_moved_run_is_found(tool, tmp_path):
    write_run(tmp_path / 'here', 'cpcl', 'camvid/8_draw0.txt', metrics(('', 1.0)))
    (tmp_path / 'here').rename(tmp_path / 'there')
    assert tool.find_runs([tmp_path / 'there'])[0].hardware == 'CPU (AVX512), PyTorch 2.13.0+cpu'


def test_only_the_last_checkpoint_counts(tool, tmp_path):
    write_run(tmp_path, 'dueb', 'camvid/8_draw0.txt', metrics(('', 1.0)), checkpoint='best_mIoU.pth')
    with pytest.raises(UserError, match='best_mIoU.pth, which is not the last'):
        tool.find_runs([tmp_path])


def test_no_test_says_what_to_do(tool, tmp_path):
    with pytest.raises(UserError, match='run tools/test.py'):
        tool.find_runs([tmp_path])


def test_cost_is_read_from_the_logs_of_the_training(tool, tmp_path):
    """Median of 0.8 and 0.3 s without data is 550 ms; memory is the largest; the entry of a validation is no step."""
    steps = [dict(STEPS[0], memory=900), dict(STEPS[1], memory=1200), STEPS[2]]
    write_run(tmp_path, 'cpcl', 'camvid/8_draw0.txt', dict(metrics(('', 1.0)), ECE=4.5), steps=steps)
    rss = [dict(step, peak_rss=2000.4) for step in STEPS[:1]]
    write_run(tmp_path, 'dueb', 'camvid/8_draw0.txt', metrics(('', 1.0)), steps=rss)  # a test from before the ECE
    lines = report(tool, tmp_path).splitlines()
    assert any(line.startswith('| camvid/8 | CPCL | 0 |') and line.endswith('| 4.50 | 550 | 1200 |') for line in lines)
    assert any(line.startswith('| camvid/8 | DUEB | 0 |') and line.endswith('| - | 800 | 2000 |') for line in lines)


def test_hardware_is_not_averaged(tool, tmp_path):
    for draw, gpu in enumerate(('', 'NVIDIA X')):
        write_run(tmp_path, 'cpcl', f'camvid/8_draw{draw}.txt', metrics(('', 1.0)), steps=STEPS, gpu=gpu)
    assert any(line.endswith('| 1.00 ± 0.00 | - | - | - |') for line in report(tool, tmp_path).splitlines())


def test_every_method_with_such_a_config_has_a_row_and_its_metafiles_name(tool, tmp_path):
    write_run(tmp_path, 'supervised', 'camvid/8_draw0.txt', metrics(('', 1.0)))
    rows = [line for line in report(tool, tmp_path).splitlines() if line.startswith('| camvid/8')]
    able = {path.parent.name for path in (ROOT / 'configs').glob('*/*_mbv2_camvid_*.py')}
    assert len(rows) == len(able) and rows[0].startswith('| camvid/8 | Supervised | 0 |')
    assert any(row.startswith('| camvid/8 | Mean teacher | not run |') for row in rows)


def test_filters_and_their_order(tool, tmp_path):
    for method in ('supervised', 'cpcl', 'dueb'):
        for split in ('8', '1-16'):
            write_run(tmp_path, method, f'camvid/{split}_draw0.txt', metrics(('', 1.0)))
    text = report(tool, tmp_path, 'dueb,supervised', 'camvid/8')
    rows = [line.split(' | ')[:2] for line in text.splitlines() if line.startswith('| camvid')]
    assert rows == [['| camvid/8', 'DUEB'], ['| camvid/8', 'Supervised']]
    with pytest.raises(UserError, match='--methods dueb,nothing: the methods are .*cpcl'):
        report(tool, tmp_path, 'dueb,nothing')
    with pytest.raises(UserError, match='no run of any method on voc/8; there are cpcl on camvid/1-16'):
        report(tool, tmp_path, None, 'voc/8')


def test_settings_have_tables_of_their_own_and_variants_rows(tool, tmp_path):
    write_run(tmp_path, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 1.0)))
    write_run(tmp_path, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 2.0)), name='mbv2_camvid-480x360_8')
    write_run(tmp_path, 'eln', 'camvid/8_draw0.txt', metrics(('', 3.0)), name='mbv2_camvid_8_filter-correction')
    text = report(tool, tmp_path)
    small, large = text.index('**mbv2, camvid**'), text.index('**mbv2, camvid-480x360**')
    assert small < text.index('| camvid/8 | CPCL | 0 | 400 | 1.00 |') < large
    assert large < text.index('| camvid/8 | CPCL | 0 | 400 | 2.00 |')
    assert '| camvid/8 | ELN `filter-correction` | 0 | 400 | 3.00 |' in text


def test_two_configs_of_one_condition_are_one_run(tool, tmp_path):
    """cpcl_..._8.py is cpcl_..._1-16.py with another list: the same draw twice is not two draws."""
    write_run(tmp_path, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 1.0)))
    later = dict(name='mbv2_camvid_8', time='20260101_000009')
    write_run(tmp_path, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 2.0)), **later)
    assert [run.metrics['mIoU'] for run in tool.find_runs([tmp_path])] == [2.0]


def test_methods_whose_names_have_hyphens(tool, tmp_path):
    """Their folders have none; the list says how much of the images is scribbled."""
    for method, split, miou in (
        ('scribble-supervised', 'length-1', 30.0),
        ('soft-self-labeling', 'length-1', 33.0),
        ('soft-self-labeling', 'length-1_quadratic', 32.0),
        ('hard-self-labeling', 'length-1', 31.0),
        ('soft-self-labeling', 'length-0.5', 29.0),
    ):
        name = f'mbv2_camvid-scribble_{split}'
        write_run(tmp_path, method, 'camvid/train.txt', metrics(('', miou)), name=name)
    methods = 'scribble_supervised,hard_self_labeling,soft_self_labeling'
    readme = tmp_path / 'README.md'
    readme.write_text('<!-- results:begin -->\n<!-- results:end -->\n')
    tool.main([str(tmp_path), '--readme', str(readme), '--methods', methods])
    rows = [line.split(' | ') for line in readme.read_text().splitlines() if line.startswith('| camvid')]
    assert [(row[0], row[1], row[4]) for row in rows] == [
        ('| camvid/train length-0.5', 'Soft self-labeling', '29.00'),
        ('| camvid/train length-1', 'Partial cross entropy', '30.00'),
        ('| camvid/train length-1', 'Hard self-labeling', '31.00'),
        ('| camvid/train length-1', 'Soft self-labeling', '33.00'),
        ('| camvid/train length-1', 'Soft self-labeling `quadratic`', '32.00'),
    ]
    assert 'length-1_quadratic.py --cfg-options train_dataloader.dataset.split=camvid/train.txt\n' in readme.read_text()
    assert len(report(tool, tmp_path, methods, 'camvid/train length-0.5').split('| camvid/')) == 2


def judged(**f1):
    """Return what ErrorLocalizationMetric writes, one value for all scores of a judge; ``confidence_9`` is at 0.9."""
    names = {name.replace('_', '@0.'): value for name, value in f1.items()}
    return {
        f'{name}/{side}_{n}': v for name, v in names.items() for side in ('error', 'correct') for n in ('P', 'R', 'F1')
    }


def ranked(**areas):
    """Return what UncertaintyMetric writes, the same for every score but the AUROC."""
    others = dict.fromkeys(('AP', 'AURC', 'E-AURC', 'risk@0.8', 'risk@0.95'), 5.0)
    return {f'{name}/{key}': score for name, area in areas.items() for key, score in dict(AUROC=area, **others).items()}


def test_the_table_of_uncertainty(tool, tmp_path):
    """Variance is 2 and 4 above the confidence: 3, with a standard error of sqrt(2) / sqrt(2) = 1, although both move
    by 10 from draw to draw. A single run has no error; a run that was not tested for it has no row.
    """
    for draw, base in enumerate((80.0, 90.0)):
        areas = ranked(confidence=base, variance=base + 2 + 2 * draw)
        write_run(tmp_path, 'dueb', f'camvid/8_draw{draw}.txt', {**metrics(('', 40.0)), **areas})
    write_run(tmp_path, 'cpcl', 'camvid/8_draw0.txt', {**metrics(('', 30.0)), **ranked(confidence=70.0, energy=69.5)})
    write_run(tmp_path, 'supervised', 'camvid/8_draw0.txt', metrics(('', 20.0)))
    readme = tmp_path / 'README.md'
    readme.write_text(block('uncertainty', ''))
    tool.main([str(tmp_path), '--readme', str(readme)])
    rows = [line for line in readme.read_text().splitlines() if line.startswith('| camvid')]
    same = ' 5.00 ± 0.00 |' * 5
    assert rows[-2:] == [
        f'| camvid/8 | DUEB | 0, 1 | 40.00 ± 0.00 | confidence | 85.00 ± 7.07 |{same}  |',
        f'| camvid/8 | DUEB | 0, 1 | 40.00 ± 0.00 | variance | 88.00 ± 8.49 |{same} +3.00 ± 1.00 |',
    ]
    assert [row.split(' | ')[4::7] for row in rows[:-2]] == [['confidence', ' |'], ['energy', '-0.50 |']]
    runs, methods = tool.choose(tool.find_runs([tmp_path]), 'supervised', None)
    with pytest.raises(UserError, match='test one with tools/test.py --uncertainty'):
        tool.uncertainty_report(runs, methods)


def test_the_localizers_table(tool, tmp_path):
    """Means over draws. Thresholds whose F1 of errors is best on average, on val: 0.5 of the confidence (40 against 35)
    and 0.3 of the localizer; on test: 0.9 (35 against 30) and the localizer's own 0.5.
    """
    for draw, (judge, loose, strict) in enumerate([(50.0, 40.0, 30.0), (60.0, 20.0, 40.0)]):
        found = judged(
            localizer=judge, localizer_3=12.0, confidence_5=loose, confidence_9=strict, confidence_7=float('nan')
        )
        val = judged(localizer=20.0, localizer_3=21.0, confidence_5=40.0, confidence_9=30.0 + 10 * draw)
        steps = [dict(metrics(('student/', 0.0)), **judged(confidence_9=99.0)), STEPS[0]]
        steps += [dict(metrics(('student/', 1.0)), **val), STEPS[1]]
        result = {**metrics(('student/', 38.0 + draw), ('teacher/', 1.0)), **found}
        write_run(tmp_path, 'eln', f'camvid/8_draw{draw}.txt', result, steps=steps)
    baseline = {**metrics(('student/', 30.0)), **judged(localizer=45.0, confidence_9=10.0)}
    write_run(tmp_path, 'eln', 'camvid/8_draw0.txt', baseline, name='mbv2_camvid_8_filter-correction')
    baseline['confidence@0.7/error_F1'] = 11.0
    write_run(tmp_path, 'eln', 'camvid/8_draw0.txt', baseline, name='mbv2_camvid_8_filter-confidence')
    write_run(tmp_path, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 2.0)))
    runs, methods = tool.choose(tool.find_runs([tmp_path]), None, None)
    rows = [line for line in tool.localizer_report(runs, methods).splitlines() if line.startswith('| camvid')]
    start = '| camvid/8 | ELN | 0, 1 | 38.50 ± 0.71 |'
    assert rows == [
        f'{start} localizer |' + ' 55.00 ± 7.07 |' * 6,
        f'{start} `localizer@0.3`, best on val |' + ' 12.00 ± 0.00 |' * 6,
        f'{start} `localizer`, best on test |' + ' 55.00 ± 7.07 |' * 6,
        f'{start} `confidence@0.5`, best on val |' + ' 30.00 ± 14.14 |' * 6,
        f'{start} `confidence@0.9`, best on test |' + ' 35.00 ± 7.07 |' * 6,
        '| camvid/8 | ELN `filter-confidence` | 0 | 30.00 | `confidence@0.7`, best on test | - | - | 11.00 |'
        + ' - |' * 3,
        '| camvid/8 | ELN `filter-correction` | 0 | 30.00 | correction |' + ' 45.00 |' * 6,
        '| camvid/8 | ELN `filter-correction` | 0 | 30.00 | `confidence@0.9`, best on test |' + ' 10.00 |' * 6,
    ]
    with pytest.raises(UserError, match='ErrorLocalizationMetric'):
        tool.localizer_report([run for run in runs if run.method == 'cpcl'], methods)


def block(name, text):
    return f'<!-- {name}:begin -->\n{text}\n<!-- {name}:end -->\n'


def test_several_blocks_of_a_name_have_settings_of_their_own(tool, tmp_path):
    readme = tmp_path / 'README.md'
    one, other = (block('results', 'old').replace('begin', f'begin classes={name}') for name in ('sky', 'road'))
    readme.write_text(f'before\n{one}between\n{other}after\n')
    assert tool.write_blocks(readme, dict(results=lambda classes: f'new {classes}')) == ['results']
    assert readme.read_text() == f'before\n{one}between\n{other}after\n'.replace('old', 'new sky', 1).replace(
        'old', 'new road'
    )
    for wrong in (one.replace(':end', ':begin'), one + one.split('\n', 1)[1], other.split('\n', 1)[1] + one):
        readme.write_text(wrong)
        with pytest.raises(UserError, match='needs a line <!-- results:end --> behind every'):
            tool.write_blocks(readme, dict(results=lambda classes: 'new'))
        assert readme.read_text() == wrong


def test_the_blocks_are_replaced_and_the_rest_stays(tool, tmp_path):
    readme = tmp_path / 'README.md'
    readme.write_text(f'before\n{block("results", "old")}between\n{block("localizer", "old")}after\n')
    for _ in range(2):
        assert tool.write_blocks(readme, dict(results=lambda: 'new', localizer=lambda: 'two')) == [
            'results',
            'localizer',
        ]
        assert readme.read_text() == f'before\n{block("results", "new")}between\n{block("localizer", "two")}after\n'
    readme.write_text(block('results', 'old'))
    assert tool.write_blocks(readme, dict(results=lambda: 'new', localizer=pytest.fail)) == ['results']
    readme.write_text('no markers')
    with pytest.raises(UserError, match='say where a table goes'):
        tool.write_blocks(readme, dict(results=lambda: 'new'))
    readme.write_text('<!-- results:begin -->')
    with pytest.raises(UserError, match='needs a line <!-- results:end --> behind every'):
        tool.write_blocks(readme, dict(results=lambda: 'new'))
    readme.write_text(block('results', 'old').replace('begin', 'begin colors=red'))
    with pytest.raises(UserError, match='has the setting colors, which this block does not take'):
        tool.write_blocks(readme, dict(results=lambda classes='': 'new'))


def test_the_marker_names_the_classes_of_a_table(tool, tmp_path):
    """Those that no run of the table has get no column: one README may hold tables of two datasets."""
    write_run(tmp_path, 'cpcl', 'camvid/8_draw0.txt', metrics(('', 2.0), sign=3.0))
    readme = tmp_path / 'README.md'
    readme.write_text(block('results', '').replace('begin', 'begin classes=cow,sign'))
    tool.main([str(tmp_path), '--readme', str(readme)])
    first, *lines = readme.read_text().splitlines()
    assert first == '<!-- results:begin classes=cow,sign -->'
    assert (
        '| labels | method | draws | iterations | mIoU | second network | sign | ECE | ms per step | memory |' in lines
    )
    assert '| camvid/8 | CPCL | 0 | 400 | 2.00 | - | 3.00 | - | - | - |' in lines


def test_the_command_line_writes_several_readmes(tool, tmp_path):
    write_run(tmp_path / 'runs', 'cpcl', 'camvid/8_draw0.txt', metrics(('', 2.0)))
    paths = [tmp_path / 'a.md', tmp_path / 'b.md']
    for path in paths:
        path.write_text(block('results', ''))
    arguments = [word for path in paths for word in ('--readme', str(path))]
    tool.main([str(tmp_path / 'runs'), *arguments, '--methods', 'cpcl'])
    assert paths[0].read_text() == paths[1].read_text()
    assert '| camvid/8 | CPCL | 0 | 400 | 2.00 |' in paths[0].read_text()


def test_without_a_readme_it_writes_that_of_the_configs(tool, tmp_path, monkeypatch):
    (tmp_path / 'configs').mkdir()
    monkeypatch.setattr(tool, 'WORKSPACE', tmp_path)
    for path in ('README.md', 'configs/README.md'):
        (tmp_path / path).write_text(block('results', ''))
    write_run(tmp_path / 'runs', 'cpcl', 'camvid/8_draw0.txt', metrics(('', 2.0)))
    tool.main([str(tmp_path / 'runs')])
    assert '| camvid/8 | CPCL | 0 | 400 | 2.00 |' in (tmp_path / 'configs/README.md').read_text()
    assert (tmp_path / 'README.md').read_text() == block('results', '')


@pytest.mark.parametrize('name', README_FILES)
def test_the_readmes_have_the_markers(name):
    text = (ROOT / name).read_text()
    for side in ('begin', 'end'):
        assert len(re.findall(rf'<!-- results:{side}( classes=\S+)? -->', text)) == 1
