"""tools/run_benchmark.py: the order of a plan, what is resumed, skipped and reported, and what an estimate is of."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from load_tool import load_tool
from toy_process import ROOT

from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.run_records import read_records
from mmseg_ssl.tooling.trainings import side_by_side
from mmseg_ssl.tooling.trainings.benchmark import recorded_digests
from mmseg_ssl.tooling.trainings.cores import share_cores
from mmseg_ssl.tooling.trainings.estimate import Estimate, Pace, estimate, measure_pace
from mmseg_ssl.tooling.trainings.job import Job, is_ready, next_step, state_of
from mmseg_ssl.tooling.trainings.plan import read_plan, read_tables
from mmseg_ssl.tooling.trainings.provenance import commit_of, note_process, read_provenance
from mmseg_ssl.tooling.trainings.side_by_side import SideBySide

SUPERVISED = 'configs/supervised/supervised_mbv2_camvid_8.py'
FULL = 'configs/supervised/supervised_mbv2_camvid_full.py'
DUEB = 'configs/dueb/dueb_mbv2_camvid_8.py'
PLAN = dict(
    trainings=[SUPERVISED, f'{DUEB} + control'], lists=['camvid/8_draw0.txt', 'camvid/8_draw1.txt'], seeds=[0, 1]
)


def write_plan(path, *tables, needs=(), **settings):
    """Write a plan; JSON's lists, texts and numbers are TOML's. ``needs``: pairs of a config and what it needs."""
    settings = dict(dict(variants=dict(control=['model.unsup_factor=0'])), **settings)
    variants = settings.pop('variants')
    lines = [f'{key} = {json.dumps(value)}' for key, value in settings.items()]
    lines += ['[variants]', *(f'{key} = {json.dumps(value)}' for key, value in variants.items())]
    for config, need in needs:
        lines += [f'[needs.{json.dumps(config)}]', *(f'{key} = {json.dumps(value)}' for key, value in need.items())]
    for table in tables:
        lines += ['[[tables]]', *(f'{key} = {json.dumps(value)}' for key, value in table.items())]
    path.write_text('\n'.join(lines))
    return path


def jobs_of(folder, *tables, **settings):
    return read_plan(write_plan(folder / 'plan.toml', *(tables or [PLAN]), **settings))


def test_a_plan_goes_through_whole_rounds(tmp_path):
    """Every seed with every list before the next seed: after any number of rounds all rows have equally many runs."""
    further = dict(trainings=[SUPERVISED], lists=['camvid/train.txt'], seeds=[0])
    rounds = [(seed, draw) for seed in (0, 1) for draw in (0, 1)]
    assert [job.name for job in jobs_of(tmp_path, PLAN, further)] == [
        *(
            f'{training} camvid/8_draw{draw}.txt seed {seed}'
            for seed, draw in rounds
            for training in ('supervised_mbv2_camvid_8', 'dueb_mbv2_camvid_8+control')
        ),
        'supervised_mbv2_camvid_8 camvid/train.txt seed 0',
    ]


def test_what_a_job_reads_from_its_config(tmp_path):
    """The reporting network is first, whatever else is scored; options of plan, table and variant are in this order."""
    table = dict(PLAN, options=['model.energy=release'])
    job = jobs_of(tmp_path, table, options=['train_cfg.max_iters=7'], work_dirs='here')[1]
    assert (job.iterations, job.networks) == (7, ('conservative', 'progressive'))
    assert job.options == ('train_cfg.max_iters=7', 'model.energy=release', 'model.unsup_factor=0')
    assert str(job.folder) == f'here/dueb_mbv2_camvid_8+control/camvid-8_draw0_seed0_{job.digest}'
    assert job.checkpoint.name == 'iter_7.pth'


def test_an_option_may_follow_the_seed(tmp_path):
    """Scribbles are drawn anew for each seed, into a folder of their own; those of plan, table and variant."""
    masks = 'train_dataloader.dataset.labeled.data_prefix.seg_map_path={}/seed{{seed}}'
    table = dict(PLAN, options=[masks.format('table')])
    own = dict(control=[masks.format('variant')])
    jobs = jobs_of(tmp_path, table, options=[masks.format('plan')], variants=own)
    for job in jobs:
        places = ['plan', 'table', *(['variant'] if job.variant else [])]
        assert list(job.options) == [masks.format(place).replace('{seed}', str(job.seed)) for place in places]
    assert {job.seed for job in jobs} == {0, 1}


def test_a_digest_is_of_what_decides_the_numbers(tmp_path):
    def digest(**changes):
        table = dict(dict(trainings=[DUEB], lists=['camvid/8_draw0.txt'], seeds=[0]), **changes)
        return jobs_of(tmp_path, table)[0].digest

    same = ['train_dataloader.num_workers=0', 'train_dataloader.dataset.labeled.data_root=elsewhere']
    same += ['train_cfg.val_interval=100', 'model.predict_on=conservative']
    assert {digest(options=[option]) for option in same} == {digest()}
    own_list = tmp_path / 'own.txt'
    own_list.write_text('0001TP_006690\n')
    others = [
        dict(seeds=[1]),
        dict(lists=['camvid/8_draw1.txt']),
        dict(lists=[str(own_list)]),
        dict(trainings=[f'{DUEB} + control']),
        *(
            dict(options=[option])
            for option in (
                'train_cfg.max_iters=7',
                'optim_wrapper.optimizer.lr=0.1',
                'param_scheduler.0.power=1',
                'custom_hooks.0.end=261',
                'model.predict_on=progressive',
            )
        ),
    ]
    digests = [digest(**change) for change in others]
    own_list.write_text('0001TP_006720\n')
    digests += [digest(lists=[str(own_list)]), digest()]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize(
    'option',
    ['train_dataloader.dataset.labeled.data_root=a', 'auto_scale_lr.enable=True', 'val_dataloader.num_workers=0'],
)
def test_two_trainings_that_differ_in_nothing_that_counts(option, tmp_path):
    """The record of the first one would be that of the second, whose row would have its numbers."""
    table = dict(PLAN, trainings=[SUPERVISED, f'{SUPERVISED} + other'])
    words = (
        r'plan\.toml: supervised_mbv2_camvid_8 .* and supervised_mbv2_camvid_8\+other .* differ in nothing that counts'
    )
    with pytest.raises(UserError, match=words):
        jobs_of(tmp_path, table, variants=dict(other=[option]))
    assert len(jobs_of(tmp_path, table, variants=dict(other=['model.segmentor.pretrained=a']))) == 8


MISTAKES = {
    'a key': (dict(lits=[]), {}, 'lits is no setting of a table; did you mean lists'),
    'a setting': (PLAN, dict(workdirs='a'), 'workdirs is no setting of a plan; did you mean work_dirs'),
    'a type': (dict(PLAN, seeds=3), {}, 'seeds has to be a list, got 3'),
    'a seed': (dict(PLAN, seeds=['0']), {}, r"table 1: seeds are whole numbers from 0 on, got \['0'\]"),
    'a seed that is no number': (dict(PLAN, seeds=[True]), {}, r'table 1: seeds are whole numbers'),
    'a text among lists': (dict(PLAN, lists=[3]), {}, r'lists has to be a list of texts in quotes, got \[3\]'),
    'a variant without brackets': (PLAN, dict(variants=dict(control='a=1')), "the variant control .* got 'a=1'"),
    'a list as an option': (
        PLAN,
        dict(options=['train_dataloader.dataset.split=camvid/8_draw2.txt']),
        'dataset.split=camvid/8_draw2.txt would hold for every list and seed of .*supervised_mbv2_camvid_8',
    ),
    'a seed as an option': (
        PLAN,
        dict(variants=dict(control=['randomness.seed=3'])),
        'randomness.seed=3 would hold for every list and seed of .*dueb_mbv2_camvid_8',
    ),
    'nothing': (dict(PLAN, lists=[]), {}, 'table 1 lacks lists'),
    'a variant': (dict(PLAN, trainings=[f'{DUEB} + contrl']), {}, r"has no contrl; it has \['control'\]"),
    'twice': (dict(PLAN, seeds=[0, 0]), {}, 'names a training twice: dueb_mbv2_camvid_8'),
    'configs': (
        dict(PLAN, trainings=['configs/a.py', SUPERVISED, 'configs/b.py + control']),
        {},
        r'names configs that are not there:\s+configs/a\.py\s+configs/b\.py',
    ),
}


@pytest.mark.parametrize('name', MISTAKES)
def test_a_mistake_in_a_plan_is_named(name, tmp_path):
    table, settings, message = MISTAKES[name]
    with pytest.raises(UserError, match=rf'plan\.toml.*{message}'):
        jobs_of(tmp_path, table, **settings)


def test_a_file_that_is_no_plan(tmp_path):
    (tmp_path / 'a.toml').write_text('a = [')
    with pytest.raises(UserError, match=r'a\.toml is not TOML'):
        read_plan(tmp_path / 'a.toml')
    (tmp_path / 'a.toml').write_text('')
    with pytest.raises(UserError, match=r'no \[\[tables\]\]'):
        read_plan(tmp_path / 'a.toml')


PSEUDO = 'configs/pseudo_label/pseudo_label_mbv2_camvid_8.py'
LABELS = 'train_dataloader.dataset.unlabeled.pseudo_labels={folder}/labels'
COMMAND = 'tools/pseudo_label.py {config} {checkpoint} images {folder}/labels'


def pseudo_plan(tmp_path, need, **changes):
    table = dict(dict(PLAN, trainings=[PSEUDO, SUPERVISED], lists=PLAN['lists'][:1]), **changes)
    return write_plan(tmp_path / 'plan.toml', table, needs=[(PSEUDO, need)], work_dirs='w')


def test_a_training_may_need_another_one_first(tmp_path):
    """Of the same list and seed; a tool then makes what it reads, in its own folder. Where it lies is no condition."""
    need = dict(first=SUPERVISED, command=COMMAND, options=[LABELS])
    pseudo, first, other, _ = read_plan(pseudo_plan(tmp_path, need))
    assert pseudo.first == first.checkpoint and other.first != first.checkpoint
    assert pseudo.options == (LABELS.replace('{folder}', str(pseudo.folder)),)
    line = pseudo.command('prepare')
    assert line[1].endswith('tools/pseudo_label.py')
    dumped = first.folder / os.path.basename(first.config)  # with the options of the plan
    assert line[2:] == [str(dumped), str(first.checkpoint), 'images', f'{pseudo.folder}/labels']
    only = read_plan(tmp_path / 'plan.toml', 'pseudo*seed 0')
    assert only == [pseudo]
    # another first training is another condition
    changed = read_plan(pseudo_plan(tmp_path, need, trainings=[f'{PSEUDO} + control', SUPERVISED]))[0]
    longer = read_plan(pseudo_plan(tmp_path, dict(need, first=FULL), trainings=[PSEUDO, FULL]))[0]
    # so are other labels by the same training, but not how a machine makes them
    surer = read_plan(pseudo_plan(tmp_path, dict(need, command=f'{COMMAND} --threshold 0.9 --workers 0')))[0]
    slower = read_plan(pseudo_plan(tmp_path, dict(need, command=f'{COMMAND} --workers 0')))[0]
    assert len({pseudo.digest, changed.digest, longer.digest, surer.digest}) == 4 and slower.digest == pseudo.digest


def test_variants_may_differ_in_what_they_need_alone(tmp_path):
    """The same config on lists that a tool makes in two ways: two runs, each with a list of its own."""
    split = 'train_dataloader.dataset.split={folder}/new/labeled.txt'
    ways = dict(
        random='tools/suggest.py {checkpoint} --by random --seed {seed}', chosen='tools/suggest.py {checkpoint}'
    )
    needs = [
        (f'{SUPERVISED} + {name}', dict(first=SUPERVISED, command=f'{way} --out {{folder}}/new', options=[split]))
        for name, way in ways.items()
    ]
    table = dict(PLAN, trainings=[SUPERVISED, *(name for name, _ in needs)], lists=PLAN['lists'][:1], seeds=[3])
    plan = write_plan(tmp_path / 'plan.toml', table, needs=needs, variants={name: [] for name in ways})
    first, random, chosen = read_plan(plan)
    assert first.first is None and not first.options
    assert random.first == chosen.first == first.checkpoint
    assert random.preparation[1:6] == (str(first.checkpoint), '--by', 'random', '--seed', '3')
    assert chosen.options == (split.replace('{folder}', str(chosen.folder)),)
    assert random.split == chosen.split == first.split
    assert len({first.digest, random.digest, chosen.digest}) == 3 and random.folder != chosen.folder


def test_the_plan_of_suggested_labels_is_whole():
    """Ten labels come first, and every way of choosing ten more is compared with random ones."""
    plan = ROOT / 'configs/benchmarks/msrc21_suggested.toml'
    first, _, compared = read_tables(plan)
    assert [job.first for job in compared.jobs[:4]] == [first.jobs[0].checkpoint] * 4
    assert [job.variant for job in compared.jobs[:4]] == ['random', 'suggested', 'doubtful', 'unlike']
    tool = load_tool('suggest')
    asked = [tool.parse_args(list(job.preparation[1:])) for job in compared.jobs]
    assert {args.count for args in asked} == {10} and all(args.lists_only for args in asked)
    assert [(args.by, args.pool) for args in asked[:4]] == [
        ('random', 5),
        ('entropy', 5),
        ('entropy', 1),
        ('entropy', 0),
    ]
    assert len({job.digest for job in compared.jobs}) == 24 and asked[-4].seed == 1


@pytest.mark.parametrize(
    ('need', 'changes', 'message'),
    [
        (dict(command='a'), {}, 'has to say first='),
        (dict(frist='a'), {}, 'frist is no setting of a need; did you mean first'),
        (dict(first=SUPERVISED), dict(trainings=[PSEUDO]), 'needs .*supervised.*, which the plan does not train'),
        (dict(first=PSEUDO), {}, 'would wait for itself'),
        (
            dict(first=SUPERVISED),
            dict(trainings=[SUPERVISED]),
            r'\[needs\.".*pseudo.*"\] is of no training of the plan',
        ),
    ],
)
def test_a_mistake_in_what_is_needed_is_named(need, changes, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read_plan(pseudo_plan(tmp_path, need, **changes))


def test_what_is_needed_comes_first(crew, tmp_path):
    """b stands before a and reads what a leaves; c, which needs what nobody makes, fails and stops nothing."""
    one = job(tmp_path, 'a', f'sleep 0.1; touch {tmp_path}/a/iter_100.pth', 'true')
    two = job(tmp_path, 'b', f'cat {one.checkpoint}', 'true')._replace(first=one.checkpoint)
    three = job(tmp_path, 'c', 'true', 'true')._replace(first=tmp_path / 'never.pth')
    assert is_ready(three, recorded=True) and not is_ready(three, recorded=False)
    workers = crew(ready=lambda job: is_ready(job, recorded=False))
    assert workers.run([three, two, one])
    assert [failure.job.config for failure in workers.failures] == ['c.py']
    assert f'it needs {tmp_path}/never.pth, which is not there' in str(workers.failures[0])
    assert [line.split()[1] for line in workers.told if line.startswith('train')] == ['a', 'b']


def test_a_preparation_is_made_once(tmp_path):
    one = Job('a.py', '', (), 'l.txt', 3, 100, ('s',), 'd', tmp_path / 'a', None, ('tools/x.py',))
    assert next_step(one, recorded=False) == 'prepare'
    save(one, 50)
    one.prepared.touch()
    assert next_step(one, recorded=False) == 'train'


class Scripted(Job):
    """A job whose steps are lines of shell: those of ``options``, the first for 'train'."""

    def command(self, step):
        return ['sh', '-c', self.options[dict(train=0, test=1)[step]]]


def job(folder, name='a', *lines, iterations=100):
    return Scripted(f'{name}.py', '', lines, 'l.txt', 0, iterations, ('student',), name, folder / name)


def save(job, iterations, cut=False):
    job.folder.mkdir(parents=True, exist_ok=True)
    path = job.folder / f'iter_{iterations}.pth'
    torch.save(dict(a=torch.zeros(1000)), path)
    if cut:
        path.write_bytes(path.read_bytes()[:-100])


def test_a_job_goes_on_where_it_was(tmp_path):
    """Nothing, half, all but the file is cut, all, recorded: train, resume, resume, test, nothing."""
    one = Job('a.py', '', (), 'l.txt', 3, 100, ('student', 'teacher'), 'd', tmp_path / 'a')
    assert next_step(one, recorded=False) == 'train' and '--resume' not in one.command('train')
    assert state_of(one, recorded=False) == 'open'
    save(one, 50)
    save(one, 100, cut=True)
    assert next_step(one, recorded=False) == 'train' and '--resume' in one.command('train')
    assert state_of(one, recorded=False) == 'interrupted, 50 of 100 iterations'
    save(one, 100)
    assert next_step(one, recorded=False) == 'test'
    line = ' '.join(one.command('test'))
    assert line.endswith(
        f'tools/test.py a.py {one.checkpoint} --work-dir {one.folder}/test --val --predict-on student teacher '
        '--cfg-options train_dataloader.dataset.split=l.txt randomness.seed=3'
    )
    assert state_of(one, recorded=False) == 'trained, not yet tested'
    assert next_step(one, recorded=True) is None and state_of(one, recorded=True) == 'done'


def test_a_lock_that_is_touched_means_running(tmp_path):
    one = job(tmp_path)
    save(one, 50)
    lock = one.folder / 'run.lock'
    lock.touch()
    log = one.folder / 't/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('{"loss": 1.0, "step": 70, "time": 0.5}\n{"loss": 1')
    assert state_of(one, recorded=False) == 'running, 70 of 100 iterations'
    os.utime(lock, (time.time() - 200,) * 2)
    assert state_of(one, recorded=False) == 'interrupted, 50 of 100 iterations'


def note(job, step='train', code=0, wall=1.0, **changes):
    job.folder.mkdir(parents=True, exist_ok=True)
    entry = dict(step=step, code=code, digest=job.digest, variant='', commit='1a', versions={}, cores=1)
    note_process(job.folder, **dict(entry, cpu_seconds=2 * wall, wall_seconds=wall, **changes))


def test_provenance_sums_up_the_processes_of_a_run(tmp_path):
    """Also those that were interrupted, on whatever commit; a line that was cut off is left out."""
    one = job(tmp_path)
    assert read_provenance(one.folder) is None
    note(one, code=143, wall=1.5)
    note(one, wall=2.0, **dict(commit='2b'))
    note(one, 'test', wall=4.0, **dict(commit='2b'))
    with open(one.folder / 'processes.jsonl', 'a') as file:
        file.write('{"step": "tr')
    found = read_provenance(one.folder)
    assert (found['commits'], found['processes'], found['digest']) == (['1a', '2b'], 3, 'a')
    assert found['wall_seconds'] == dict(train=3.5, test=4.0)
    assert found['cpu_seconds'] == dict(train=7.0, test=8.0)
    note(one, 'test', wall=1.0)  # behind it, in a line of its own
    assert read_provenance(one.folder)['wall_seconds'] == dict(train=3.5, test=5.0)


def test_the_pace_is_what_was_measured(tmp_path):
    """30 + 70 s for 100 iterations are 1 s each; one that has not ended tells what it logs."""
    ended, other, cut, runs = (job(tmp_path, name) for name in ('a', 'b', 'c', 'd'))
    note(ended, code=143, wall=30.0)
    note(ended, wall=70.0)
    note(ended, 'test', code=1, wall=1000.0)
    note(ended, 'test', wall=10.0)
    note(other, wall=300.0)
    note(cut, code=143, wall=30.0)
    log = runs.folder / 't/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('{"loss": 1.0, "step": 50, "time": 0.5}\n{"loss": 1.0, "step": 60, "time": 0.7}\n')
    pace = measure_pace([ended, other, cut, runs])
    assert pace.iteration == dict(a=1.0, b=3.0, d=pytest.approx(0.6)) and pace.test == 10.0


def test_the_estimate_by_hand(tmp_path):
    """Of 100 iterations each: a has 40, at 2 s; b has none and no pace, so the mean 3 s; c is trained; d is done; e has
    none, at 4 s: 60 x 2 + 100 x 3 + 0 + 100 x 4 = 820 s, and four tests of 5 s.
    """
    jobs = [job(tmp_path, name) for name in 'abcde']
    progress = {jobs[0].name: (40, False), jobs[2].name: (90, True)}
    pace = Pace(dict(a=2.0, e=4.0), 5.0)
    found = estimate(jobs, {jobs[3].name}, progress, pace)
    assert found == Estimate(840.0, 1, 405.0)
    assert found._replace(seconds=9000.0).describe(2) == (
        '2.50 process hours left, 1.25 h on 2, 1 of the jobs at the mean pace of the others'
    )
    # two processes do not share one job
    assert Estimate(9000.0, 0, 7200.0).describe(2) == '2.50 process hours left, 2.00 h on 2'
    assert estimate(jobs, set(), {}, Pace({}, 0.0)).describe(2) == 'no estimate before the first iterations'


@pytest.fixture
def crew(monkeypatch):
    """Makes a crew of two whose jobs have the steps that their ``options`` name; it tells what happened in ``told``."""
    monkeypatch.setattr(side_by_side, 'POLL_SECONDS', 0.02)
    monkeypatch.setattr(side_by_side, 'commit_of', lambda: '1a')
    done = {}

    def make(watch=lambda crew: None, ended=lambda job, step: None, ready=lambda job: True):
        def following(job):
            return ('train', 'test', None)[done.get(job.name, 0)]

        def note_ended(job, step):
            ended(job, step)
            done[job.name] = done.get(job.name, 0) + 1

        crew = SideBySide(following, note_ended, share_cores(2), ready, lambda line: crew.told.append(line), watch)
        crew.told = []
        return crew

    return make


def test_one_failure_does_not_stop_the_rest(crew, tmp_path):
    jobs = [
        job(tmp_path, 'a', 'echo all is well', 'true'),
        job(tmp_path, 'b', 'echo first; echo the reason >&2; exit 7', 'true'),
        job(tmp_path, 'c', 'true', 'exit 2'),
        job(tmp_path, 'd', 'true', f'touch {tmp_path}/tested'),
    ]
    workers = crew()
    assert workers.run(jobs)
    assert sorted(map(str, workers.failures)) == [
        f'b l.txt seed 0: train ended with exit code 7: the reason (log: {tmp_path}/b/output.txt)',
        f'c l.txt seed 0: test ended with exit code 2: nothing printed (log: {tmp_path}/c/output.txt)',
    ]
    assert (tmp_path / 'tested').is_file()
    assert state_of(jobs[1], recorded=False) == f'failed, see {tmp_path}/b/output.txt'


def test_a_step_that_ends_well_and_leaves_nothing_is_a_failure(crew, tmp_path):
    """Or it would be done again for ever; and an error in a job's logs is that job's."""

    def unread(job, step):
        raise KeyError('mIoU')

    workers = crew(ended=unread)
    assert workers.run([job(tmp_path, 'a', 'true', 'true')])
    assert "train ended well, but left nothing to go on with: 'mIoU'" in str(workers.failures[0])

    idle = SideBySide(lambda job: 'train', lambda job, step: None, share_cores(1), tell=lambda line: None)
    assert idle.run([job(tmp_path, 'b', 'true')])
    assert 'train ended with exit code 0 and has to be done again' in str(idle.failures[0])


def test_cores_are_shared_out(monkeypatch):
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: {2, 3, 5, 7, 11}, raising=False)
    assert share_cores(1) == [[2, 3, 5, 7, 11]]
    assert share_cores(2) == [[2, 3], [5, 7]]
    assert share_cores(6) == [[2], [3], [5], [7], [11], [2]]
    monkeypatch.delattr(os, 'sched_getaffinity')
    assert share_cores(2) == [[], []]


@pytest.mark.skipif(not hasattr(os, 'sched_getaffinity'), reason='the system does not pin')
def test_each_process_has_cores_of_its_own_and_its_own_seconds(crew, tmp_path):
    """One computes for half a second; one sleeps, and is waited for later: its seconds of the CPU are its own."""
    before = os.sched_getaffinity(0)
    say = 'import os, time; print(sorted(os.sched_getaffinity(0)), os.environ["OMP_NUM_THREADS"], os.getsid(0)); '
    busy = 'a = time.process_time()\nwhile time.process_time() - a < 0.5: pass'
    lines = {name: f"{sys.executable} -c '{say}{code}'" for name, code in dict(a=busy, b='time.sleep(1.5)').items()}
    jobs = [job(tmp_path, name, line, 'true') for name, line in lines.items()]
    assert crew().run(jobs) and os.sched_getaffinity(0) == before
    found = {one.config[0]: read_provenance(one.folder) for one in jobs}
    for place, name in enumerate('ab'):
        own = share_cores(2)[place]
        said, session = (tmp_path / name / 'output.txt').read_text().rsplit(maxsplit=1)
        assert said == f'{own} {len(own)}'
        assert int(session) != os.getsid(0)  # or Ctrl-C would reach it, and it would not save
    assert found['a']['cpu_seconds']['train'] >= 0.5 > found['b']['cpu_seconds']['train']
    assert found['b']['wall_seconds']['train'] >= 0.5


SAVES = "trap 'echo saved; exit 143' TERM; echo began; while :; do sleep 0.02; done"


@pytest.mark.parametrize('kind', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_children_and_starts_no_more(crew, tmp_path, kind):
    """They are told by SIGTERM, on which a training saves. That is no failure, and what was handled before is again."""
    jobs = [job(tmp_path, name, SAVES, 'true') for name in 'abc']

    def watch(crew):
        began = [(one.folder / 'output.txt').is_file() and (one.folder / 'output.txt').read_text() for one in jobs[:2]]
        if began == ['began\n', 'began\n'] and not crew.asked:
            os.kill(os.getpid(), kind)

    former = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    workers = crew(watch)
    assert workers.run(jobs) is False
    assert [(one.folder / 'output.txt').read_text() for one in jobs[:2]] == ['began\nsaved\n'] * 2
    assert not jobs[2].folder.exists() and not workers.failures
    assert 'stopping: trainings save first; once more ends them at once' in workers.told
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == former
    assert state_of(jobs[0], recorded=False) == 'open'


def test_a_second_signal_ends_them_at_once(crew, tmp_path):
    deaf = "trap '' TERM; echo began; while :; do sleep 0.02; done"
    one = job(tmp_path, 'a', deaf)

    def watch(crew):
        if (one.folder / 'output.txt').read_text():
            os.kill(os.getpid(), signal.SIGTERM)

    assert crew(watch).run([one]) is False


def test_signals_at_once_are_one_request(crew, tmp_path):
    """Slurm, a supervisor and a terminal may all tell the same; the trainings must still have the time to save."""
    slow = SAVES.replace('echo saved', 'sleep 0.3; echo saved')
    one = job(tmp_path, 'a', slow)

    def watch(crew):
        if (one.folder / 'output.txt').read_text() == 'began\n' and not crew.asked:
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)

    assert crew(watch).run([one]) is False
    assert (one.folder / 'output.txt').read_text() == 'began\nsaved\n'


def test_a_signal_during_a_start_is_told_once(crew, tmp_path, monkeypatch):
    """Noting the commit takes a while; a training that is told again a second later would end without saving."""
    jobs = [job(tmp_path, name, SAVES.replace("; exit 143'", "'"), 'true') for name in 'ab']

    def commit():
        if (tmp_path / 'b').is_dir():
            while (tmp_path / 'a/output.txt').read_text() != 'began\n':
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.3)
        return '1a'

    def watch(crew):  # a second later it kills
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(side_by_side, 'commit_of', commit)
    assert crew(watch).run(jobs) is False
    assert (tmp_path / 'a/output.txt').read_text() == 'began\nsaved\n'


def test_an_error_of_the_watch_leaves_no_process_behind(crew, tmp_path):
    one, found = job(tmp_path, 'a', SAVES), []

    def watch(crew):
        if (one.folder / 'output.txt').read_text():
            found.append(crew.running[0].process)
            raise RuntimeError('a bug')

    with pytest.raises(RuntimeError, match='a bug'):
        crew(watch).run([one])
    assert found[0].wait(10) == 143


def test_a_commit_with_changed_code_is_marked(tmp_path):
    """Records and tables, which a benchmark writes itself, are no change."""
    assert commit_of(tmp_path) == 'unknown'

    def git(*words):
        subprocess.run(['git', '-c', 'user.name=a', '-c', 'user.email=a@b.c', *words], cwd=tmp_path, check=True)

    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs/a.py').write_text('a = 1\n')
    (tmp_path / 'configs/runs.jsonl').write_text('')
    git('init', '-q')
    git('add', '.')
    git('commit', '-qm', 'a')
    commit = commit_of(tmp_path)
    assert len(commit) == 8
    (tmp_path / 'configs/runs.jsonl').write_text('{}\n')
    (tmp_path / 'configs/README.md').write_text('a table\n')
    (tmp_path / 'work_dirs').mkdir()
    (tmp_path / 'work_dirs/new.py').write_text('')
    assert commit_of(tmp_path) == commit
    (tmp_path / 'configs/a.py').write_text('a = 2\n')
    assert commit_of(tmp_path) == f'{commit}+dirty'


def test_the_list_and_the_choice(tool, tmp_path, capsys):
    plan = str(write_plan(tmp_path / 'plan.toml', PLAN, work_dirs=str(tmp_path / 'work')))
    (tmp_path / 'none.jsonl').write_text('')
    options = ['--list', '--processes', '2', '--records', str(tmp_path / 'none.jsonl')]
    tool.main([plan, *options, '--only', 'control*draw1'])
    assert capsys.readouterr().out.splitlines() == [
        'dueb_mbv2_camvid_8+control camvid/8_draw1.txt seed 0  open',
        'dueb_mbv2_camvid_8+control camvid/8_draw1.txt seed 1  open',
        '2 open',
        'no estimate before the first iterations',
    ]
    with pytest.raises(UserError, match=r'--only cpcl: no training of .*plan\.toml fits'):
        tool.main([plan, '--only', 'cpcl'])


@pytest.mark.parametrize('path', sorted((ROOT / 'configs/benchmarks').glob('*.toml')), ids=lambda path: path.stem)
def test_a_shipped_plan_has_for_every_control_the_method_and_for_every_method_its_baseline(path):
    """On the same lists with the same seeds; and all that it names is there."""
    for table in read_tables(path):
        runs = {}
        for job in table.jobs:
            runs.setdefault(job.training, set()).add((job.split, job.seed))
        assert len({frozenset(pairs) for pairs in runs.values()}) == 1
        assert not [name for name in runs if name.endswith('+control') and name[: -len('+control')] not in runs]


@pytest.mark.slow
@pytest.mark.timeout(900)  # seven processes that import everything
def test_two_trainings_end_in_two_records(tool, tmp_path, capsys):
    """On the drawn data; one config is broken by an option. What is recorded is not made again, failures are named."""
    table = dict(
        trainings=[
            'configs/supervised/supervised_unet_shapes_8.py',
            'configs/supervised/supervised_unet_shapes_8.py + broken',
            'configs/dueb/dueb_unet_shapes_8.py + control',
        ],
        lists=['shapes/8_draw0.txt'],
        seeds=[5],
        options=['train_cfg.max_iters=2', 'train_cfg.val_interval=2'],
    )
    variants = dict(control=['model.unsup_factor=0'], broken=['model.batch_statistics=brokn'])
    plan = str(write_plan(tmp_path / 'plan.toml', table, work_dirs=str(tmp_path / 'work'), variants=variants))
    options = ['--records', str(tmp_path / 'runs.jsonl')]
    for begun in (3, 1):
        with pytest.raises(SystemExit) as end:
            tool.main([plan, *options])
        text = capsys.readouterr().out
        assert end.value.code == 1 and text.count('train: ') == begun
        assert '1 of 3 failed:\nsupervised_unet_shapes_8+broken shapes/8_draw0.txt seed 5: train ended with' in text
        assert 'brokn' in text
    runs = read_records(tmp_path / 'runs.jsonl')
    control, supervised = sorted(runs, key=lambda run: run.method)
    assert (control.options, control.seed, control.iterations) == (('model.unsup_factor=0',), 5, 2)
    assert (supervised.options, supervised.data['labeled'], control.data['unlabeled']) == ((), 8, 152)
    for run, networks in ((control, ('conservative/', 'progressive/')), (supervised, ('',))):
        for name in networks:
            assert {f'{name}mIoU', f'{name}IoU.sky'} <= run.metrics.keys() & run.val_metrics.keys()
        assert run.provenance['cpu_seconds'].keys() == {'train', 'test'}
    tool.main([plan, *options, '--list'])
    assert '2 done, 1 failed' in capsys.readouterr().out
    assert len(recorded_digests(tmp_path / 'runs.jsonl')) == 2
    # results.py reads the same from the work dirs
    assert {run.provenance['digest'] for run in load_tool('results').find_runs([tmp_path / 'work'])} == {
        run.provenance['digest'] for run in runs
    }
