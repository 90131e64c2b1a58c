"""``SemiDataPreProcessor``, ``StrongAugment`` and ``CutMix``."""

import colorsys
import copy

import numpy as np
import pytest
import tiny
import torch
from mmseg.registry import MODELS

from mmseg_ssl.models import CutMix, StrongAugment, strong_augment
from mmseg_ssl.models.sample_pixels import scribbled_pixels, valid_pixels
from mmseg_ssl.ops import colors
from mmseg_ssl.utils import sample_uniforms

OFF = dict(jitter_prob=0.0, grayscale_prob=0.0, blur_prob=0.0)


def process(data, training=True, **options):
    return MODELS.build(tiny.preprocessor(**options))(copy.deepcopy(data), training)


def test_views_are_normalized_and_padded():
    """(image - mean) / std within the image; 0 in the padding of the image, 255 in that of the mask, int64."""
    data = tiny.batch(labeled=1, ratio=1)
    raw, mask = data['inputs']['sup'][0][:, :20, :24], data['data_samples']['sup'][0].gt_sem_seg.data[:, :20, :24]
    data['inputs']['sup'] = [raw]
    del data['data_samples']['sup'][0].gt_sem_seg
    data['data_samples']['sup'][0].gt_sem_seg = tiny.PixelData(data=mask)
    out = process(data)
    image, sample = out['inputs']['sup'][0], out['data_samples']['sup'][0]
    mean, std = (torch.tensor(values)[:, None, None] for values in ((120.0, 110, 100), (60.0, 50, 40)))
    torch.testing.assert_close(image[:, :20, :24], (raw - mean) / std)
    assert image[:, 20:].abs().sum() == 0
    assert image[:, :, 24:].abs().sum() == 0
    truth = sample.gt_sem_seg.data
    assert truth.dtype == torch.int64
    assert torch.equal(truth[:, :20, :24], mask.long())
    assert (truth[:, 20:] == 255).all()
    assert (truth[:, :, 24:] == 255).all()
    assert sample.metainfo['img_shape'] == (20, 24)
    assert sample.metainfo['pad_shape'] == (32, 32)
    valid = valid_pixels(out['data_samples']['sup'], out['inputs']['sup'])
    assert torch.equal(valid[0], (torch.arange(32) < 20)[:, None] & (torch.arange(32) < 24))


def test_bgr_files():
    """The strong view works on RGB, so channels are exchanged first; the mean is that of RGB, as in the host."""
    data = tiny.batch(labeled=1, ratio=1)
    plain, exchanged = (
        process(data, mean=[0.0] * 3, std=[1.0] * 3),
        process(data, mean=[0.0] * 3, std=[1.0] * 3, bgr_to_rgb=True),
    )
    assert torch.equal(exchanged['inputs']['weak'], plain['inputs']['weak'].flip(1))


def test_all_views_have_one_size():
    """Methods merge views in one network call; the size is that of the largest crop, rounded up."""
    data = tiny.batch(labeled=1, ratio=1)
    data['inputs']['weak'][0] = data['inputs']['weak'][0][:, :17, :9]
    sizes = {tuple(view.shape[2:]) for view in process(data, size=None, size_divisor=20)['inputs'].values()}
    assert sizes == {(40, 40)}
    with pytest.raises(ValueError, match='Give RandomCrop and data_preprocessor the same size'):
        process(data, size=(16, 16))


@pytest.mark.parametrize('bare', [0, 2])
def test_a_labeled_image_without_a_mask_is_named(bare):
    """The first of three gave an AttributeError here, the last one only in the loss."""
    data = tiny.batch(labeled=3)
    for number, sample in enumerate(data['data_samples']['sup']):
        sample.set_metainfo(dict(img_path=f'photos/{number}.png'))
    del data['data_samples']['sup'][bare].gt_sem_seg
    with pytest.raises(ValueError, match=rf'photos/{bare}.png has no mask, as 1 of the 3 labeled .*LoadAnnotations'):
        process(data)


@pytest.mark.parametrize('size', [32, 24])
@pytest.mark.parametrize('method', ['Supervised', 'SoftSelfLabeling'])
def test_an_ordinary_batch_is_the_labeled_view(method, size):
    """As ``PackSemiInputs`` packs it, with masks of 8 bits and which pixels have no scribble; 24 is padded to 32."""
    data = tiny.batch(ratio=0, size=size)
    model = tiny.build(method)
    expected = model.data_preprocessor(copy.deepcopy(data), True)
    found = model.data_preprocessor({key: value['sup'] for key, value in data.items()}, True)
    assert found['inputs'].keys() == {'sup'} and torch.equal(found['inputs']['sup'], expected['inputs']['sup'])
    for one, other in zip(found['data_samples']['sup'], expected['data_samples']['sup']):
        assert one.metainfo == other.metainfo
        assert torch.equal(one.gt_sem_seg.data, other.gt_sem_seg.data) and one.gt_sem_seg.data.dtype == torch.long
    assert all(value.isfinite().all() for value in model(**found, mode='loss').values())


def test_masks_of_some_images_stay_with_them():
    """As at inference: the first image has none, and the mask of the second one was looked for in its sample."""
    batch = tiny.batch(labeled=3, ratio=0)
    samples = batch['data_samples']['sup']
    expected = [sample.gt_sem_seg.data.long() for sample in samples]
    del samples[0].gt_sem_seg, samples[0].unlabeled_mask
    views = MODELS.build(tiny.preprocessor())(batch)
    without, *others = views['data_samples']['sup']
    assert 'gt_sem_seg' not in without
    assert all(torch.equal(one.gt_sem_seg.data, mask) for one, mask in zip(others, expected[1:]))
    seeds, valid = scribbled_pixels(views['data_samples']['sup'], views['inputs']['sup'])
    assert (seeds[0] == 255).all() and valid[0].all()
    assert torch.equal(seeds[1:], torch.cat(expected[1:]))


def test_another_collate_function_is_named():
    """The host's keeps the companions of each labeled image together, as tuples."""
    data = tiny.batch()
    first, second = (data['inputs']['weak'][start::2] for start in (0, 1))
    data['inputs']['weak'] = [*zip(first, second)]
    with pytest.raises(ValueError, match=r"the view 'weak' is no list of images.*dict\(type='semi_collate'\)"):
        MODELS.build(tiny.preprocessor())(data, True)


def test_strong_views_share_the_geometry_of_weak():
    out = process(tiny.batch(), strong=dict(type='StrongAugment', **OFF))
    torch.testing.assert_close(out['inputs']['strong'], out['inputs']['weak'], rtol=0, atol=1e-4)
    out = process(tiny.batch())
    assert out['inputs']['strong'].shape == out['inputs']['weak'].shape
    assert not torch.allclose(out['inputs']['strong'], out['inputs']['weak'], atol=0.1)
    assert 'strong' not in process(tiny.batch(), training=False)['inputs']
    assert 'strong' not in process(tiny.batch(), strong=None)['inputs']
    assert 'strong' not in out['data_samples']


def test_a_strong_view_is_a_function_of_the_seed_alone():
    """Not of the global RNG, nor of the rest of the batch or the place in it; another seed is another view."""
    data = tiny.batch(labeled=1, ratio=4)
    torch.manual_seed(1)
    whole = process(data)['inputs']['strong']
    data['inputs']['weak'], data['data_samples']['weak'] = (data[k]['weak'][2:3] for k in ('inputs', 'data_samples'))
    torch.manual_seed(2)
    alone = process(data)['inputs']['strong']
    torch.testing.assert_close(alone[0], whole[2], rtol=0, atol=1e-5)
    data['data_samples']['weak'][0].set_metainfo(dict(seed=77))
    assert not torch.allclose(process(data)['inputs']['strong'][0], whole[2], atol=0.05)


def test_parameters_are_drawn_per_sample():
    """Four copies of one crop with four seeds give four different strong views."""
    data = tiny.batch(labeled=1, ratio=4)
    data['inputs']['weak'] = data['inputs']['weak'][:1] * 4
    strong = process(data, strong=dict(type='StrongAugment', jitter_prob=1.0))['inputs']['strong']
    for i in range(4):
        for j in range(i):
            assert not torch.allclose(strong[i], strong[j], atol=0.02)


def test_two_strong_views_differ():
    out = process(tiny.batch(), strong=dict(one=dict(type='StrongAugment'), two=dict(type='StrongAugment')))
    assert not torch.allclose(out['inputs']['one'], out['inputs']['two'], atol=0.1)


def test_channels_last_changes_the_layout_alone():
    plain, last = (process(tiny.batch(), channels_last=flag)['inputs'] for flag in (False, True))
    for view in plain:
        assert torch.equal(plain[view], last[view])
        assert last[view].is_contiguous(memory_format=torch.channels_last)
        assert plain[view].is_contiguous()


def test_validation_batches_are_the_hosts():
    data = dict(inputs=[tiny.batch()['inputs']['sup'][0]], data_samples=[tiny.sample(0)])
    ours = process(data, training=False)
    host = MODELS.build(dict(type='SegDataPreProcessor', mean=[120.0, 110, 100], std=[60.0, 50, 40], size=(32, 32)))
    assert torch.equal(ours['inputs'], host(copy.deepcopy(data), False)['inputs'])


def test_a_sample_without_a_seed():
    data = tiny.batch()
    data['data_samples']['weak'][1] = tiny.SegDataSample(metainfo=dict(img_path='b.png'))
    with pytest.raises(KeyError, match='b.png carries no "seed"'):
        process(data)


def test_uniforms_belong_to_seed_and_purpose():
    samples = [tiny.sample(0), tiny.sample(1)]
    first = sample_uniforms(samples, 5, 1, torch.device('cpu'))
    assert torch.equal(first, sample_uniforms(samples[::-1], 5, 1, torch.device('cpu')).flip(0))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, sample_uniforms(samples, 5, 2, torch.device('cpu')))
    assert first.min() >= 0
    assert first.max() < 1


@pytest.mark.parametrize('name', ['jitter', 'gray', 'blur'])
def test_strong_augment_limits(name):
    """Probability 0 is an identity whatever the uniforms; 1 changes every image; values stay in 0..255."""
    images, uniforms = torch.rand(6, 3, 16, 16) * 255, torch.rand(6, 8)
    key = dict(jitter='jitter_prob', gray='grayscale_prob', blur='blur_prob')[name]
    off, on = StrongAugment(**OFF), StrongAugment(**dict(OFF, **{key: 1.0}))
    torch.testing.assert_close(off(images, uniforms), images, rtol=0, atol=1e-3)
    changed = on(images, uniforms)
    assert ((changed - images).abs().amax(dim=(1, 2, 3)) > 0.01).all()
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_jitter_of_no_strength_is_an_identity():
    images = torch.rand(4, 3, 8, 8) * 255
    augment = StrongAugment(0, 0, 0, 0, jitter_prob=1.0, grayscale_prob=0.0, blur_prob=0.0)
    torch.testing.assert_close(augment(images, torch.rand(4, 8)), images, rtol=0, atol=1e-3)


def test_each_strength_has_its_own_uniform():
    """The middle uniform is no change; brightness 1 - b scales (or shifts) by b; gray images have no hue to turn."""
    images = torch.rand(1, 3, 8, 8) * 255
    middle = torch.full((1, 8), 0.5)
    full = StrongAugment(0.5, 0.5, 0.5, 0.25, jitter_prob=1.0, grayscale_prob=0.0, blur_prob=0.0)
    torch.testing.assert_close(full(images, middle), images, rtol=0, atol=0.5)
    for index in range(4, 8):
        moved = middle.clone()
        moved[0, index] = 0.0
        assert not torch.allclose(full(images, moved), images, atol=5)
    darker = middle.clone()
    darker[0, 4] = 0.0
    torch.testing.assert_close(full(images, darker), images * 0.5, rtol=0, atol=0.5)
    gray = images[:, :1].expand_as(images)
    turned = middle.clone()
    turned[0, 7] = 0.0
    torch.testing.assert_close(full(gray, turned), gray, rtol=0, atol=0.5)


def test_the_blur_is_drawn_per_sample():
    """The fourth uniform chooses the deviation: 0 the smallest, which leaves a point as it is, 1 the largest."""
    point = torch.zeros(3, 3, 9, 9)
    point[:, :, 4, 4] = 255
    uniforms = torch.zeros(3, 8)
    uniforms[:, 3] = torch.tensor([0.0, 0.5, 1.0])
    left = StrongAugment(**dict(OFF, blur_prob=1.0))(point, uniforms)[:, 0, 4, 4]
    assert left[0] > 254
    assert left[0] > 2 * left[1] > 4 * left[2] > 0


def test_grayscale_is_the_luminance():
    images = torch.tensor([255.0, 0, 0]).reshape(1, 3, 1, 1).expand(1, 3, 4, 4)
    gray = StrongAugment(**dict(OFF, grayscale_prob=1.0))(images, torch.rand(1, 8))
    torch.testing.assert_close(gray, torch.full((1, 3, 4, 4), 0.299 * 255), rtol=1e-3, atol=0)


def plain_view(image, uniforms):
    """Transcribe the defaults of ``StrongAugment`` for one image (H, W, 3) in [0, 1] as pixels in plain Python."""
    jitter, gray, blurred, scale, *strengths = uniforms
    brightness, contrast, saturation, hue = ((2 * u - 1) * b for u, b in zip(strengths, (0.5, 0.5, 0.5, 0.25)))
    if jitter < 0.8:
        image = (image * (1 + brightness)).clip(0, 1)
        image = (image * (1 + contrast) - contrast * plain_gray(image).mean()).clip(0, 1)
        image = (image * (1 + saturation) - saturation * plain_gray(image)).clip(0, 1)
        for place in np.ndindex(*image.shape[:2]):
            h, s, v = colorsys.rgb_to_hsv(*image[place])
            image[place] = colorsys.hsv_to_rgb((h + hue) % 1, s, v)
    if gray < 0.2:
        image = plain_gray(image).repeat(3, axis=-1)
    if blurred < 0.5:
        window = np.exp(-(np.arange(-4, 5) ** 2) / (2 * (0.1 + 1.9 * scale) ** 2))
        for axis in (0, 1):
            padded = np.pad(image, [(4, 4) if dim == axis else (0, 0) for dim in range(3)], mode='reflect')
            shifted = [padded.take(range(step, step + image.shape[axis]), axis) for step in range(9)]
            image = sum(weight * part for weight, part in zip(window / window.sum(), shifted))
    return image


def plain_gray(image):
    return image @ np.array([[0.299], [0.587], [0.114]])


@pytest.mark.parametrize('apply', [strong_augment.change_chosen, strong_augment.change_all])
def test_the_whole_view_is_the_formula(apply, monkeypatch):
    """Every parameter from its uniform, every change where it is drawn; in strips of one row as in whole images."""
    monkeypatch.setattr(strong_augment, '_apply', apply)
    monkeypatch.setattr(colors, 'STRIP_PIXELS', 1 if apply is strong_augment.change_chosen else 10**6)
    images, uniforms = torch.rand(12, 3, 7, 9), torch.rand(12, 8)
    expected = [plain_view(one.movedim(0, -1).double().numpy(), row) for one, row in zip(images, uniforms.tolist())]
    found = StrongAugment()(images * 255, uniforms) / 255
    torch.testing.assert_close(found.movedim(1, -1).double(), torch.from_numpy(np.stack(expected)), rtol=0, atol=2e-5)


def test_only_drawn_images_are_computed(monkeypatch):
    """On a CPU no pixel of an image is touched in vain: 8 of 10 are jittered, 2 turn gray, 5 are blurred."""
    seen = dict.fromkeys(('_jitter', '_gray', '_blur'), 0)

    def count(change, chosen, images, uniforms):
        seen[change.__name__] += int(chosen.sum())
        return strong_augment.change_chosen(lambda one, drawn: one, chosen, images, uniforms)

    monkeypatch.setattr(strong_augment, '_apply', count)
    StrongAugment()(torch.rand(10, 3, 5, 5), torch.arange(0.05, 1, 0.1)[:, None].expand(-1, 8))
    assert seen == dict(_jitter=8, _gray=2, _blur=5)


def test_a_device_is_not_waited_for():
    """Tensors without values stand for those of a device: a host that looked into them would raise here."""
    images, uniforms = torch.empty(2, 3, 16, 16, device='meta'), torch.empty(2, 8, device='meta')
    assert StrongAugment()(images, uniforms).shape == images.shape


@pytest.mark.parametrize('level', [0.0, 128.0, 255.0])
def test_flat_images_stay_finite(level):
    images = torch.full((3, 3, 8, 8), level)
    assert StrongAugment(jitter_prob=1.0)(images, torch.rand(3, 8)).isfinite().all()


@pytest.mark.parametrize(
    ('option', 'value', 'said'),
    [
        ('hue', 0.6, r'StrongAugment: .*hue in \[0, 0.5\]'),
        ('brightness', 1.5, r'StrongAugment: brightness.*in \[0, 1\]'),
        ('contrast', -0.1, 'StrongAugment: .*contrast'),
        ('blur_prob', 2, r'blur_prob is a probability in \[0, 1\], got 2'),
    ],
)
def test_strong_augment_refuses(option, value, said):
    with pytest.raises(ValueError, match=said):
        StrongAugment(**{option: value})


def test_cutmix_belongs_to_the_samples():
    """Boxes are a function of each sample's seed; the batch around it and the global RNG do not matter."""
    images, samples = torch.zeros(3, 3, 32, 32), [tiny.sample(i) for i in range(3)]
    mask = CutMix().sample(samples, images).mask
    torch.manual_seed(9)
    assert torch.equal(CutMix().sample(samples[1:2], images[1:2]).mask[0], mask[1])
    assert not torch.equal(mask[0], mask[1])
    assert mask.dtype == torch.bool


def test_cutmix_options():
    """One box of the given area; a probability of 0 mixes nothing, of 1/2 about half of the images."""
    samples = [tiny.sample(i) for i in range(60)]
    images = torch.zeros(60, 3, 24, 24)
    shares = CutMix(num_boxes=1).sample(samples, images).mask.float().mean(dim=(1, 2))
    assert shares.min() > 0.2
    assert shares.max() < 0.55
    never = CutMix(prob=0.0).sample(samples, images)
    assert never.mask.sum() == 0 and never(images) is images  # nothing is copied
    assert not CutMix(prob=1e-9).sample(samples, images).empty
    half = CutMix(num_boxes=1, prob=0.5).sample(samples, images).mask.flatten(1).any(dim=1).sum()
    assert 15 < half < 45
    with pytest.raises(ValueError, match='num_boxes'):
        CutMix(num_boxes=0)
    with pytest.raises(ValueError, match='prob'):
        CutMix(prob=1.2)
