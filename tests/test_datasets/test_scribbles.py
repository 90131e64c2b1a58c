"""Scribbles reach the loss as seeds and valid pixels, whatever happens to them on the way."""

import cv2
import numpy as np
import pytest
import torch
from mmcv.transforms import Resize
from mmengine.config import ConfigDict
from mmengine.runner import Runner
from mmseg.registry import DATASETS, MODELS, TRANSFORMS

from mmseg_ssl.datasets import Draw, LoadScribbles, check_semi_dataset, semi_collate
from mmseg_ssl.datasets.transforms import PackSemiInputs, resize_scribbles
from mmseg_ssl.errors import DatasetError
from mmseg_ssl.models.sample_pixels import scribbled_classes, scribbled_pixels, valid_pixels
from mmseg_ssl.structures import IGNORE_INDEX, UNLABELED

PERSON, ROAD = 9, 3
XML = """<annotation><filename>0.jpg</filename><size><width>8</width><height>6</height></size>
<polygon><tag>Person</tag><point><X>1</X><Y>1</Y></point><point><X>5</X><Y>1</Y></point></polygon>
<polygon><tag>background</tag><point><X>6</X><Y>3</Y></point><point><X>6</X><Y>99</Y></point></polygon>
</annotation>"""


@pytest.fixture
def scribbled(data, semi_cfg):
    """The dataset of the folder with scribbles: a row of class 3 on 254, void in the first row."""
    for path in (data / 'ann_dir/train').iterdir():
        mask = np.full((24, 32), UNLABELED, np.uint8)
        mask[0], mask[10, 5:25] = IGNORE_INDEX, ROAD
        cv2.imwrite(str(path), mask)

    def make(**changes) -> dict:
        cfg = semi_cfg(**changes)
        cfg['labeled']['pipeline'][1] = dict(type='LoadScribbles')
        cfg['labeled']['pipeline'][2]['resize_type'] = 'ResizeScribbles'
        return cfg

    return make


def load(path, **options) -> np.ndarray:
    results = dict(seg_map_path=str(path), seg_fields=[], reduce_zero_label=False)
    label_map = options.pop('label_map', None)
    results = LoadScribbles(**options)(dict(results, label_map=label_map))
    assert results['scribbled'] and results['seg_fields'] == ['gt_seg_map']
    return results['gt_seg_map']


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(), [0, 7, 254, 255]),
        (dict(unlabeled_value=255, void_value=254), [0, 7, 255, 254]),
        (dict(unlabeled_value=255, void_value=None), [0, 7, 254, 254]),
        (dict(unlabeled_value=7, void_value=0), [255, 254, 254, 255]),
        (dict(label_map={0: 5, 7: 255}), [5, 255, 254, 255]),
        (dict(unlabeled_value=255, void_value=None, label_map={0: 255, 7: 0}), [255, 0, 254, 254]),
    ],
)
def test_file_values_become_classes_unlabeled_and_void(tmp_path, options, expected):
    cv2.imwrite(str(tmp_path / 'a.png'), np.array([[0, 7, 254, 255]], np.uint8))
    assert load(tmp_path / 'a.png', **options).tolist() == [expected]


def test_one_value_cannot_mean_two_things():
    with pytest.raises(ValueError, match='both 255. Give void_value=None'):
        LoadScribbles(unlabeled_value=255)


@pytest.mark.parametrize(
    'wrong', [dict(unlabeled_value=-1), dict(unlabeled_value=256), dict(void_value=-1), dict(unlabeled_value=None)]
)
def test_no_file_holds_a_value_beyond_8_bits(wrong):
    """-1 was counted from the end: as 255, which then was both."""
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f'{name} is a value of 8-bit masks, a whole number in 0..255, got {value}'):
        LoadScribbles(**wrong)


def test_xml_lines_are_drawn_by_class_name(tmp_path):
    """Person (index 15 of VOC) from (1, 1) to (5, 1); background at x = 6 from y = 3 out of the image."""
    (tmp_path / 'a.xml').write_text(XML)
    mask = load(tmp_path / 'a.xml', width=1)
    expected = np.full((6, 8), UNLABELED)
    expected[1, 1:6], expected[3:, 6] = 15, 0
    assert mask.tolist() == expected.tolist()
    wide = load(tmp_path / 'a.xml', width=3, unlabeled_value=255, void_value=None)
    assert (wide[0:3, 1:5] == 15).all() and (wide == UNLABELED).any() and 255 not in wide
    own = load(tmp_path / 'a.xml', width=1, classes=('background', 'person'))
    assert (own == np.where(mask == 15, 1, mask)).all()


@pytest.mark.parametrize('width', [1, 3, 5])
def test_a_click_is_a_dot_as_wide_as_a_line(tmp_path, width):
    """A line from the same point down has the dot at its end."""
    size, points = '<size><width>24</width><height>24</height></size>', '<point><X>9</X><Y>9</Y></point>'
    drawn = []
    for more in ('', '<point><X>9</X><Y>20</Y></point>'):
        text = f'<annotation>{size}<polygon><tag>person</tag>{points}{more}</polygon></annotation>'
        (tmp_path / 'a.xml').write_text(text)
        drawn.append(load(tmp_path / 'a.xml', width=width) == 15)
    dot, line = drawn
    assert dot[9].sum() == dot[:, 9].sum() == line[15].sum() >= width
    np.testing.assert_array_equal(dot[:10], line[:10])


def test_published_tags_are_shorter_than_the_names_of_voc(tmp_path):
    """A monitor is a tvmonitor, 20 of VOC; among classes where it has its own name, it is that class."""
    (tmp_path / 'a.xml').write_text(XML.replace('Person', 'monitor'))
    assert load(tmp_path / 'a.xml', width=1)[1, 1] == 20
    assert load(tmp_path / 'a.xml', width=1, classes=('background', 'monitor', 'tvmonitor'))[1, 1] == 1


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('<annotation>', 'not a ScribbleSup file'),
        ('<annotation><polygon/></annotation>', 'not a ScribbleSup file, which has size/height'),
        (XML.replace('Person', 'dragon'), r"names the classes \['dragon'\], known are \['background'"),
    ],
)
def test_bad_xml_says_what_is_expected(tmp_path, content, message):
    (tmp_path / 'a.xml').write_text(content)
    with pytest.raises(DatasetError, match=message):
        load(tmp_path / 'a.xml')


def slow_resize(mask: np.ndarray, size: tuple) -> np.ndarray:
    """Transcribe the docstring of ``resize_scribbles``, pixel by pixel."""
    result = np.empty(size, np.uint8)
    ratios = size[0] / mask.shape[0], size[1] / mask.shape[1]
    for row, col in np.ndindex(*size):
        ranked = []
        for y, x in np.ndindex(*mask.shape):
            at = (y + 0.5) * ratios[0], (x + 0.5) * ratios[1]
            if (int(at[0]), int(at[1])) == (row, col):
                rank = {UNLABELED: 1, IGNORE_INDEX: 2}.get(mask[y, x], 0)
                distance = sum(round(1024 * (a - b - 0.5) ** 2) for a, b in zip(at, (row, col)))
                ranked.append((rank, distance, y, x))
        result[row, col] = mask[min(ranked)[2:]]
    return result


@pytest.mark.parametrize('size', [(5, 7), (12, 16), (24, 11), (3, 32), (1, 1)])
def test_shrinking_equals_the_slow_transcription(size):
    rng = np.random.RandomState(0)
    mask = rng.choice([0, 3, UNLABELED, IGNORE_INDEX], (24, 32), p=[0.05, 0.05, 0.6, 0.3]).astype(np.uint8)
    assert (resize_scribbles(mask, size) == slow_resize(mask, size)).all()


def test_shrinking_by_four_keeps_every_scribble_which_nearest_neighbor_does_not():
    """Lines of one pixel and clicks, each of its own class, at least a target pixel apart."""
    mask = np.full((90, 120), UNLABELED, np.uint8)
    for number in range(10):
        mask[9 * number, 3:70] = number
        mask[9 * number + number % 4, 80 + number] = 10 + number
    mask[60:] = np.where(mask[60:] == UNLABELED, IGNORE_INDEX, mask[60:])
    small = resize_scribbles(mask, (22, 30))
    assert set(np.unique(small)) == set(np.unique(mask))
    nearest = cv2.resize(mask, (30, 22), interpolation=cv2.INTER_NEAREST)
    assert len(np.unique(nearest)) < 15
    for number in range(10):  # whole lines, not only a pixel of each
        assert (small == number).sum() >= 16


def test_void_stays_only_where_all_is_void():
    mask = np.full((8, 8), IGNORE_INDEX, np.uint8)
    mask[0, 0], mask[7, 4], mask[6, 5] = UNLABELED, UNLABELED, 2
    assert resize_scribbles(mask, (2, 2)).tolist() == [[UNLABELED, IGNORE_INDEX], [IGNORE_INDEX, 2]]


def test_a_full_mask_shrinks_as_nearest_neighbor():
    """Odd factor: the center of a footprint is a pixel."""
    mask = np.random.RandomState(0).randint(0, 11, (27, 33)).astype(np.uint8)
    assert (resize_scribbles(mask, (9, 11)) == mask[1::3, 1::3]).all()


@pytest.mark.parametrize('size', [(24, 32), (48, 64), (31, 33), (24, 50)])
def test_identity_and_growing_are_the_host_s(size):
    mask = np.random.RandomState(0).choice([0, 3, UNLABELED, IGNORE_INDEX], (24, 32)).astype(np.uint8)
    image = np.zeros((24, 32, 3), np.uint8)
    scale = dict(scale=size[::-1], keep_ratio=False)
    ours = TRANSFORMS.build(dict(type='ResizeScribbles', **scale))(dict(img=image, gt_seg_map=mask))
    host = Resize(**scale)(dict(img=image, gt_seg_map=mask))
    assert (ours['gt_seg_map'] == host['gt_seg_map']).all()
    assert {k: v for k, v in ours.items() if 'seg' not in k and k != 'img'} == {
        k: v for k, v in host.items() if 'seg' not in k and k != 'img'
    }


@pytest.mark.parametrize('ratio', [0.25, 0.6, 1.0, 1.7])
def test_random_resize_takes_it_and_images_alone_pass(ratio):
    step = TRANSFORMS.build(
        dict(
            type='RandomResize',
            resize_type='ResizeScribbles',
            scale=(32, 24),
            ratio_range=(ratio, ratio),
            keep_ratio=True,
        )
    )
    mask = np.full((24, 32), UNLABELED, np.uint8)
    mask[11] = 1
    results = step(dict(img=np.zeros((24, 32, 3), np.uint8), gt_seg_map=mask))
    assert results['gt_seg_map'].shape == results['img'].shape[:2] == results['img_shape']
    assert (results['gt_seg_map'] == 1).all(axis=1).any()
    assert 'gt_seg_map' not in step(dict(img=np.zeros((24, 32, 3), np.uint8)))


def test_seeds_and_valid_pixels_of_a_semi_supervised_batch(scribbled):
    """24x32 images, scaled by 0.75 at least, in crops of 16x16 that are padded to 20x24."""
    dataset = DATASETS.build(scribbled(unlabeled_per_labeled=2))
    batch = semi_collate([dataset[Draw(number % 4, (0, 1), number)] for number in range(12)])
    raw = [sample.gt_sem_seg.data for sample in batch['data_samples']['sup']]
    assert all(mask.dtype == torch.uint8 and set(mask.unique().tolist()) <= {ROAD, 255} for mask in raw)
    unlabeled = [sample.unlabeled_mask.data for sample in batch['data_samples']['sup']]
    preprocess = MODELS.build(dict(type='SemiDataPreProcessor', mean=[0.0] * 3, std=[1.0] * 3, size=(20, 24)))
    views = preprocess(batch, training=True)
    images, samples = views['inputs']['sup'], views['data_samples']['sup']
    seeds, valid = scribbled_pixels(samples, images)
    assert seeds.shape == valid.shape == (12, 20, 24) and seeds.dtype == torch.int64 and valid.dtype == torch.bool
    assert set(seeds.unique().tolist()) == {ROAD, IGNORE_INDEX}
    assert not valid[:, 16:].any() and not valid[:, :, 16:].any()
    inside = valid[:, :16, :16]
    assert torch.equal(inside, torch.stack(unlabeled)[:, 0] | (torch.stack(raw)[:, 0] == ROAD))
    assert valid[seeds == ROAD].all()
    void = ~inside
    assert 0 < void.sum() < inside.sum()  # some crops hold the first row
    assert void.sum(dim=2).unique().tolist() == [0, 16]  # a whole row at a time
    weak, images = views['data_samples']['weak'], views['inputs']['weak']
    seeds, valid = scribbled_pixels(weak, images)
    assert (seeds == IGNORE_INDEX).all()
    assert torch.equal(valid, valid_pixels(weak, images))


def test_a_crop_knows_the_classes_that_are_scribbled_outside_of_it(scribbled, data):
    """Persons in the last column alone, which few crops of 16 x 16 hold; ids 3 and 9 of the whole image."""
    for path in (data / 'ann_dir/train').iterdir():
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        mask[20, 31] = PERSON
        cv2.imwrite(str(path), mask)
    dataset = DATASETS.build(scribbled())
    batch = semi_collate([dataset[Draw(number % 4, (0,), number)] for number in range(8)])
    views = MODELS.build(dict(type='SemiDataPreProcessor', size=(18, 18)))(batch, training=True)
    samples = views['data_samples']
    seeds, _ = scribbled_pixels(samples['sup'], views['inputs']['sup'])
    assert any(PERSON not in one for one in seeds)
    expected = torch.zeros(8, 256, dtype=torch.bool)
    expected[:, [ROAD, PERSON]] = True
    assert torch.equal(scribbled_classes(samples['sup'], seeds.device), expected)
    assert not scribbled_classes(samples['weak'], seeds.device).any()  # no scribbles were loaded


def test_scribbled_classes_are_those_of_the_label_map(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.array([[0, 7, 3, 254, 255]], np.uint8))
    info = dict(seg_map_path=str(tmp_path / 'a.png'), seg_fields=[], label_map={0: 5, 7: 255})
    assert LoadScribbles()(info)['scribbled_classes'] == (3, 5)


def packed_classes(results, *steps):
    for step in steps:
        results = TRANSFORMS.build(step)(results)
    return PackSemiInputs()(results)['data_samples'].metainfo['scribbled_classes']


@pytest.mark.parametrize(('prob', 'expected'), [(1.0, (2, 5, 7)), (0.0, (1, 5, 6))])
def test_classes_of_an_image_are_swapped_as_its_mask(tmp_path, prob, expected):
    """Left and right are 1 and 2, 6 and 7; 5 has no side. The crop holds class 1 alone."""
    cv2.imwrite(str(tmp_path / 'a.png'), np.array([[1, 254, 254, 5, 6]] * 4, np.uint8))
    results = dict(seg_map_path=str(tmp_path / 'a.png'), seg_fields=[], img=np.zeros((4, 5, 3), np.uint8))
    flip = dict(type='RandomFlip', prob=prob, swap_seg_labels=[(1, 2), (6, 7)])
    results['img_shape'] = (4, 5)
    assert packed_classes(results, dict(type='LoadScribbles'), flip) == expected


def test_classes_of_mixed_images_are_not_known(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.array([[1, 254, 254, 5, 6]] * 4, np.uint8))
    results = dict(seg_map_path=str(tmp_path / 'a.png'), seg_fields=[], img=np.zeros((4, 5, 3), np.uint8))
    results = LoadScribbles()(results)
    results['gt_seg_map'][0, 1] = 3  # as a mosaic does with another image
    assert packed_classes(results) == ()


def test_merged_views_may_hold_scribbles_full_masks_and_images(scribbled):
    """255 in a full mask is void, so not valid; an image without a mask is valid everywhere."""
    item = DATASETS.build(scribbled())[Draw(0, (0,), 1)]
    sup, weak = item['data_samples']['sup'], item['data_samples']['weak']
    full = sup.clone()
    del full.unlabeled_mask
    inputs = dict(sup=[item['inputs']['sup']] * 2, weak=item['inputs']['weak'])
    preprocess = MODELS.build(dict(type='SemiDataPreProcessor', size=(18, 18)))
    views = preprocess(dict(inputs=inputs, data_samples=dict(sup=[sup, full], weak=weak)))
    images = torch.cat([views['inputs']['sup'], views['inputs']['weak']])
    seeds, valid = scribbled_pixels([*views['data_samples']['sup'], *views['data_samples']['weak']], images)
    assert torch.equal(seeds[0], seeds[1]) and (seeds[2] == IGNORE_INDEX).all()
    assert torch.equal(valid[1], seeds[1] != IGNORE_INDEX)
    assert valid[0].sum() > valid[1].sum() > 0
    assert valid[2].sum() == 16 * 16


def test_the_stream_of_scribbles_is_the_same_for_any_number_of_workers(scribbled):
    def stream(workers: int) -> list:
        loader = dict(batch_size=2, num_workers=workers, sampler=dict(type='SemiSampler'))
        loader.update(collate_fn=dict(type='semi_collate'), dataset=scribbled())
        batch = next(iter(Runner.build_dataloader(loader, seed=3)))
        return [(s.gt_sem_seg.data.tolist(), s.unlabeled_mask.data.tolist()) for s in batch['data_samples']['sup']]

    assert stream(0) == stream(2)


def add_class(data) -> None:
    """Give one mask a second class: masks of one class alone are refused."""
    path = str(data / 'ann_dir/train/11.png')
    mask = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    mask[12, 5] = 0
    cv2.imwrite(path, mask)


def test_check_understands_scribbles(data, scribbled):
    """254 and 255 are fine in scribbles, other indices are not, and 254 is an error in a full mask."""
    add_class(data)
    cfg = scribbled()
    loader = dict(batch_size=4, sampler=dict(type='SemiSampler'), dataset=cfg)
    assert check_semi_dataset(ConfigDict(train_dataloader=loader)).num_images == 12
    path = str(data / 'ann_dir/train/04.png')
    mask = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(path, np.where(mask == ROAD, 11, mask))
    with pytest.raises(DatasetError, match=r'04.png: label id 11 \(20 pixels\)'):
        check_semi_dataset(ConfigDict(train_dataloader=loader))
    cv2.imwrite(path, mask)
    cfg['labeled']['pipeline'][1] = dict(type='LoadAnnotations')
    with pytest.raises(DatasetError, match=r'label id 254 \(716 pixels\).*with LoadScribbles'):
        check_semi_dataset(ConfigDict(train_dataloader=loader))


def test_check_finds_masks_that_mean_something_else(data, scribbled):
    """ScribbleSup's 255 taken for void would leave nothing to learn from, in silence."""
    add_class(data)
    loader = dict(batch_size=4, sampler=dict(type='SemiSampler'), dataset=scribbled())
    labeled = loader['dataset']['labeled']
    for path in (data / 'ann_dir/train').iterdir():
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(path), np.where(mask == UNLABELED, IGNORE_INDEX, mask))
    with pytest.raises(DatasetError, match=r'no pixel is unlabeled \(index 254\).*unlabeled_value=255'):
        check_semi_dataset(ConfigDict(train_dataloader=loader))
    labeled['pipeline'][1].update(unlabeled_value=255, void_value=None)
    assert check_semi_dataset(ConfigDict(train_dataloader=loader)).num_images == 12
    labeled['reduce_zero_label'] = True
    with pytest.raises(DatasetError, match='set reduce_zero_label=False on the dataset'):
        check_semi_dataset(ConfigDict(train_dataloader=loader))
    with pytest.raises(DatasetError, match='set reduce_zero_label=False on the dataset'):
        DATASETS.build(loader['dataset'])[Draw(0, (0,), 1)]


def test_check_reads_xml(data, scribbled):
    cfg = scribbled()
    cfg['labeled'].update(seg_map_suffix='.xml')
    cfg['labeled']['pipeline'][1].update(classes=['sky', 'person'])
    loader = ConfigDict(train_dataloader=dict(batch_size=4, sampler=dict(type='SemiSampler'), dataset=cfg))
    text = XML.replace('background', 'sky').replace('>8<', '>32<').replace('>6</height', '>24</height')
    for path in list((data / 'ann_dir/train').iterdir()):
        path.with_suffix('.xml').write_text(text)
    assert check_semi_dataset(loader).num_images == 12
    dataset = DATASETS.build(cfg)
    samples = [dataset[Draw(0, (0,), seed)]['data_samples']['sup'] for seed in range(8)]
    assert {int(label) for sample in samples for label in sample.gt_sem_seg.data.unique()} == {0, 1, IGNORE_INDEX}
    bad = data / 'ann_dir/train/04.xml'
    bad.write_text(text.replace('Person', 'dragon'))
    with pytest.raises(DatasetError, match=r"04.xml: names the classes \['dragon'\], known are"):
        check_semi_dataset(loader)
    bad.write_text(text.replace('>32<', '>33<'))
    with pytest.raises(DatasetError, match='04.xml: the mask is 33x24, its image'):
        check_semi_dataset(loader)


def test_absent_scribbles_say_how_they_are_drawn(data, scribbled):
    cfg = scribbled()
    cfg['labeled']['data_prefix']['seg_map_path'] = 'scribbles'
    with pytest.raises(DatasetError, match=rf'looked in {data}/scribbles. Scribbles and blocks are drawn .*make_scrib'):
        DATASETS.build(cfg)
