"""Images of one, four and differing channels, of differing sizes, and batches that BatchNorm cannot take."""

import copy

import pytest
import tiny
import torch
from mmseg.registry import MODELS
from torch import nn

from mmseg_ssl.errors import NetworkError
from mmseg_ssl.models import StrongAugment, strong_augment
from mmseg_ssl.models.batch_checks import BatchError

GRAY = dict(mean=[120.0], std=[60.0])
FOUR = dict(mean=[120.0, 110, 100, 90], std=[60.0, 50, 40, 30])


def channels(data, number):
    """The batch with the first channels of its images, or more of them."""
    data = copy.deepcopy(data)
    for images in data['inputs'].values():
        images[:] = [torch.cat([image, image])[:number] for image in images]
    return data


def network(method, number, **options):
    model = tiny.build(method, data_preprocessor=tiny.preprocessor(**(GRAY if number == 1 else FOUR)), **options)
    for name in model.networks:
        first = model.branch(name).segmentor.backbone.first
        first[0] = nn.Conv2d(number, 8, 3, 2, 1, bias=False)
    if hasattr(model, 'teacher'):
        model.teacher.start(model.student)
    return model


@pytest.mark.parametrize('number', [1, 4])
@pytest.mark.parametrize('method', ['MeanTeacher', 'UniMatchV2', 'SoftSelfLabeling', 'TreeEnergy'])
def test_methods_train_and_predict(method, number):
    model = network(method, number)
    losses = tiny.loss_of(model, channels(tiny.batch(), number))
    assert all(torch.isfinite(value).all() for value in losses.values())
    model.parse_losses(losses)[0].backward()
    assert model.student.segmentor.backbone.first[0].weight.grad.abs().sum() > 0
    image, _ = tiny.drawn(32, torch.Generator().manual_seed(0))
    image = torch.cat([image, image])[:number]
    result = model.eval().test_step(dict(inputs=[image], data_samples=[tiny.sample(0)]))[0]
    assert result.pred_sem_seg.data.shape == (1, 32, 32)


@pytest.mark.parametrize('number', [1, 2, 4])
def test_strong_views_keep_what_needs_no_color(number, monkeypatch):
    """Brightness, contrast (about each image's own mean) and blur; one line says what is left out."""
    said = []
    monkeypatch.setattr(strong_augment, 'print_log', lambda text, *_: said.append(text))
    monkeypatch.setattr(StrongAugment, '_told', False)
    images = 255 * torch.rand(3, number, 16, 16)
    uniforms = torch.rand(3, 8)
    uniforms[:, :3] = 0  # all of them
    augment = StrongAugment(jitter_prob=1.0, grayscale_prob=1.0, blur_prob=0.0)
    bright, contrast = (1 + (2 * uniforms[:, index] - 1) * 0.5 for index in (4, 5))
    expected = []
    for image, up, spread in zip(images / 255, bright, contrast):
        image = (image * up).clamp(0, 1)
        expected.append(255 * (image.mean() + (image - image.mean()) * spread).clamp(0, 1))
    assert torch.allclose(augment(images, uniforms), torch.stack(expected), atol=1e-3)
    blurred = StrongAugment(jitter_prob=0, grayscale_prob=1.0, blur_prob=1.0)(images, uniforms)
    assert blurred.std() < images.std()
    assert len(said) == 1 and f'{number} channel(s), so saturation, hue and grayscale are left out' in said[0]


def test_gray_is_what_it_is_as_rgb():
    """A gray image in one channel gets the brightness and contrast that it gets in three equal ones."""
    images, uniforms = 255 * torch.rand(2, 1, 16, 16), torch.rand(2, 8)
    augment = StrongAugment(grayscale_prob=0.0, saturation=0.0, hue=0.0)
    three = augment(images.expand(-1, 3, -1, -1), uniforms)
    assert torch.allclose(augment(images, uniforms), three[:, :1], atol=1e-2)


def test_four_channels_are_not_exchanged():
    """``bgr_to_rgb`` is of three channels; the host exchanges no others at validation, so training does not."""
    data = channels(tiny.batch(), 4)
    plain, asked = (
        MODELS.build(tiny.preprocessor(**FOUR, bgr_to_rgb=exchange))(copy.deepcopy(data), True)
        for exchange in (False, True)
    )
    assert torch.equal(plain['inputs']['sup'], asked['inputs']['sup'])


@pytest.mark.parametrize('number, colors', [(1, [0, 0, 0]), (4, [0, 1, 2])])
def test_colors_of_scribbles(number, colors):
    """Affinities see RGB: gray thrice, or the first three."""
    data = channels(tiny.batch(), number)
    preprocess = MODELS.build(tiny.preprocessor(**(GRAY if number == 1 else FOUR)))
    raw = torch.stack(data['inputs']['sup']).float()
    out = preprocess(copy.deepcopy(data), True)
    scribbles = preprocess.scribbles(out['inputs']['sup'], out['data_samples']['sup'])
    assert torch.equal(scribbles.images, raw[:, colors])


@pytest.mark.parametrize('training', [True, False])
def test_a_mean_of_other_channels_is_refused(training):
    """Else torch repeats a gray image to fit three means."""
    data = channels(tiny.batch(), 1)
    if not training:
        data = dict(inputs=data['inputs']['sup'], data_samples=data['data_samples']['sup'])
    with pytest.raises(BatchError, match='0.png has 1 channels, data_preprocessor.mean and std have 3'):
        MODELS.build(tiny.preprocessor())(data, training)


@pytest.mark.parametrize('wrong', [dict(std=[1.0]), dict(mean=None), dict(std=None)])
def test_mean_and_std_go_together(wrong):
    with pytest.raises(NetworkError, match='mean and std have as many values'):
        MODELS.build(tiny.preprocessor(**wrong))


def test_images_of_differing_channels_are_named():
    data = tiny.batch()
    data['inputs']['weak'][1] = data['inputs']['weak'][1][:1]
    with pytest.raises(BatchError, match="2.png has 3 channels, 3.png has 1.*color_type='color'"):
        MODELS.build(tiny.preprocessor())(data, True)


def test_a_network_for_other_channels():
    model = tiny.build('Supervised', data_preprocessor=tiny.preprocessor(**FOUR))
    with pytest.raises(BatchError, match=r'takes images of 3 channels, the batch has 4\. Set backbone.in_channels=4'):
        tiny.loss_of(model, channels(tiny.batch(), 4))


def test_a_localizer_of_gray_images():
    """It sees the image beside the prediction, so it is told of its channels, or says so."""
    data = channels(tiny.batch(), 1)
    with pytest.raises(BatchError, match='localizer takes images of 3 channels.*image_channels=1'):
        tiny.loss_of(network('ELN', 1), data)
    localizer = dict(copy.deepcopy(tiny.LOCALIZER), image_channels=1)
    losses = tiny.loss_of(network('ELN', 1, localizer=localizer), data)
    assert all(torch.isfinite(value).all() for value in losses.values())


def of_two_sizes():
    generator = torch.Generator().manual_seed(0)
    images = [tiny.drawn(size, generator)[0] for size in (32, 24)]
    samples = [tiny.sample(index, ori_shape=image.shape[1:]) for index, image in enumerate(images)]
    return dict(inputs=images, data_samples=samples)


@pytest.mark.parametrize('test_cfg', [None, dict(size_divisor=8), dict(size=(32, 24))])
def test_sizes_that_differ_are_refused(test_cfg):
    with pytest.raises(BatchError, match=r'0.png of 32x32 and 1.png of 24x24. Set batch_size=1.*size=\(32, 32\)'):
        MODELS.build(tiny.preprocessor(size=None, test_cfg=test_cfg))(of_two_sizes(), False)


@torch.no_grad()
def test_sizes_that_differ_are_padded_to_one():
    """Both images of a batch are predicted as each alone, at its own size."""
    model = tiny.build(data_preprocessor=tiny.preprocessor(size=None, test_cfg=dict(size=(40, 40)))).eval()
    torch.nn.init.normal_(model.student.segmentor.decode_head.conv_seg.weight)
    data = of_two_sizes()
    together = model.test_step(copy.deepcopy(data))
    for index, result in enumerate(together):
        alone = model.test_step({key: copy.deepcopy(value[index : index + 1]) for key, value in data.items()})[0]
        assert result.seg_logits.data.shape[1:] == data['inputs'][index].shape[1:]
        torch.testing.assert_close(result.seg_logits.data, alone.seg_logits.data)


def test_one_image_and_a_pooled_layer():
    """torch: Expected more than 1 value per channel when training."""
    segmentor = tiny.tiny_segmentor()
    segmentor.decode_head = dict(tiny.fcn_head(type='ASPPHead', dilations=(1, 2)), num_convs=None, kernel_size=None)
    for key in ('num_convs', 'kernel_size'):
        segmentor.decode_head.pop(key)
    model = tiny.build(segmentor=segmentor)
    with pytest.raises(BatchError, match=r'batches of 1 image.*train_dataloader.batch_size=2'):
        tiny.loss_of(model, tiny.batch(labeled=1, ratio=0))
    tiny.loss_of(model, tiny.batch(labeled=2, ratio=0))


def test_other_errors_stay_what_they_are():
    """A decode head of the wrong width is not about images."""
    segmentor = tiny.tiny_segmentor()
    segmentor.decode_head.in_channels = 9
    with pytest.raises(RuntimeError, match='to have 9 channels, but got 8'):
        tiny.loss_of(tiny.build(segmentor=segmentor), tiny.batch())
