"""Test-time augmentation: of every network the mean of the views, un-flipped and at the image's size."""

import copy

import cv2
import numpy as np
import pytest
import tiny
import torch
import torch.nn.functional as F
from mmcv.transforms import Compose
from mmengine.dataset import pseudo_collate
from mmseg.registry import MODELS

from mmseg_ssl.models import SemiTTAModel
from mmseg_ssl.tooling.tta_pipeline import tta_pipeline_of

TEST_PIPELINE = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
RATIOS = (0.5, 1.0)


@pytest.fixture
def batch(tmp_path):
    """Two images of different sizes with masks, each in four views, as the dataloader gives them."""
    items = []
    rng = np.random.RandomState(0)
    for index, shape in enumerate(((32, 48), (40, 32))):
        paths = [str(tmp_path / f'{index}_{kind}.png') for kind in ('image', 'mask')]
        cv2.imwrite(paths[0], cv2.resize(rng.randint(0, 255, (8, 8, 3), np.uint8), shape[::-1]))
        cv2.imwrite(paths[1], rng.randint(0, 4, shape).astype(np.uint8))
        info = dict(img_path=paths[0], seg_map_path=paths[1], reduce_zero_label=False, label_map=None, seg_fields=[])
        items.append(Compose(tta_pipeline_of(TEST_PIPELINE, RATIOS))(info))
    return items


def network(method='MeanTeacher', **options):
    """A method whose networks differ and whose prediction is not the same everywhere."""
    model = tiny.build(method, data_preprocessor=tiny.preprocessor(size=None, test_cfg=dict(size_divisor=8)), **options)
    for name in model.networks:
        torch.nn.init.normal_(model.branch(name).segmentor.decode_head.conv_seg.weight, std=0.5)
    return model.eval()


def views_of(item, branch):
    """Logits of one image's views at its own size, by a slow transcription: normalize, pad, predict, undo."""
    mean, std = torch.tensor([120.0, 110.0, 100.0]), torch.tensor([60.0, 50.0, 40.0])
    for image, sample in zip(item['inputs'], item['data_samples']):
        height, width = image.shape[1:]
        pixels = (image.float() - mean[:, None, None]) / std[:, None, None]
        pixels = F.pad(pixels, (0, -width % 8, 0, -height % 8))
        logits = branch(pixels[None]).logits[..., :height, :width]
        logits = logits.flip(-1) if sample.metainfo['flip'] else logits
        yield F.interpolate(logits, sample.metainfo['ori_shape'], mode='bilinear', align_corners=False)[0]


@pytest.mark.parametrize('predict_on', [('student', 'teacher'), ('teacher', 'student'), 'teacher'])
@torch.no_grad()
def test_each_network_is_the_mean_of_its_views(batch, predict_on):
    model = network(predict_on=predict_on)
    for item in batch:
        merged = SemiTTAModel(model).test_step(pseudo_collate([copy.deepcopy(item)]))[0]
        for name in model.predictors:
            mean = torch.stack([view.softmax(0) for view in views_of(item, model.branch(name))]).mean(0)
            end = f'_{name}' if len(model.predictors) > 1 else ''
            torch.testing.assert_close(merged.get(f'seg_logits{end}').data.softmax(0), mean)
            assert torch.equal(merged.get(f'pred_sem_seg{end}').data[0], mean.argmax(0))
        first = model.predictors[0]
        assert torch.equal(merged.pred_sem_seg.data, merged.get(f'pred_sem_seg_{first}', merged.pred_sem_seg).data)
        mask = cv2.imread(item['data_samples'][0].seg_map_path, cv2.IMREAD_UNCHANGED)
        assert torch.equal(merged.gt_sem_seg.data[0], torch.from_numpy(mask).long())
        assert not merged.metainfo['flip']
    assert len(merged.metainfo.get('predicted_by', ())) == (2 if len(model.predictors) > 1 else 0)


@torch.no_grad()
def test_a_head_with_one_channel(batch):
    """The mean probability of class 1 against the head's threshold; the host's class would take the sigmoid twice."""
    segmentor = tiny.tiny_segmentor()
    segmentor.decode_head.update(num_classes=2, out_channels=1)
    segmentor.decode_head.loss_decode = dict(type='CrossEntropyLoss', use_sigmoid=True)
    model = network(segmentor=segmentor, predict_on=('student', 'teacher'))
    for name in model.predictors:
        mean = torch.stack([one.seg_logits.data for one in single_views(model, batch[0], name)]).mean(0)
        threshold = model.branch(name).segmentor.decode_head.threshold = float(mean.median())
        merged = SemiTTAModel(model).test_step(pseudo_collate([copy.deepcopy(batch[0])]))[0]
        torch.testing.assert_close(merged.get(f'seg_logits_{name}').data, mean)
        assert torch.equal(merged.get(f'pred_sem_seg_{name}').data, (mean > threshold).long())
        assert 0.4 < merged.get(f'pred_sem_seg_{name}').data.float().mean() < 0.6


def single_views(model, item, name):
    """Predictions of the views one by one, by the host's inference, whose one-channel logits are probabilities."""
    both, model.predict_on = model.predict_on, name
    data = pseudo_collate([copy.deepcopy(item)])
    for inputs, samples in zip(data['inputs'], data['data_samples']):
        yield model.test_step(dict(inputs=inputs, data_samples=samples))[0]
    model.predict_on = both


@torch.no_grad()
def test_a_plain_model_as_the_host_merges_it(batch):
    from mmseg.models import SegTTAModel

    plain = tiny.tiny_segmentor(data_preprocessor=dict(type='SegDataPreProcessor', mean=[120.0] * 3, std=[60.0] * 3))
    plain = MODELS.build(plain).eval()
    torch.nn.init.normal_(plain.decode_head.conv_seg.weight, std=0.5)
    kinds, data = (SemiTTAModel, SegTTAModel), pseudo_collate([copy.deepcopy(batch[0])])
    ours, host = (kind(plain).test_step(copy.deepcopy(data))[0] for kind in kinds)
    assert torch.equal(ours.pred_sem_seg.data.squeeze(), host.pred_sem_seg.data.squeeze())


@torch.no_grad()
def test_side_maps_are_means(batch):
    model = network('DUEB', predict_on='progressive')
    merged = SemiTTAModel(model).test_step(pseudo_collate([copy.deepcopy(batch[0])]))[0]
    views = [one.variance.data for one in single_views(model, batch[0], 'progressive')]
    torch.testing.assert_close(merged.variance.data, torch.stack(views).mean(0))
    assert merged.variance.data.shape[1:] == merged.pred_sem_seg.data.shape[1:]


def test_views_of_a_test_pipeline():
    resize = dict(type='Resize', scale=(480, 360), keep_ratio=True)
    load, mask, pack = TEST_PIPELINE
    first, views = tta_pipeline_of([load, resize, mask, pack], (0.5, 1.0))
    sizes, flips, *rest = views['transforms']
    assert first == load and rest == [[mask], [pack]]
    assert [step['scale'] for step in sizes] == [(240, 180), (480, 360)] and all(step['keep_ratio'] for step in sizes)
    assert [step['prob'] for step in flips] == [0.0, 1.0]
    # a mask that was loaded before resizing would be resized, too
    for pipeline in ([load, mask, pack], [load, mask, dict(resize, scale=None, scale_factor=2.0), pack]):
        _, views = tta_pipeline_of(pipeline, (0.5,))
        assert views['transforms'][2:] == [[mask], [pack]]
        assert views['transforms'][0][0]['scale_factor'] == (0.5 if len(pipeline) == 3 else 1.0)
