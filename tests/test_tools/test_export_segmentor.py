"""``tools/export_segmentor.py``: the student alone, as plain mmseg."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS, METRICS, MODELS
from toy_process import ROOT

from mmseg_ssl.tooling.cli import UserError, load_config
from mmseg_ssl.tooling.plain_export import plain_config, plain_losses


@pytest.fixture
def trained(tmp_path):
    """A config and a checkpoint of ELN, whose student and teacher differ."""
    segmentor = tiny.tiny_segmentor()
    segmentor.decode_head.loss_decode = dict(type='HardPixelCrossEntropy')
    model = tiny.build('ELN', segmentor=segmentor)
    for parameter in model.student.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    dataset = dict(type='CamVidDataset', data_root='data/camvid', pipeline=[dict(type='LoadImageFromFile')])
    cfg = Config(
        dict(
            model=dict(
                type='ELN', segmentor=segmentor, data_preprocessor=tiny.preprocessor(), localizer=tiny.LOCALIZER
            ),
            test_dataloader=dict(batch_size=1, dataset=dict(dataset, data_prefix=dict(img_path='img'))),
            default_scope='mmseg',
        )
    )
    cfg.dump(str(tmp_path / 'eln_tiny.py'))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'iter_1.pth')
    return model.eval(), [str(tmp_path / name) for name in ('eln_tiny.py', 'iter_1.pth', 'out')]


def types(config):
    """Every ``type`` in a config."""
    if isinstance(config, dict):
        yield from [config['type']] if isinstance(config.get('type'), str) else []
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for item in config:
            yield from types(item)


@pytest.mark.parametrize('network', ['student', 'teacher'])
def test_the_export_is_plain_mmseg_and_predicts_the_same(tool, trained, network):
    """No key or type of this package is left; the weights load strictly; predictions are equal bit for bit."""
    model, args = trained
    tool.main([*args, '--network', network])
    out = Path(args[2])
    text = (out / 'eln_tiny.py').read_text()
    assert 'mmseg_ssl' not in text and 'custom_imports' not in text
    cfg = Config.fromfile(str(out / 'eln_tiny.py'))
    for kind in types(cfg.to_dict()):
        for registry in (MODELS, DATASETS, METRICS):
            found = registry.get(kind)
            assert found is None or not found.__module__.startswith('mmseg_ssl'), kind
    assert cfg.model.type == 'EncoderDecoder' and cfg.test_evaluator.type == 'IoUMetric'
    assert cfg.model.data_preprocessor.mean == [120.0, 110.0, 100.0]
    assert len(cfg.test_dataloader.dataset.metainfo.classes) == 11

    assert cfg.test_dataloader.dataset.img_suffix == '.jpg'

    plain = MODELS.build(cfg.model).eval()
    saved = torch.load(out / 'eln_tiny.pth', weights_only=True)
    plain.load_state_dict(saved['state_dict'])
    assert len(saved['meta']['dataset_meta']['classes']) == 11
    images, samples = torch.randn(2, 3, 32, 32), [tiny.sample(i) for i in range(2)]
    model.predict_on = network
    for one, other in zip(plain.predict(images, copy.deepcopy(samples)), model.predict(images, samples)):
        assert torch.equal(one.seg_logits.data, other.seg_logits.data)


def test_one_channel_keeps_a_loss_that_trains_it():
    """The host's softmax cross entropy would index out of range."""
    segmentor = tiny.binary_segmentor()
    segmentor.decode_head.loss_decode = dict(type='HardPixelCrossEntropy')
    plain_losses(segmentor.decode_head)
    MODELS.build(dict(type='Supervised', segmentor=segmentor))
    assert segmentor.decode_head.loss_decode.type == 'CrossEntropyLoss'


def resnet_segmentor() -> dict:
    """A network of mmseg's own, thin."""
    backbone = dict(type='ResNet', depth=18, base_channels=8, norm_cfg=tiny.NORM)
    head = tiny.fcn_head(in_channels=64, in_index=3, num_classes=11, loss_decode=dict(type='HardPixelCrossEntropy'))
    return tiny.tiny_segmentor(backbone=backbone, decode_head=head)


def draw_camvid(folder: Path) -> Path:
    """Two images with masks, in the folders of CamVid."""
    rng = np.random.RandomState(0)
    for name in ('img_dir', 'ann_dir'):
        (folder / name / 'test').mkdir(parents=True)
    for index in range(2):
        mask = rng.randint(0, 11, (4, 6)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
        cv2.imwrite(str(folder / 'ann_dir' / 'test' / f'{index}.png'), mask)
        cv2.imwrite(
            str(folder / 'img_dir' / 'test' / f'{index}.jpg'), rng.randint(0, 255, (32, 48, 3)).astype(np.uint8)
        )
    return folder


@pytest.mark.slow
def test_it_runs_where_this_package_is_not(tool, tmp_path, root):
    """In a process that cannot import ``mmseg_ssl``: mmseg's test loop, and its ``init_model``, with equal logits.

    On mmcv-lite that process puts a stand-in for ``mmcv.ops`` in place, without which no mmseg 1.2.2 imports.
    """
    model = tiny.build('ELN', segmentor=resnet_segmentor(), localizer=dict(type='ConfidenceThreshold'), slack=())
    pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
    cfg = Config.fromfile(str(root / 'configs' / '_base_' / 'datasets' / 'camvid_semi.py'))
    loader = dict(cfg.test_dataloader, num_workers=0, persistent_workers=False)
    loader['dataset'] = dict(loader['dataset'], data_root=str(draw_camvid(tmp_path / 'data')), pipeline=pipeline)
    options = dict(data_preprocessor=tiny.preprocessor(), localizer=dict(type='ConfidenceThreshold'), slack=())
    cfg = Config(dict(model=dict(type='ELN', segmentor=resnet_segmentor(), **options), test_dataloader=loader))
    cfg.dump(str(tmp_path / 'eln_thin.py'))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'iter_1.pth')
    out = tmp_path / 'exported'
    tool.main([str(tmp_path / 'eln_thin.py'), str(tmp_path / 'iter_1.pth'), str(out)])

    script = Path(__file__).with_name('plain_mmseg.py')
    words = [sys.executable, str(script), *(str(out / name) for name in ('eln_thin.py', 'eln_thin.pth', 'logits.pth'))]
    clean = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    done = subprocess.run(words, cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-3000:]
    result = torch.load(out / 'logits.pth', weights_only=True)
    assert 0 <= result['metrics']['mIoU'] < 30  # of noise; that it was scored is the point
    assert len(result['classes']) == 11
    images = [cv2.imread(str(tmp_path / 'data' / 'img_dir' / 'test' / f'{index}.jpg')) for index in range(2)]
    inputs = [torch.from_numpy(image).permute(2, 0, 1).contiguous() for image in images]
    model.eval()
    data = model.data_preprocessor(dict(inputs=inputs, data_samples=[tiny.sample(i) for i in range(2)]), False)
    for logits, image in zip(result['logits'], data['inputs']):
        torch.testing.assert_close(logits, model.student(image[None]).logits[0])


def test_student_and_teacher_differ(tool, trained):
    """Or the test above would not see which one was exported."""
    model, _ = trained
    images = torch.randn(1, 3, 32, 32)
    assert not torch.equal(model.student(images).logits, model.teacher(images).logits)


def test_errors(tool, trained, tmp_path):
    _, (config, checkpoint, out) = trained
    with pytest.raises(UserError, match='no checkpoint'):
        tool.main([config, checkpoint + 'x', out])
    with pytest.raises(UserError, match='the networks of ELN are'):
        tool.main([config, checkpoint, out, '--network', 'conservative'])
    (tmp_path / 'two.py').write_text("model = dict(type='CPS', segmentor=dict())\n")
    with pytest.raises(UserError, match=r"plain mmsegmentation has one: give --network one of \('student', 'peer'\)"):
        tool.main([str(tmp_path / 'two.py'), checkpoint, out, '--network', 'mean'])
    (tmp_path / 'plain.py').write_text("model = dict(type='EncoderDecoder')\n")
    with pytest.raises(UserError, match='plain mmseg config already'):
        tool.main([str(tmp_path / 'plain.py'), checkpoint, out])


@pytest.mark.parametrize(('config', 'ours'), [('eln_r50_voc-eln_1-20', True), ('eln_mbv2_camvid_8', False)])
def test_parts_of_this_package_are_imported_by_the_export(config, ours):
    """A head or a step at test that mmseg does not have; without one, the package is not needed."""
    plain = plain_config(load_config(str(ROOT / f'configs/eln/{config}.py'), None))
    assert ('custom_imports' in plain) == ours
    assert ('ScoreAtThisSize' in str(plain.test_dataloader)) == ours
    assert 'ScoreAtThisSize' not in str(plain.test_pipeline)
