"""Settings that a run would take without an effect: each case trained without a word before."""

import logging
import sys
from types import SimpleNamespace

import pytest
import tiny
from mmengine.config import Config, ConfigDict
from mmengine.hooks import CheckpointHook, EMAHook, LoggerHook
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper, PolyLR
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, get_priority
from mmseg.evaluation import IoUMetric
from torch.optim import SGD
from torch.utils.data import BatchSampler, SequentialSampler

from mmseg_ssl.datasets import SemiSampler
from mmseg_ssl.engine import (
    CheckRunHook,
    ELNStageHook,
    MeanTeacherHook,
    SafeCheckpointHook,
    SemiEpochTrainLoop,
    SemiTrainLoop,
    StageHook,
    UnsupRampHook,
)
from mmseg_ssl.errors import UserError
from mmseg_ssl.evaluation import SemiIoUMetric

KINDS = dict(ramp=UnsupRampHook(0.0, 0.5), teacher=MeanTeacherHook(), stage=StageHook(dict(pretrain=0, full=0.5)))
ONE = dict(type='StrongAugment')
STRONG = dict(MeanTeacher=ONE, UniMatchV2=dict(strong1=ONE, strong2=ONE))
LINEAR, HALVES = UnsupRampHook(0, 10), ELNStageHook(dict(pretrain=0, full=0.5))


def run_of(method='MeanTeacher', hooks=(KINDS['teacher'],), paramwise=None, constructor='', end=None, **options):
    """What the hook asks a runner of 20 iterations for; its warnings are in ``said``."""
    strong = dict(strong=STRONG[method]) if method in STRONG else dict(strong=None)
    options.setdefault('data_preprocessor', tiny.preprocessor(**strong))
    model, said = tiny.build(method, **options), []
    schedulers = [PolyLR(SGD(model.student.parameters(), lr=0.1), begin=0, end=end, by_epoch=False)] if end else []
    optim = dict(paramwise_cfg=paramwise, constructor=constructor)
    return SimpleNamespace(
        model=model,
        hooks=list(hooks),
        cfg=ConfigDict(optim_wrapper=optim),
        param_schedulers=schedulers,
        optim_wrapper=OptimWrapper(SGD(model.student.parameters(), lr=0.1)),
        train_loop=SimpleNamespace(max_iters=20, max_epochs=1),
        logger=SimpleNamespace(warning=said.append),
        said=said,
        val_loop=None,
        message_hub=MessageHub('check'),
        rank=0,
        iter=0,
        max_iters=20,
        _load_from=None,
    )


def warnings_of(**options):
    runner = run_of(**options)
    CheckRunHook().before_train(runner)
    return runner.said


def refused(match, **options):
    with pytest.raises(UserError, match=match):
        CheckRunHook().before_train(run_of(**options))


def test_an_ordinary_run_passes():
    keys = dict(decode_head=dict(lr_mult=5.0), side_heads=dict(lr_mult=5.0))
    assert not warnings_of(
        hooks=[MeanTeacherHook(), LINEAR], paramwise=dict(custom_keys=keys, norm_decay_mult=0), end=20
    )
    assert not warnings_of(method='CPS', hooks=[], paramwise=None)
    assert not warnings_of(method='SoftSelfLabeling', hooks=[KINDS['stage']])


@pytest.mark.parametrize(
    ('hooks', 'names'),
    [
        ([KINDS['teacher'], MeanTeacherHook(momentum=0.1)], 'MeanTeacherHook and MeanTeacherHook'),
        ([KINDS['teacher'], KINDS['ramp'], LINEAR], 'UnsupRampHook and UnsupRampHook'),
        ([KINDS['teacher'], KINDS['stage'], HALVES], 'StageHook and ELNStageHook'),
    ],
)
def test_a_hook_is_there_once(hooks, names):
    """The teacher would move twice a step; of two ramps, the later hook's counts."""
    refused(f'the run has {names}', hooks=hooks)


def test_a_teacher_needs_somebody_to_move_it():
    """Weights of another run bring a teacher that counts as started: it labeled, and never moved."""
    refused(r"nothing updates it: add dict\(type='MeanTeacherHook'\)", hooks=[])
    refused('nothing updates it', method='UniMatchV2', hooks=[KINDS['ramp']])


def test_an_average_of_an_average_is_doubted():
    (text,) = warnings_of(hooks=[MeanTeacherHook(), EMAHook()])
    assert 'EMAHook averages the teacher, too' in text
    assert not warnings_of(method='CPS', hooks=[EMAHook()])


def test_stages_without_a_hook_are_doubted():
    (text,) = warnings_of(method='SoftSelfLabeling', hooks=[])
    assert 'stages pretrain, full; without StageHook' in text and 'all of the run is "full"' in text
    runner = run_of(method='SoftSelfLabeling', hooks=[])
    for load_from, done in (('work_dirs/first/iter_9.pth', 0), (None, 9)):  # the first stage was another run, or this
        runner._load_from, runner.iter = load_from, done
        CheckRunHook().before_train(runner)
        assert not runner.said


def test_intervals_of_checkpoints():
    """A share, as val_interval takes, saved after every iteration; epochs, the host's default, never came."""
    for kind in (SafeCheckpointHook, CheckpointHook):
        refused(f'{kind.__name__}: interval is a whole number', hooks=[MeanTeacherHook(), kind(0.5, by_epoch=False)])
        runner = run_of(hooks=[MeanTeacherHook(), kind(5)])
        runner.train_loop = SemiTrainLoop.__new__(SemiTrainLoop)
        CheckRunHook().before_train(runner)
        (text,) = runner.said
        assert f'{kind.__name__} counts epochs' in text and 'SemiTrainLoop does not have' in text
        runner.hooks[1].by_epoch, runner.said[:] = False, []
        CheckRunHook().before_train(runner)
        assert not runner.said


def test_the_hosts_epochs_never_end():
    """``train_cfg=dict(by_epoch=True, max_epochs=2)`` takes the host's loop, whose first epoch did not end."""
    endless = SemiSampler.__new__(SemiSampler)
    for kind, sampler, fine in (
        (EpochBasedTrainLoop, endless, False),
        (EpochBasedTrainLoop, SequentialSampler(range(3)), True),
        (SemiEpochTrainLoop, endless, True),
        (IterBasedTrainLoop, endless, True),
    ):
        runner = run_of()
        runner.train_loop = kind.__new__(kind)
        batches = BatchSampler(sampler, 2, drop_last=False)
        runner.train_loop.dataloader = SimpleNamespace(batch_sampler=batches)
        runner.train_loop._max_epochs = 2
        if fine:
            CheckRunHook().before_train(runner)
            continue
        with pytest.raises(UserError, match=r"train_cfg=dict\(type='SemiEpochTrainLoop', max_epochs=2\)"):
            CheckRunHook().before_train(runner)


@pytest.mark.parametrize(('end', 'lines'), [(20, 0), (15, 0), (21, 1), (40000, 1)])
def test_a_schedule_longer_than_the_run_is_doubted(end, lines):
    """A shortened run trained at the high rate of the beginning to its end."""
    said = warnings_of(end=end)
    assert len(said) == lines
    if lines:
        assert f'PolyLR ends at iteration {end}, and the run at 20' in said[0]


@pytest.mark.parametrize(
    ('paramwise', 'match'),
    [
        (dict(custom_keys={'bakbone': dict(lr_mult=0.1)}), 'no weight is named bakbone; did you mean backbone'),
        (dict(custom_keys={'segmentor.decode_heads': dict(lr_mult=9)}), 'did you mean decode_head'),
        (dict(norm_decay=0.0), 'no norm_decay, which would do nothing; did you mean norm_decay_mult'),
        (dict(custom_key=dict(decode_head=dict(lr_mult=9))), 'did you mean custom_keys'),
        (dict(decay_rat=0.9), 'did you mean decay_rate'),
    ],
)
def test_misspelled_rates_are_refused(paramwise, match):
    refused(match, paramwise=paramwise, constructor='LayerDecayConstructor')


def test_keys_of_no_weight_are_doubted():
    """``student.backbone`` is called ``student.segmentor.backbone``; a teacher is not trained."""
    for key in ('student.backbone', 'teacher.network', 'layer9'):
        (text,) = warnings_of(paramwise=dict(custom_keys={key: dict(lr_mult=0.1)}))
        assert f'{key!r} is in the name of no trained weight' in text and 'student.segmentor.' in text
    assert not warnings_of(paramwise=dict(custom_keys={'student.segmentor.backbone': dict(lr_mult=0.1)}))


@pytest.mark.parametrize(
    ('method', 'reads', 'idle'),
    [('MeanTeacher', ['strong'], 'strong1'), ('UniMatchV2', ['strong1', 'strong2'], 'strong'), ('CPS', [], 'strong')],
)
def test_a_strong_view_that_nobody_reads_is_doubted(method, reads, idle):
    """It was made in every step."""
    hooks = [] if method == 'CPS' else [MeanTeacherHook()]
    views = {name: dict(type='StrongAugment') for name in [*reads, idle]}
    (text,) = warnings_of(method=method, hooks=hooks, data_preprocessor=tiny.preprocessor(strong=views))
    assert f"makes the view '{idle}', which {method} does not read" in text
    views.pop(idle)
    assert not warnings_of(method=method, hooks=hooks, data_preprocessor=tiny.preprocessor(strong=views or None))


@pytest.mark.parametrize(
    'off',
    [dict(jitter_prob=0.0), dict(brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)],
)
def test_a_strong_view_that_is_the_weak_one_is_doubted(off):
    """A consistency loss would compare a network with itself."""
    none = dict(type='StrongAugment', grayscale_prob=0.0, blur_prob=0.0, **off)
    (text,) = warnings_of(data_preprocessor=tiny.preprocessor(strong=none))
    assert "the view 'strong' is the weak one" in text
    for little in (dict(none, blur_prob=0.1), dict(none, grayscale_prob=0.1), dict(none, hue=0.1, jitter_prob=0.8)):
        assert not warnings_of(data_preprocessor=tiny.preprocessor(strong=little))


def test_the_hosts_metric_of_two_networks_is_doubted():
    """It scored the student, and the teacher's scores never came."""
    for metric, names, lines in (
        (IoUMetric(), ['student', 'teacher'], 1),
        (IoUMetric(), 'teacher', 0),
        (SemiIoUMetric(), ['student', 'teacher'], 0),
    ):
        runner = run_of(predict_on=names, data_preprocessor=tiny.preprocessor(strong=dict(type='StrongAugment')))
        runner.val_loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=[metric]))
        CheckRunHook().before_train(runner)
        assert len(runner.said) == lines, runner.said
        assert not lines or 'IoUMetric scores student alone' in runner.said[0]


def test_a_run_has_one_method():
    """MeanTeacher and CutMixSeg have the same weights, so a resumed run changed its method in silence."""
    first = run_of('MeanTeacher')
    CheckRunHook().before_train(first)
    for method, hub_of in (('MeanTeacher', first), ('CutMixSeg', None)):
        resumed = run_of(method, threshold=0.5) if method == 'CutMixSeg' else run_of(method)
        resumed.iter, resumed.message_hub = 10, first.message_hub
        if hub_of:
            CheckRunHook().before_train(resumed)
            continue
        with pytest.raises(UserError, match='of a run of MeanTeacher, and the config is of CutMixSeg'):
            CheckRunHook().before_train(resumed)
        resumed.iter = 0  # another run of this process
        CheckRunHook().before_train(resumed)
        assert first.message_hub.get_info('method') == 'CutMixSeg'


def test_a_resumed_run_says_what_changed():
    """Another weight or batch was taken without a word, and the curve had a step that nobody could explain."""
    model = dict(type='MeanTeacher', segmentor=dict(type='EncoderDecoder', backbone=dict(type='ResNetV1c', depth=50)))
    before = dict(model=dict(model, unsup_weight=100.0), load_from=None)
    now = dict(model=dict(model, unsup_weight=1.0), load_from='a.pth', resume=True)
    texts = [Config(config).pretty_text for config in (before, now)]

    def said(text, resume=True, rank=0, now=texts[1]):
        runner, lines = SimpleNamespace(cfg=SimpleNamespace(pretty_text=now), rank=rank, _resume=resume), []
        runner.logger = SimpleNamespace(warning=lines.append)
        CheckRunHook().after_load_checkpoint(runner, text if isinstance(text, list) else dict(meta=text))
        return lines

    texts[0] = dict(cfg=texts[0])
    (line,) = said(texts[0])
    assert 'differs from that of the checkpoint in: unsup_weight=1.0. From here' in line  # brackets are no settings
    assert not said(dict(cfg=texts[1])) and not said(texts[0], resume=False) and not said(texts[0], rank=1)
    for unknown in (None, {}, dict(cfg=None), []):  # of another program
        assert not said(unknown)
    six, seven = ('\n'.join(f's{number} = 1' for number in range(count)) for count in (6, 7))
    assert said(dict(cfg=''), now=six)[0].endswith(
        ': s0 = 1, s1 = 1, s2 = 1, s3 = 1, s4 = 1, s5 = 1. From here on it counts.'
    )
    assert said(dict(cfg=''), now=seven)[0].endswith(', s5 = 1 and more. From here on it counts.')


def test_an_optimizer_that_was_built_by_hand_has_no_settings():
    runner = run_of()
    runner.cfg = dict(optim_wrapper=object())
    CheckRunHook().before_train(runner)
    assert not runner.said


def test_it_looks_before_others_begin():
    """A refused run has trained, saved and logged nothing."""
    first = get_priority(CheckRunHook.priority)
    for kind in (StageHook, UnsupRampHook, MeanTeacherHook, SafeCheckpointHook, LoggerHook):
        assert first < get_priority(kind.priority)


def test_all_that_is_wrong_is_said_at_once():
    refused('UnsupRampHook and UnsupRampHook(.|\n)*nothing updates it', hooks=[KINDS['ramp'], LINEAR])


def test_a_package_for_labels_is_missed_before_the_first_step(monkeypatch):
    """Not when the stage begins that makes labels, half a run later."""
    pytest.importorskip('maxflow')
    hooks = [KINDS['stage']]
    assert not warnings_of(method='HardSelfLabeling', hooks=hooks, error_rate=0.3)
    monkeypatch.setitem(sys.modules, 'maxflow', None)
    monkeypatch.setitem(sys.modules, 'triton', None)
    refused(r'pip install mmseg_ssl\[graphcut\]', method='HardSelfLabeling', hooks=hooks, error_rate=0.3)
    fused = dict(method='SoftSelfLabeling', hooks=hooks, self_labeling=dict(solver='fused'))
    refused('Run: pip install triton', **fused)
    assert not warnings_of(method='SoftSelfLabeling', hooks=hooks)


def test_only_the_first_process_warns():
    runner = run_of(end=99)
    runner.rank = 1
    CheckRunHook().before_train(runner)
    assert not runner.said


def started(hook, model=None):
    """Warnings of a hook at the start of a run of 20 iterations."""
    said = []
    logger = SimpleNamespace(warning=said.append, info=logging.getLogger('test').info)
    hook.before_train(
        SimpleNamespace(max_iters=20, iter=0, model=model, logger=logger, message_hub=MessageHub('check'))
    )
    return said


def test_a_ramp_lies_within_the_run():
    """Beyond its end, a method was supervised training, and nothing said so."""
    for begin, end in ((20, 30), (1000, 2000)):
        with pytest.raises(ValueError, match=f'begin={begin}, but the run ends at iteration 20'):
            started(UnsupRampHook(begin, end))
    (text,) = started(UnsupRampHook(5, 200))
    assert 'end=200 is beyond the run, of 20 iterations' in text
    (text,) = started(UnsupRampHook(0, 1))
    assert text == 'UnsupRampHook: end=1 is the first iteration; 1.0 is the end of the run, 0.5 its middle.'
    assert not started(UnsupRampHook(0, 20)) and not started(UnsupRampHook(0.0, 1.0))


def test_stages_lie_within_the_run():
    model = tiny.build('SoftSelfLabeling')
    (text,) = started(StageHook(dict(pretrain=0, full=20)), model)
    assert 'stage "full" would start at iteration 20, and the run ends at 20: it never comes' in text
    (text,) = started(StageHook(dict(pretrain=0, full=1)), model)
    assert text == 'StageHook: full=1 is the first iteration; 1.0 is the end of the run, 0.5 its middle.'
    assert not started(StageHook(dict(pretrain=0, full=19)), model)
    assert not started(StageHook(dict(pretrain=0, full=1.0)), model)
