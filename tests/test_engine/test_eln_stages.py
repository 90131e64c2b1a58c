"""ELN from the command line: both stages in one run, and one after the other."""

import pytest
from toy_process import log_text, loss_curve, output, run_tool, train
from toy_run import draw_images, toy_config, toy_localizer, toy_model, write_config

pytestmark = pytest.mark.slow
PARTS = dict(pretrain={'sup'}, warmup={'sup', 'decoder_0', 'localizer'})
PARTS['semi'] = PARTS['warmup'] | {'unsup'}


def config_of(data, method, **starts):
    """Six iterations with a localizer, and Table 4 at validation and test."""
    options = dict(slack=(0.0,), localizer=toy_localizer(), predict_correctness=True)
    config = toy_config(data, model=toy_model(method, **options))
    hooks = [hook for hook in config['custom_hooks'] if method == 'ELN' or hook['type'] != 'MeanTeacherHook']
    evaluator = [dict(type='SemiIoUMetric'), dict(type='ErrorLocalizationMetric')]
    config.update(
        custom_hooks=[*hooks, dict(type='ELNStageHook', starts=starts)],
        val_evaluator=evaluator,
        test_evaluator=evaluator,
        test_dataloader=config['val_dataloader'],
        test_cfg=dict(type='TestLoop'),
    )
    if method == 'ELNWarmup':
        config['train_dataloader']['dataset'].update(unlabeled=None, unlabeled_per_labeled=0)
    return config


def stages(work_dir):
    """Return the parts that were trained in each iteration."""
    curve = loss_curve(work_dir)
    return [{key.split('.')[0] for key in curve[step] if '.' in key} - {'taught'} for step in sorted(curve)]


def score(text):
    return text.split('localizer/error_AP: ')[-1].split()[0]


def test_both_stages_in_one_run(tmp_path):
    """Each phase trains its parts; ``tools/test.py`` finds the localizer as good as the last validation did."""
    config = config_of(draw_images(tmp_path / 'data'), 'ELN', pretrain=0, warmup=2, semi=4)
    path = write_config(tmp_path / 'eln.py', config)
    assert train(path, tmp_path / 'run') == 0, output(tmp_path / 'run')
    assert stages(tmp_path / 'run') == [PARTS[name] for name in ('pretrain', 'warmup', 'semi') for _ in range(2)]
    last = tmp_path / 'run' / 'iter_6.pth'
    assert run_tool('test', [path, last, '--work-dir', tmp_path / 'test']) == 0, output(tmp_path / 'test')
    assert score(output(tmp_path / 'test')) == score(log_text(tmp_path / 'run'))


def test_one_stage_after_the_other(tmp_path):
    """The second begins with the networks of the first, its teacher as the student."""
    data = draw_images(tmp_path / 'data')
    first = write_config(tmp_path / 'first.py', config_of(data, 'ELNWarmup', pretrain=0, warmup=0.5))
    assert train(first, tmp_path / 'one') == 0, output(tmp_path / 'one')
    assert stages(tmp_path / 'one') == [PARTS['pretrain']] * 3 + [PARTS['warmup']] * 3
    config = dict(config_of(data, 'ELN', semi=0), load_from=str(tmp_path / 'one' / 'last_checkpoint'))
    assert train(write_config(tmp_path / 'second.py', config), tmp_path / 'two') == 0, output(tmp_path / 'two')
    assert stages(tmp_path / 'two') == [PARTS['semi']] * 6
    text = output(tmp_path / 'two')
    assert 'unexpected key' not in text
    missing = text.split('missing keys in source state_dict: ')[1].split('\n')[0]
    assert all('teacher' in key or 'projection' in key for key in missing.split(', '))
