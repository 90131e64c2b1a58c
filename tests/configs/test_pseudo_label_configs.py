"""Configs of offline pseudo-labels: the other methods' conditions, and labels that are read beside the image."""

import pytest
from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_ssl.datasets import DatasetError, check_semi_dataset

SPLITS = ('8', '1-16', '1-8', '1-4')


@pytest.mark.parametrize('split', SPLITS)
def test_a_config_is_what_its_name_says(root, split):
    cfg = Config.fromfile(str(root / f'configs/pseudo_label/pseudo_label_mbv2_camvid_{split}.py'))
    like = Config.fromfile(str(root / f'configs/mean_teacher/mean_teacher_mbv2_camvid_{split}.py'))
    data, other = cfg.train_dataloader.dataset, like.train_dataloader.dataset
    assert data.split == other.split == f'camvid/{split}_draw0.txt'
    assert data.labeled == other.labeled and data.unlabeled_per_labeled == other.unlabeled_per_labeled == 1
    assert cfg.train_dataloader.batch_size == like.train_dataloader.batch_size
    for part in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'test_dataloader', 'test_evaluator'):
        assert cfg[part] == like[part]
    assert cfg.model.segmentor == like.model.segmentor
    assert data.unlabeled.pseudo_labels == f'work_dirs/pseudo_labels/camvid_{split}'
    steps = [step.type for step in data.unlabeled.pipeline]
    assert steps[:2] == ['LoadImageFromFile', 'LoadPseudoLabels'] and steps[-1] == 'PackPseudoLabels'
    assert data.unlabeled.pipeline[2:-1] == other.unlabeled.pipeline[1:-1]  # the same weak geometry
    assert 'LoadAnnotations' not in steps and 'seg_map_path' not in data.unlabeled.data_prefix


def test_the_model_builds(root):
    cfg = Config.fromfile(str(root / 'configs/pseudo_label/pseudo_label_mbv2_camvid_8.py'))
    cfg.model.segmentor.backbone.init_cfg = None
    assert MODELS.build(cfg.model).networks == ('student',)


def test_labels_that_were_not_made_stop_before_training(root, monkeypatch):
    if not (root / 'data/camvid').exists():
        pytest.skip('CamVid is not here')
    monkeypatch.chdir(root)
    cfg = Config.fromfile('configs/pseudo_label/pseudo_label_mbv2_camvid_8.py')
    cfg.train_dataloader.dataset.unlabeled.pseudo_labels = 'nowhere'
    with pytest.raises(DatasetError, match='359 of 359 images have no pseudo-labels in .*nowhere'):
        check_semi_dataset(cfg)
