"""Every run says what it trains on, writes it down, and stops if it would be judged by its own labeled images."""

import json
import logging
from types import SimpleNamespace

import pytest
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmseg.registry import DATASETS
from torch.utils.data import DataLoader
from toy_run import draw_images, toy_config

from mmseg_ssl.datasets import DatasetError, SemiSampler
from mmseg_ssl.engine import DataSummaryHook, add_hooks


@pytest.fixture
def run(tmp_path, monkeypatch, caplog):
    """A runner as the hook sees it, before the first step of a toy run; call it to run the hook."""
    import toy_parts  # noqa: F401  (registers the dataset)

    data = draw_images(tmp_path / 'data')

    def start(val='val.txt', test='val.txt', batch_size=2, rank=0, load=None, **options) -> list:
        cfg = Config(toy_config(data))
        cfg.merge_from_dict(start.change)
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        loader = DataLoader(dataset, batch_size, sampler=SemiSampler(dataset, seed=0), collate_fn=list)
        cfg.val_dataloader.dataset.ann_file = str(data / val)
        if load:
            cfg.val_dataloader.dataset.pipeline[0] = load
        cfg.test_dataloader = dict(dataset=dict(cfg.val_dataloader.dataset, ann_file=str(data / test)))
        val_loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=DATASETS.build(cfg.val_dataloader.dataset)))
        logger = logging.getLogger('summary')
        runner = SimpleNamespace(
            cfg=cfg, train_dataloader=loader, val_loop=val_loop, rank=rank, log_dir=str(tmp_path / 'log'), logger=logger
        )
        runner.iter, runner.message_hub = start.iteration, start.hub
        with caplog.at_level(logging.INFO, 'summary'):
            DataSummaryHook(**options).before_train(runner)
        return [record.getMessage() for record in caplog.records]

    start.hub, start.iteration, start.change = MessageHub('summary'), 0, {}
    start.data, start.written = data, tmp_path / 'log/data.json'
    return start


def test_the_numbers_are_logged_and_kept(run):
    lines = run()
    assert lines[0].startswith('6 labeled of 17 (') and lines[0].endswith('), 11 unlabeled, 0 shared')
    assert lines[1] == 'val: 2 images, 0 of them labeled and 2 unlabeled in training'
    assert lines[2].startswith('2 of the 2 images of val_dataloader are among the unlabeled ones: the network trains')
    assert len(lines) == 3
    kept = json.loads(run.written.read_text())
    assert {key: kept[key] for key in ('labeled', 'total', 'unlabeled', 'shared')} == dict(
        labeled=6, total=17, unlabeled=11, shared=0
    )
    assert kept['list'].endswith('labeled.txt') and len(kept['hash']) == 8


def test_unlabeled_images_that_are_labeled_are_doubted(run):
    """The whole list again, or the wrong list to leave out: semi-supervised training in name alone."""
    part = 'train_dataloader.dataset.unlabeled.'
    run.change = {f'{part}ann_file': str(run.data / 'labeled.txt'), f'{part}exclude': ''}
    assert sum(line.startswith('every unlabeled image is labeled, too') for line in run()) == 1
    run.change = {f'{part}exclude': str(run.data / 'val.txt')}
    (text,) = [line for line in run() if 'although' in line]
    assert text.startswith('6 of the 15 unlabeled images are labeled, too, although dataset.unlabeled.exclude leaves')
    run.change = {f'{part}exclude': ''}  # some protocols keep them
    assert sum('labeled, too' in line for line in run()) == 2  # those of before


def test_a_run_has_one_list(run):
    """A resumed run took another list, and its score was that of neither."""
    run()
    run.iteration = 4
    run()
    (run.data / 'others.txt').write_text('00\n01\n02\n')
    run.change = {'train_dataloader.dataset.labeled.ann_file': str(run.data / 'others.txt')}
    with pytest.raises(DatasetError, match=r'trained on 6 labeled images \(.*labeled.txt, hash .* has 3 labeled imag'):
        run()
    run.change = {'train_dataloader.dataset.unlabeled.exclude': ''}
    lines = run()
    assert 'The run had 11 unlabeled images until iteration 4, now 17.' in lines


@pytest.mark.parametrize('judge', ['val', 'test'])
def test_labeled_images_in_val_or_test_stop_the_run_unless_it_is_allowed(run, judge):
    (run.data / 'bad.txt').write_text('00\n15\n')
    with pytest.raises(DatasetError, match=rf'1 labeled.*{judge}_dataloader.*00.png.*default_hooks.data.allow_overlap'):
        run(**{judge: 'bad.txt'})
    lines = run(**{judge: 'bad.txt'}, allow_overlap=True)
    assert f'{judge}: 2 images, 1 of them labeled and 1 unlabeled in training' in lines
    assert any('The run continues' in line for line in lines)


def test_a_copy_under_another_name_is_found(run):
    for folder in ('img', 'ann'):
        (run.data / folder / '99.png').write_bytes((run.data / folder / '03.png').read_bytes())
    (run.data / 'bad.txt').write_text('99\n')
    with pytest.raises(DatasetError, match=r'1 labeled.*img/03.png'):
        run(val='bad.txt')


def test_validation_turns_images_as_training_does(run):
    with pytest.raises(DatasetError, match=r"'color' in train_dataloader and 'unchanged' in val_dataloader"):
        run(load=dict(type='LoadImageFromFile', color_type='unchanged'))


def test_absent_test_data_are_no_error(run):
    (run.data / 'gone.txt').write_text('77\n')
    assert any(line.startswith('test: not compared with the training') for line in run(test='gone.txt'))


def test_one_process_writes_and_all_check_the_batch(run):
    assert run(rank=1) == [] and not run.written.exists()
    with pytest.raises(DatasetError, match='labeled set has 6 image.*the batch 7'):
        run(rank=1, batch_size=7)


def test_a_config_gets_the_hook_once_and_keeps_its_options():
    cfg = Config(dict(default_hooks=dict(data=dict(allow_overlap=True))))
    add_hooks(cfg, data='DataSummaryHook')
    assert cfg.default_hooks.data == dict(type='DataSummaryHook', allow_overlap=True)
    own = Config(dict(custom_hooks=[dict(type='DataSummaryHook')]))
    add_hooks(own, data='DataSummaryHook')
    assert 'default_hooks' not in own
    none = Config(dict(model=dict()))
    add_hooks(none, data='DataSummaryHook')
    assert none.default_hooks.data.type == 'DataSummaryHook'
