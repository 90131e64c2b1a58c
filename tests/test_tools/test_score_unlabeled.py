"""``tools/test.py --unlabeled``: the images that a training reads without masks, scored with them."""

import shutil
from pathlib import Path

import pytest
import toy_parts  # noqa: F401
from mmengine.config import Config
from mmseg.registry import DATASETS
from toy_run import draw_images, toy_config

from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.unlabeled_images import LIST, score_unlabeled_images


@pytest.fixture
def cfg(tmp_path):
    """A training with 6 labeled of 17 images, 2 of which are those of the test set; all of them have masks."""
    data = draw_images(tmp_path / 'data')
    for index in range(6, 15):
        shutil.copy(data / 'ann' / '00.png', data / 'ann' / f'{index:02d}.png')
    config = toy_config(data)
    train = config['train_dataloader']['dataset']
    train['split'] = train['labeled'].pop('ann_file')
    train['unlabeled']['exclude'] = ''  # a protocol that teaches the labeled images as well
    return Config(dict(config, test_dataloader=config['val_dataloader']))


def numbers(cfg):
    """Numbers of the images of the test set."""
    dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, test_mode=True))
    return [int(Path(dataset.get_data_info(index)['img_path']).stem) for index in range(len(dataset))], dataset


def test_the_test_set_is_what_training_has_no_masks_of(cfg, tmp_path):
    """None of the labeled images, even where the training sees them without labels, too; its pipeline stays."""
    pipeline = cfg.test_dataloader.dataset.pipeline
    score_unlabeled_images(cfg, tmp_path / 'work')
    found, dataset = numbers(cfg)
    assert found == list(range(6, 17)) and cfg.test_dataloader.dataset.pipeline == pipeline
    assert dataset[0]['data_samples'].gt_sem_seg.data.shape == (1, 24, 24)
    assert (tmp_path / 'work' / LIST).read_text().split() == [f'{index:02d}' for index in range(6, 17)]


def test_another_draw_has_other_unlabeled_images(cfg, tmp_path):
    draw = tmp_path / 'draw1.txt'
    draw.write_text('06\n07\n')
    cfg.train_dataloader.dataset.split = str(draw)
    score_unlabeled_images(cfg, tmp_path / 'work')
    assert numbers(cfg)[0] == [0, 1, 2, 3, 4, 5, *range(8, 17)]


def test_errors(cfg, tmp_path):
    masks = Path(cfg.train_dataloader.dataset.labeled.data_prefix.seg_map_path)
    (masks / '09.png').unlink()
    with pytest.raises(UserError, match='1 of 11 unlabeled images have no mask, such as .*09.png'):
        score_unlabeled_images(cfg, tmp_path / 'work')
    cfg.train_dataloader.dataset.unlabeled = None
    with pytest.raises(UserError, match='needs a config with unlabeled images'):
        score_unlabeled_images(cfg, tmp_path / 'work')
