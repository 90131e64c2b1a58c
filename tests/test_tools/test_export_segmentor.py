"""``tools/export_segmentor.py``: the student alone, as plain mmseg."""

import copy
import importlib.util
from pathlib import Path

import pytest
import tiny
import torch
from mmengine.config import Config
from mmseg.registry import DATASETS, METRICS, MODELS

from mmseg_ssl.utils.cli import UserError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('export_segmentor', ROOT / 'tools' / 'export_segmentor.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    (tmp_path / 'plain.py').write_text("model = dict(type='EncoderDecoder')\n")
    with pytest.raises(UserError, match='plain mmseg config already'):
        tool.main([str(tmp_path / 'plain.py'), checkpoint, out])
