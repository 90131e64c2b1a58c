"""Inference with every network, and checkpoints of plain mmseg."""

import copy

import pytest
import tiny
import torch
from mmengine.runner import load_checkpoint
from mmseg.apis import MMSegInferencer, init_model
from mmseg.registry import MODELS

from mmseg_ssl.utils.weights import WeightsError, load_weights

CLASSES = ('road', 'car', 'sky', 'tree')
UNCERTAIN = dict(variance=dict(type='VarianceHead'), energy=dict(type='EnergyHead'))
MODES = dict(whole=dict(mode='whole'), slide=dict(mode='slide', crop_size=(16, 16), stride=(10, 10)))


def trained(method='Supervised', **options):
    """A model in eval mode whose BatchNorm statistics and networks all differ."""
    model = tiny.build(method, **options)
    for name in model.networks:
        for parameter in model.branch(name).parameters():
            torch.nn.init.normal_(parameter, std=0.4)
    return model.eval()


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('side_heads', [None, UNCERTAIN], ids=['plain', 'side_heads'])
def test_predict_equals_the_bare_segmentors(mode, side_heads):
    """Bit for bit; with padding to cut off, a flip to undo and another size to return to."""
    model = trained(segmentor=tiny.tiny_segmentor(test_cfg=MODES[mode]), side_heads=side_heads)
    images = torch.randn(2, 3, 32, 32)
    meta = dict(ori_shape=(41, 37), img_shape=(28, 30), pad_shape=(32, 32), img_padding_size=(0, 2, 0, 4))
    samples = [tiny.sample(0, flip=True, flip_direction='horizontal', **meta), tiny.sample(1, flip=False, **meta)]
    ours = model.predict(images, samples)
    host = model.student.segmentor.predict(images, copy.deepcopy(samples))
    for one, other in zip(ours, host):
        assert one.seg_logits.data.shape == (tiny.NUM_CLASSES, 41, 37)
        assert torch.equal(one.seg_logits.data, other.seg_logits.data)
        assert torch.equal(one.pred_sem_seg.data, other.pred_sem_seg.data)
    for one, other in zip(model.predict(images), model.student.segmentor.predict(images)):
        assert torch.equal(one.seg_logits.data, other.seg_logits.data)


def test_the_samples_given_are_not_changed():
    """The host writes into them; here the results are samples of their own, and the given ones stay whole."""
    model = trained('MeanTeacher', predict_on=('student', 'teacher'), side_heads=UNCERTAIN)
    samples = [tiny.sample(0, torch.zeros(1, 32, 32))]
    fields = set(samples[0].all_keys())
    result = model.predict(torch.randn(1, 3, 32, 32), samples)[0]
    assert set(samples[0].all_keys()) == fields
    assert samples[0].to('cpu').gt_sem_seg.data.shape == (1, 32, 32)
    assert result.gt_sem_seg is not None
    assert result.metainfo['img_path'] == '0.png'


@pytest.mark.parametrize('mode', MODES)
def test_uncertainty_maps(mode):
    """At the original size, un-flipped like the logits; on whole images, energy is that of the logits."""
    model = trained(segmentor=tiny.tiny_segmentor(test_cfg=MODES[mode]), side_heads=UNCERTAIN)
    images = torch.randn(1, 3, 32, 32)
    plain, flipped = (
        model.predict(images, [tiny.sample(0, flip=flip, flip_direction='vertical')])[0] for flip in (False, True)
    )
    for name in UNCERTAIN:
        values = plain.get(name).data
        assert values.shape == (1, 32, 32)
        assert torch.equal(flipped.get(name).data, values.flip(1))
        assert values.std() > 0
    assert (plain.variance.data > 0).all()
    if mode == 'whole':
        pred = model.student(images)
        torch.testing.assert_close(plain.variance.data, pred.side['variance'][0])
        torch.testing.assert_close(plain.energy.data[0], -torch.logsumexp(plain.seg_logits.data, dim=0))


def test_predict_on():
    """A name chooses the network; the first of several is the prediction, the others come beside it."""
    images, samples = torch.randn(1, 3, 32, 32), [tiny.sample(0)]
    torch.manual_seed(5)
    model = trained('CPCL')
    single = {}
    for name in model.networks:
        model.predict_on = name
        single[name] = model.predict(images, samples)[0]
        assert torch.equal(
            single[name].seg_logits.data, model.branch(name).segmentor.predict(images)[0].seg_logits.data
        )
    model.predict_on = ('progressive', 'conservative')
    both = model.predict(images, samples)[0]
    assert torch.equal(both.seg_logits.data, single['progressive'].seg_logits.data)
    assert torch.equal(both.pred_sem_seg.data, both.pred_sem_seg_progressive.data)
    assert torch.equal(both.pred_sem_seg_conservative.data, single['conservative'].pred_sem_seg.data)
    assert not torch.equal(both.pred_sem_seg_conservative.data, both.pred_sem_seg_progressive.data)


@pytest.mark.parametrize('mode', MODES)
def test_the_mean_of_the_networks_that_train(mode):
    """Of their logits and side maps, where the image is: one asks for it by name."""
    torch.manual_seed(6)
    names = ('mean', 'conservative', 'progressive')
    model = trained('DUEB', segmentor=tiny.tiny_segmentor(test_cfg=MODES[mode]), predict_on=names, side_heads=UNCERTAIN)
    images = torch.randn(2, 3, 32, 32)
    samples = [tiny.sample(k, flip=k == 1, flip_direction='vertical') for k in (0, 1)]
    results, single = model.predict(images, samples), {}
    for name in names:
        model.predict_on = name
        single[name] = model.predict(images, samples)
    for place, result in enumerate(results):
        one, other = (single[name][place] for name in names[1:])
        assert result.predicted_by == names
        torch.testing.assert_close(result.seg_logits.data, (one.seg_logits.data + other.seg_logits.data) / 2)
        assert torch.equal(result.pred_sem_seg.data[0], result.seg_logits.data.argmax(dim=0))
        assert torch.equal(result.seg_logits_mean.data, single['mean'][place].seg_logits.data)
        for field in UNCERTAIN:
            torch.testing.assert_close(result.get(field).data, (one.get(field).data + other.get(field).data) / 2)
            assert not torch.equal(one.get(field).data, other.get(field).data)
    model.predict_on = 'mean'
    logits = [model.branch(name)(images).logits for name in names[1:]]
    torch.testing.assert_close(model(images), (logits[0] + logits[1]) / 2)


def test_the_mean_needs_the_weights_of_all():
    model = trained('CPS', predict_on='student')
    of_one = {key: value for key, value in model.state_dict().items() if key.startswith('student.')}
    load_weights(model, dict(state_dict=of_one), 'one.pth', 'predict')
    model.predict_on = 'mean'
    with pytest.raises(WeightsError, match=r'one.pth lacks .* such as peer\.'):
        load_weights(model, dict(state_dict=of_one), 'one.pth', 'predict')


@pytest.mark.parametrize('wrong', ['student', ('conservative', 'peer'), ()])
def test_a_wrong_predict_on_is_an_error_at_once(wrong):
    with pytest.raises(ValueError, match=r"CPCL can predict_on \('conservative', 'progressive', 'mean'\)"):
        tiny.build('CPCL', predict_on=wrong)
    with pytest.raises(ValueError, match=r"MeanTeacher can predict_on \('student', 'teacher'\), got \['mean'\]"):
        tiny.build('MeanTeacher', predict_on='mean')  # a teacher is a mean already


def test_a_network_predicts_as_in_mmseg():
    """``tensor`` mode, ``encode_decode`` and ``extract_feat`` are those of the chosen network."""
    model = trained('MeanTeacher', predict_on='teacher')
    images = torch.randn(1, 3, 32, 32)
    expected = model.teacher(images)
    assert torch.equal(model(images), expected.logits)
    assert torch.equal(model.extract_feat(images)[1], expected.feats[1])
    assert not model.with_neck


def test_a_plain_checkpoint_file_loads(tmp_path):
    """As mmengine saves and loads it; it is also what an untrained teacher predicts with."""
    bare = MODELS.build(copy.deepcopy(tiny.tiny_segmentor(auxiliary=True)))
    torch.nn.init.normal_(bare.decode_head.conv_seg.weight)
    bare.eval()
    torch.save(dict(state_dict=bare.state_dict(), meta=dict()), tmp_path / 'plain.pth')
    images = torch.randn(1, 3, 32, 32)
    for method, networks in (('MeanTeacher', ('student', 'teacher')), ('DUEB', ('conservative', 'progressive'))):
        model = MODELS.build(
            dict(type=method, segmentor=tiny.tiny_segmentor(auxiliary=True), predict_on=networks)
        ).eval()
        load_checkpoint(model, str(tmp_path / 'plain.pth'), map_location='cpu')
        for name in networks:
            model.predict_on = name
            expected = bare.predict(images)[0].seg_logits.data
            assert torch.equal(model.predict(images)[0].seg_logits.data, expected), name
        if method == 'MeanTeacher':
            assert not model.teacher.started


def test_the_inferencer(tmp_path):
    """``MMSegInferencer`` builds a wrapper from its config and predicts an image file."""
    import cv2
    from mmengine.config import Config

    config = Config(
        dict(
            default_scope='mmseg',
            visualizer=dict(type='SegLocalVisualizer', name='tests'),
            model=dict(type='DUEB', segmentor=tiny.tiny_segmentor(), data_preprocessor=tiny.preprocessor(size=None)),
            test_pipeline=[dict(type='LoadImageFromFile'), dict(type='PackSegInputs')],
            test_dataloader=dict(dataset=dict(pipeline=[dict(type='LoadImageFromFile'), dict(type='PackSegInputs')])),
        )
    )
    image = torch.randint(0, 255, (24, 40, 3), dtype=torch.uint8).numpy()
    cv2.imwrite(str(tmp_path / 'image.png'), image)
    torch.save(dict(state_dict={'encoder.weight': torch.zeros(1)}, meta={}), tmp_path / 'other.pth')
    for kind in (init_model, MMSegInferencer):  # the host warns, and predicts with random weights
        with pytest.raises(WeightsError, match='of another network'):
            kind(copy.deepcopy(config), str(tmp_path / 'other.pth'), device='cpu')
    inferencer = MMSegInferencer(config, classes=CLASSES, palette=[[0, 0, 0]] * 4, dataset_name=None, device='cpu')
    result = inferencer(str(tmp_path / 'image.png'), show=False, return_datasamples=True)
    assert result.pred_sem_seg.data.shape == (1, 24, 40)
