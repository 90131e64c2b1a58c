"""Weights are found from any folder, or named with their source before anything starts."""

import pytest
import torch
from mmengine.config import Config

from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.utils.weight_files import find_weights


def config(tmp_path, text='', **entries):
    path = tmp_path / 'mine' / 'configs' / 'a.py'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    cfg = Config.fromfile(path)
    cfg.merge_from_dict(entries)
    return cfg


@pytest.fixture
def backbone(tmp_path, monkeypatch):
    """Weights beside the folder of configs; the current folder is another one."""
    (tmp_path / 'elsewhere').mkdir()
    monkeypatch.chdir(tmp_path / 'elsewhere')
    path = tmp_path / 'mine' / 'data' / 'w.pth'
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def model(checkpoint):
    return dict(branches=[dict(backbone=dict(init_cfg=[dict(type='Pretrained', checkpoint=checkpoint)]))])


def test_found_above_the_config(tmp_path, backbone):
    cfg = config(tmp_path, model=model('data/w.pth'), load_from='data/w.pth')
    find_weights(cfg)
    assert cfg.model.branches[0].backbone.init_cfg[0].checkpoint == str(backbone)
    assert cfg.load_from == str(backbone)


def test_the_current_folder_comes_first_and_stays_as_it_is_written(tmp_path, backbone):
    near = tmp_path / 'elsewhere' / 'data' / 'w.pth'
    near.parent.mkdir()
    near.touch()
    cfg = config(tmp_path, model=model('data/w.pth'))
    find_weights(cfg)
    assert cfg.model.branches[0].backbone.init_cfg[0].checkpoint == 'data/w.pth'


def test_addresses_and_none_are_no_files(tmp_path, backbone):
    cfg = config(tmp_path, model=dict(pretrained='open-mmlab://r50', init_cfg=dict(checkpoint=None)), load_from='')
    find_weights(cfg)
    assert cfg.model.pretrained == 'open-mmlab://r50'


def test_a_run_that_goes_on_needs_no_load_from(tmp_path, backbone):
    find_weights(config(tmp_path, model={}, load_from='https://x/y.pth', resume=True))
    find_weights(config(tmp_path, model={}, load_from='gone.pth', resume=True))


def run_of(folder, done, length, note='iter_9.pth'):
    """A run's last checkpoint, and the note that names it."""
    folder.mkdir(parents=True)
    checkpoint = dict(meta=dict(iter=done), message_hub=dict(runtime_info=dict(max_iters=length)), state_dict={})
    torch.save(checkpoint, folder / 'iter_9.pth')
    (folder / 'last_checkpoint').write_text(f'/where/it/was/{note}')


def test_the_end_of_a_first_stage_has_one_name(tmp_path, backbone):
    """Whatever its length was, and where its folder was when it trained."""
    run_of(tmp_path / 'mine' / 'work_dirs' / 'first', 9, 9)
    cfg = config(tmp_path, load_from='work_dirs/first/last_checkpoint')
    find_weights(cfg)
    assert cfg.load_from == str(tmp_path / 'mine' / 'work_dirs' / 'first' / 'iter_9.pth')


def test_a_first_stage_that_has_not_ended(tmp_path, backbone):
    run_of(tmp_path / 'mine' / 'work_dirs' / 'first', 9, 20)
    cfg = config(tmp_path, load_from='work_dirs/first/last_checkpoint')
    with pytest.raises(UserError, match=r'stopped after iteration 9 of 20.*--resume.*load_from=.*iter_9\.pth'):
        find_weights(cfg)


def test_a_note_that_names_nothing(tmp_path, backbone):
    run_of(tmp_path / 'mine' / 'work_dirs' / 'first', 9, 9, note='gone.pth')
    cfg = config(tmp_path, load_from='work_dirs/first/last_checkpoint')
    with pytest.raises(UserError, match=r'last_checkpoint names no checkpoint that is there'):
        find_weights(cfg)


def test_a_first_stage_that_was_not_trained(tmp_path, backbone):
    cfg = config(tmp_path, load_from='work_dirs/first/last_checkpoint')
    with pytest.raises(UserError, match=r'the run of config first\.py writes it'):
        find_weights(cfg)


def test_all_that_is_missing_is_named_with_its_source(tmp_path, backbone):
    cfg = config(tmp_path, model=model('no.pth'), load_from='work_dirs/first_stage/iter_9.pth')
    with pytest.raises(UserError) as error:
        find_weights(cfg)
    assert 'model.branches.0.backbone.init_cfg.0.checkpoint: no.pth' in str(error.value)
    assert 'load_from: work_dirs/first_stage/iter_9.pth (the run of config first_stage.py writes it' in str(error.value)
