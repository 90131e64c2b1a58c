"""Settings that a config has in two places: classes, heads, weights, the ignored value."""

import numpy as np
import pytest

from mmseg_ssl.datasets import DatasetError, check_semi_dataset

MASKS = [np.arange(768, dtype=np.uint8).reshape(24, 32) % 3]


@pytest.fixture
def cfg(own):
    """Three classes, a decode head and a list of auxiliary ones that fit."""
    cfg = own(MASKS, 3)
    loss = dict(type='HardPixelCrossEntropy', class_weight=[1.0, 2.0, 3.0])
    cfg.model = dict(
        type='MeanTeacher',
        data_preprocessor=dict(type='SemiDataPreProcessor', mean=[1.0] * 3, std=[1.0] * 3, seg_pad_val=255),
        segmentor=dict(
            backbone=dict(type='ResNetV1c', num_classes=1000, in_channels=3),
            decode_head=dict(type='FCNHead', num_classes=3, loss_decode=[loss, dict(type='DiceLoss')]),
            auxiliary_head=[dict(type='FCNHead', num_classes=3, loss_decode=dict(loss))],
        ),
        side_heads=dict(energy=dict(type='EnergyHead')),
    )
    return cfg


def stop(cfg, match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        check_semi_dataset(cfg)


def test_a_config_that_agrees_passes(cfg):
    assert not check_semi_dataset(cfg).warnings


@pytest.mark.parametrize('place', ['decode_head', 'auxiliary_head.0', 'decode_head.0', 'auxiliary_head'])
@pytest.mark.parametrize('number', [2, 19])
def test_each_head_has_the_classes_of_the_data(cfg, place, number):
    name, *index = place.split('.')
    head = dict(cfg.model.segmentor[name][0] if name == 'auxiliary_head' else cfg.model.segmentor[name])
    head['num_classes'] = number
    cfg.model.segmentor[name] = [head] if index else head
    path = f'model.segmentor.{place}.num_classes'
    stop(cfg, rf'1 problem(.|\n)*{path} is {number}, but the data have 3 classes.*Set {path}=3')


def test_side_heads_count(cfg):
    cfg.model.side_heads.energy.num_classes = 8
    stop(cfg, 'model.side_heads.energy.num_classes is 8')


@pytest.mark.parametrize('weights', [[1.0] * 2, [1.0] * 19])
def test_class_weights_have_the_length_of_the_classes(cfg, weights):
    cfg.model.segmentor.decode_head.loss_decode[0].class_weight = weights
    stop(cfg, rf'decode_head.loss_decode.0.class_weight has {len(weights)} weights, but the data have 3 classes')
    cfg.model.segmentor.decode_head.loss_decode[0].class_weight = None
    cfg.model.segmentor.auxiliary_head[0].loss_decode.class_weight = weights
    stop(cfg, 'auxiliary_head.0.loss_decode.class_weight has')


def test_weights_that_favor_frequent_classes_are_doubted(own, cfg):
    """Weights of another dataset have the right length by chance; these are the wrong way round."""
    frequent = np.zeros((24, 32), np.uint8)
    frequent[0], frequent[1, :3] = 1, 2
    model, cfg = cfg.model, own([frequent], 3)
    cfg.model = model
    assert not check_semi_dataset(cfg).warnings
    model.segmentor.decode_head.loss_decode[0].class_weight = [3.0, 2.0, 1.0]
    warnings = check_semi_dataset(cfg).warnings
    assert len(warnings) == 1
    assert 'decode_head.loss_decode.0.class_weight is [3.0, 2.0, 1.0]: frequent classes get' in warnings[0].text


def test_one_channel_for_two_classes_is_right(own, cfg):
    model, cfg = cfg.model, own([MASKS[0] % 2], 2)
    cfg.model = model
    for head in (model.segmentor.decode_head, model.segmentor.auxiliary_head[0]):
        head.update(num_classes=2, out_channels=1)
        head.loss_decode = dict(type='CrossEntropyLoss', use_sigmoid=True, class_weight=[2.0])
    assert not check_semi_dataset(cfg).warnings
    model.segmentor.decode_head.loss_decode.class_weight = [1.0, 2.0]
    stop(cfg, r'class_weight has 2 weights.*Give 1 weight\(s\)')


def test_one_class_says_which_two_settings_to_write(own, cfg):
    """And nothing that would throw the foreground away."""
    cfg.model, cfg = cfg.model, own([MASKS[0] % 2], ('object',))
    with pytest.raises(DatasetError) as error:
        check_semi_dataset(cfg)
    assert "classes=('background', 'object')) on every dataset, and num_classes=2 in the heads" in str(error.value)
    assert 'label id' not in str(error.value)


def test_classes_are_a_list_of_names(own):
    """A forgotten comma makes a string, of which each letter would be a class."""
    stop(own(MASKS, 'object'), "must name its classes, but classes is 'object', a str")


@pytest.mark.parametrize('place', ['train_dataloader', 'val_dataloader'])
def test_classes_that_are_not_named_are_asked_for(cfg, place):
    dataset = cfg[place].dataset
    del dataset.get('labeled', dataset).metainfo
    stop(cfg, r'(The labeled dataset has no classes|val_dataloader.dataset: .*none are set).*metainfo=dict\(classes=')


def test_all_sets_have_the_same_classes(cfg):
    cfg.val_dataloader.dataset.metainfo.classes = ('class1', 'class0', 'class2')
    stop(cfg, r'val_dataloader.dataset has the classes class1, class0, class2 \(3\), train_.*same order')


IGNORING = {
    'train_dataloader.dataset.labeled.ignore_index': 0,
    'val_dataloader.dataset.ignore_index': 0,
    'model.segmentor.decode_head.ignore_index': 0,
    'model.segmentor.auxiliary_head.0.ignore_index': 3,
    'model.segmentor.decode_head.loss_decode.1.ignore_index': 0,
    'model.data_preprocessor.seg_pad_val': 0,
    'val_evaluator.ignore_index': 0,
}


@pytest.mark.parametrize('place', IGNORING)
def test_one_value_is_ignored_everywhere(cfg, place):
    *keys, last = place.split('.')
    node = cfg
    for key in keys:
        node = node[int(key) if key.isdigit() else key]
    node[last] = IGNORING[place]
    stop(cfg, rf'{place} is {IGNORING[place]}, elsewhere the ignored value is 255')


def test_another_ignored_value_is_for_supervised_training_alone(own):
    cfg = own([np.where(MASKS[0] == 2, 7, MASKS[0]).astype(np.uint8)], 2, ignore_index=7)
    head = dict(type='FCNHead', num_classes=2, ignore_index=7)
    cfg.model = dict(type='Supervised', segmentor=dict(decode_head=head), data_preprocessor=dict(seg_pad_val=7))
    cfg.val_evaluator.ignore_index = 7
    check_semi_dataset(cfg)
    cfg.model.type = 'FARCLUSS'
    stop(cfg, 'the methods use 255')


def test_zero_label_of_dataset_and_loader_agree(cfg):
    cfg.val_dataloader.dataset.pipeline[1].reduce_zero_label = True
    stop(cfg, r'val_dataloader.dataset: reduce_zero_label is False for the dataset and True in LoadAnnotations')


def test_a_step_that_fails_is_named_before_a_worker_meets_it(cfg):
    cfg.train_dataloader.dataset.unlabeled.pipeline.insert(1, dict(type='Resize', scale=(0, 0), keep_ratio=True))
    stop(cfg, 'unlabeled: step Resize of its pipeline fails on .*0.png: ')


def test_a_pipeline_gives_an_image_and_the_labeled_one_a_mask(cfg):
    cfg.val_dataloader.dataset.pipeline = cfg.val_dataloader.dataset.pipeline[:2]
    stop(cfg, 'val_dataloader.dataset: its pipeline returns no packed image. .*end with PackSemiInputs')
    del cfg['val_dataloader']
    del cfg.train_dataloader.dataset.labeled.pipeline[1]
    stop(cfg, 'labeled: its pipeline returns no mask. Add LoadAnnotations')


def test_a_dataset_that_cannot_be_built_says_where(cfg):
    cfg.val_dataloader.dataset.metainfo.palette = [[0, 0, 0]]
    stop(cfg, r'val_dataloader.dataset \(BaseSegDataset\) cannot be built: .*palette does not match')
