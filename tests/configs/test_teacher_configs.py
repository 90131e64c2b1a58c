"""Configs with a trained network as the teacher: it is the network that its own config trained, and a step works."""

import copy
from pathlib import Path

import one_step
import pytest
import tiny
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

FOLDER = Path(__file__).resolve().parents[2] / 'configs'
CONFIGS = {
    path.stem: cfg
    for path in sorted(FOLDER.glob('fixmatch/*teacher*.py'))
    for cfg in [Config.fromfile(str(path), import_custom_modules=False)]
}


def test_there_is_one():
    assert CONFIGS


@pytest.mark.parametrize('name', CONFIGS)
def test_the_teacher_is_what_its_checkpoint_holds(name):
    teacher = CONFIGS[name].model.teacher
    run, note = teacher.checkpoint.split('/')[1:]
    (path,) = FOLDER.glob(f'*/{run}.py')
    trained = Config.fromfile(str(path), import_custom_modules=False).model
    expected = copy.deepcopy(trained.segmentor)
    expected.backbone.pop('init_cfg')
    assert teacher.segmentor.to_dict() == expected.to_dict()
    assert teacher.network in trained.predict_on and note == 'last_checkpoint'
    assert teacher.size_divisor == teacher.segmentor.backbone.patch_size
    student = CONFIGS[name].model.data_preprocessor
    assert all(student[key] == trained.data_preprocessor[key] for key in ('mean', 'std', 'bgr_to_rgb'))


@pytest.mark.parametrize('name', CONFIGS)
def test_a_step_with_tiny_networks(name, tmp_path):
    """The config's own pipelines, options, optimizer and trust; both networks in small."""
    cfg = copy.deepcopy(CONFIGS[name])
    factor = one_step.shrink(cfg)
    for model in (cfg.model, cfg.model.teacher):
        model.segmentor = tiny.tiny_segmentor(decode_head=tiny.fcn_head(num_classes=cfg.num_classes))
    one_step.write_teacher(cfg, tmp_path)
    model = MODELS.build(cfg.model)
    model.init_weights()
    before = model.student.segmentor.decode_head.conv_seg.weight.clone()
    size = tuple(round(side * factor) for side in (375, 500))
    ((_, logs),) = one_step.train(cfg, model, one_step.draw_batch(cfg, size, tmp_path))
    assert 0.75 < logs['unsup.kept'] < 0.95 and logs['unsup.loss_pseudo'] > 0  # ties join the share
    assert not torch.equal(model.student.segmentor.decode_head.conv_seg.weight, before)
