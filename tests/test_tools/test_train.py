"""tools/train.py: its command line, and errors that a user can act on."""

import signal

import pytest
from mmengine.config import Config
from toy_process import loss_curve, output, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.tooling.cli import UserError, load_config


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return draw_images(tmp_path_factory.mktemp('toy') / 'data')


@pytest.mark.parametrize(
    ('line', 'resume'),
    [
        ('config.py', None),
        ('config.py --resume', 'auto'),
        ('--resume config.py', 'auto'),  # as with mmseg's flag, which takes no file
        ('config.py --resume a/iter_2.pth', 'a/iter_2.pth'),
        ('--resume auto config.py', 'auto'),
    ],
)
def test_resume_with_and_without_a_file(tool, line, resume, monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '0')  # put back afterwards
    args = tool.parse_args(line.split())
    assert (args.config, args.resume) == ('config.py', resume)


def test_takes_every_option_of_mmseg(tool, monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '0')  # put back afterwards
    line = 'c.py --work-dir w --resume --amp --cfg-options a.b=1 c=[1,2] --launcher pytorch --local-rank 3 --seed 7'
    args = tool.parse_args(line.split())
    assert args.cfg_options == {'a.b': 1, 'c': [1, 2]}
    assert (args.work_dir, args.amp, args.launcher, args.local_rank, args.seed) == ('w', 'auto', 'pytorch', 3, 7)
    assert tool.parse_args(['c.py', '--local_rank', '2']).local_rank == 2
    with pytest.raises(SystemExit):
        tool.parse_args(['--amp'])
    assert (tool.parse_args(['--amp', 'c.py']).config, tool.parse_args(['c.py', '--amp', 'bf16']).amp) == (
        'c.py',
        'bf16',
    )


@pytest.mark.parametrize('gpu', [False, True])
def test_a_cpu_keeps_the_memory_of_freed_tensors(tool, monkeypatch, gpu):
    """From before the first of them; on a GPU torch does it itself."""
    kept = []
    monkeypatch.setenv('LOCAL_RANK', '0')  # put back afterwards
    monkeypatch.setattr(tool, 'keep_freed_memory', lambda: kept.append(True))
    monkeypatch.setattr(tool.torch.cuda, 'is_available', lambda: gpu)
    with pytest.raises(UserError, match='there is no config'):
        tool.main(['nowhere.py'])
    assert bool(kept) != gpu


def test_resume_of_a_file_that_is_not_there(tool, tmp_path):
    cfg = Config(dict(work_dir=str(tmp_path)))
    with pytest.raises(UserError, match='no such file'):
        tool.set_resume(cfg, str(tmp_path / 'iter_9.pth'))


def test_resume_of_nothing_starts_anew_with_the_configs_weights(tool, tmp_path):
    """mmengine would take load_from for the checkpoint to resume."""
    cfg = Config(dict(work_dir=str(tmp_path), load_from='pretrained.pth'))  # no model: nothing asks for it
    tool.set_resume(cfg, 'auto')
    assert (cfg.resume, cfg.load_from) == (False, 'pretrained.pth')


def test_resume_in_the_config_is_what_the_host_means(tool, tmp_path, monkeypatch):
    """The newest of the work dir, or load_from if there is one; it was dropped, and the run began anew, over it."""
    monkeypatch.setattr(tool, 'misfit', lambda *_: '')
    monkeypatch.setattr(tool.MODELS, 'build', lambda cfg: None)
    for name in ('iter_2.pth', 'iter_4.pth'):
        (tmp_path / name).touch()
    two, four = (str(tmp_path / f'iter_{number}.pth') for number in (2, 4))
    for load_from, line, expected in ((None, None, four), (two, None, two), (two, 'auto', four), (four, two, two)):
        cfg = Config(dict(work_dir=str(tmp_path), resume=True, load_from=load_from, model={}))
        tool.set_resume(cfg, line)
        assert (cfg.resume, cfg.load_from) == (True, expected)
    cfg = Config(dict(work_dir=str(tmp_path), resume=True, load_from='gone.pth', model={}))
    with pytest.raises(UserError, match="the config's resume=True with load_from=gone.pth: no such file"):
        tool.set_resume(cfg, None)
    cfg = Config(dict(work_dir=str(tmp_path), resume=False, load_from=two))
    tool.set_resume(cfg, None)
    assert (cfg.resume, cfg.load_from) == (False, two)


def test_a_config_that_does_not_exist_names_the_nearest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('dueb/dueb_r50_voc_1-8.py', 'cpcl/cpcl_r50_voc_1-8.py', '_base_/dueb_r50_voc_1-9.py'):
        (tmp_path / 'configs' / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / 'configs' / name).touch()
    with pytest.raises(UserError) as error:
        load_config('configs/dueb_r50_voc_1-9.py')
    assert str(error.value).split('Did you mean:\n  ')[1].splitlines()[0] == 'configs/dueb/dueb_r50_voc_1-8.py'
    assert '_base_' not in str(error.value)


def test_user_errors_are_one_message_and_exit_code_2(tmp_path):
    assert train(tmp_path / 'nowhere.py', tmp_path / 'run') == 2
    assert 'error: there is no config' in output(tmp_path / 'run')
    assert 'Traceback' not in output(tmp_path / 'run')


def test_bad_data_stops_before_training_and_names_the_file(tmp_path):
    data = draw_images(tmp_path / 'data')
    (data / 'ann' / '03.png').unlink()
    path = write_config(tmp_path / 'config.py', toy_config(data))
    assert train(path, tmp_path / 'run') == 2
    assert '03.png' in output(tmp_path / 'run')
    assert 'Traceback' not in output(tmp_path / 'run')
    assert not (tmp_path / 'run').exists()  # no folder of a run that never was


@pytest.mark.slow
def test_amp_trains_and_resumes_exactly_on_the_cpu(data, tmp_path):
    path = write_config(tmp_path / 'config.py', toy_config(data))
    assert train(path, tmp_path / 'whole', '--amp', '--seed', '3') == 0, output(tmp_path / 'whole')
    assert 'bfloat16 on the CPU' in output(tmp_path / 'whole')
    assert train(path, tmp_path / 'killed', '--amp', '--seed', '3', kill='iteration:3') == -signal.SIGKILL
    assert train(path, tmp_path / 'killed', '--amp', '--seed', '3', '--resume') == 0
    assert loss_curve(tmp_path / 'killed') == loss_curve(tmp_path / 'whole')


def test_without_workers_nothing_asks_for_them(tmp_path):
    """``num_workers=0`` on the command line is meant to find an error, not to make one."""
    loader = dict(num_workers=2, persistent_workers=True, prefetch_factor=2)
    path = write_config(tmp_path / 'c.py', dict(train_dataloader=loader, val_dataloader=loader))
    cfg = load_config(str(path), {'train_dataloader.num_workers': 0})
    assert cfg.train_dataloader == dict(num_workers=0)
    assert cfg.val_dataloader == loader
