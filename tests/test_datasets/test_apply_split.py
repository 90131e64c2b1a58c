"""A split takes effect in both sets, or stops: it is never passed over."""

import copy
import shutil

import pytest
from mmseg.registry import DATASETS

from mmseg_ssl.datasets import DatasetError, SemiDataset
from mmseg_ssl.datasets.apply_split import image_paths


@pytest.fixture
def sets(semi_cfg):
    """Build from changed configs of both sets; gives the stems of their images."""

    def make(labeled=None, unlabeled=None, wrap=lambda side, cfg: cfg, **changes) -> tuple:
        cfg = semi_cfg(**changes)
        for side, change in (('labeled', labeled), ('unlabeled', unlabeled)):
            cfg[side] = wrap(side, dict(cfg[side], **(change or {})))
        built = DATASETS.build(cfg)
        return tuple([path[-6:-4] for path in image_paths(one)] for one in (built.labeled, built.unlabeled))

    return make


LABELED = ['01', '04', '06', '11']
REST = [f'{number:02d}' for number in range(12) if f'{number:02d}' not in LABELED]


@pytest.mark.parametrize('nothing', ['', None])
def test_an_empty_ann_file_is_no_list_and_is_filled(sets, nothing):
    """mmseg's own default, which many configs write down."""
    assert sets(labeled=dict(ann_file=nothing)) == (LABELED, REST)


def test_the_same_list_twice_is_no_conflict(data, sets):
    (data / 'copy.txt').write_text('\r\n'.join(f'{name}.png' for name in LABELED))
    assert sets(labeled=dict(ann_file='copy.txt')) == (LABELED, REST)


def test_another_list_is_a_conflict_and_both_are_named(data, sets):
    (data / 'other.txt').write_text('00\n01\n')
    with pytest.raises(DatasetError, match=r'split=.*labeled.txt names 4, labeled.ann_file=other.txt names 2'):
        sets(labeled=dict(ann_file='other.txt'))


def test_exclude_decides_about_the_unlabeled_set_unless_it_contradicts(data, sets):
    assert sets(unlabeled=dict(exclude=''))[1] == sorted([*LABELED, *REST])
    (data / 'more.txt').write_text('\n'.join([*LABELED, '00']))
    assert sets(unlabeled=dict(exclude=str(data / 'more.txt')))[1] == REST[1:]
    (data / 'other.txt').write_text('00\n01\n')
    with pytest.raises(DatasetError, match=r'3 of them are among the unlabeled ones: .*04.png(.|\n)*exclude='):
        sets(unlabeled=dict(exclude=str(data / 'other.txt')))


def test_wrappers_of_one_set_are_gone_through(sets):
    def wrap(side, cfg):
        return dict(type='RepeatDataset', times=3, dataset=cfg)

    assert sets(wrap=wrap) == (LABELED, REST)


def test_several_unlabeled_sets_all_leave_the_labeled_images_out(sets):
    def wrap(side, cfg):
        return cfg if side == 'labeled' else dict(type='ConcatDataset', datasets=[cfg, copy.deepcopy(cfg)])

    assert sets(wrap=wrap) == (LABELED, REST)


def test_several_labeled_sets_cannot_share_a_split_but_train_without(data, sets):
    def wrap(side, cfg):
        return dict(type='ConcatDataset', datasets=[cfg, dict(type='RepeatDataset', times=2, dataset=cfg)])

    with pytest.raises(DatasetError, match=r'names 4 images, but labeled, a ConcatDataset, holds 12.*leave split out'):
        sets(wrap=wrap)
    labeled, unlabeled = sets(wrap=wrap, split=None)
    assert len(labeled) == len(unlabeled) == 12
    lists = dict(ann_file='labeled.txt')  # every set has the list already: nothing is left to apply
    assert sets(labeled=lists, wrap=lambda side, cfg: wrap(side, cfg) if side == 'labeled' else cfg)[0] == LABELED


def test_built_sets_must_agree_with_the_split(data, semi_cfg):
    cfg = semi_cfg()
    split, whole = cfg['split'], DATASETS.build(cfg['labeled'])
    with pytest.raises(DatasetError, match=r'names 4 images, but labeled, a CamVidDataset, holds 12'):
        SemiDataset(whole, None, split=split)
    part = DATASETS.build(dict(cfg['labeled'], ann_file='labeled.txt'))
    everything = DATASETS.build(cfg['unlabeled'])
    with pytest.raises(DatasetError, match=r'4 of them are among the unlabeled ones: .*01.png'):
        SemiDataset(part, everything, split=split)
    assert len(SemiDataset(part, DATASETS.build(dict(cfg['unlabeled'], exclude=split)), split=split)) == 4
    (data / 'others.txt').write_text('00\n02\n03\n05\n')
    with pytest.raises(DatasetError, match='holds 4 others'):
        SemiDataset(part, None, split=str(data / 'others.txt'))


def test_a_set_that_takes_only_some_of_the_split_is_refused(sets):
    with pytest.raises(DatasetError, match=r'names 4 images, but labeled, a CamVidDataset, holds 2.*indices'):
        sets(labeled=dict(indices=2))


def test_a_set_with_masks_is_unlabeled_where_it_shares_no_image(data, semi_cfg):
    """BaseSegDataset knows no exclude: right in another folder, refused in that of the labeled images."""
    cfg = semi_cfg()

    cfg['unlabeled'].update(type='BaseSegDataset')
    with pytest.raises(DatasetError, match='4 of them are among the unlabeled ones.*Use type UnlabeledImages'):
        DATASETS.build(cfg)
    (data / 'more').mkdir()
    shutil.copy(data / 'img_dir/train/00.png', data / 'more/x.png')
    cfg['unlabeled']['data_prefix'] = dict(img_path='more')
    assert len(DATASETS.build(cfg).unlabeled) == 1


def test_in_another_folder_the_content_decides(data, semi_cfg):
    """An equal name is another image; the labeled image itself stays out, copied or linked."""
    (data / 'more').mkdir()
    shutil.copy(data / 'img_dir/train/00.png', data / 'more/01.png')  # another image of that name
    shutil.copy(data / 'img_dir/train/04.png', data / 'more/04.png')  # the labeled image
    (data / 'more/06.png').symlink_to(data / 'img_dir/train/06.png')
    cfg = semi_cfg()
    cfg['unlabeled']['data_prefix'] = dict(img_path='more')
    assert [path[-6:] for path in image_paths(DATASETS.build(cfg).unlabeled)] == ['01.png']


def test_masks_beside_the_images_are_never_unlabeled_images(data, semi_cfg):
    """The labeled set knows what masks are called, the unlabeled one hears of it."""
    for mask in (data / 'ann_dir/train').iterdir():
        shutil.copy(mask, data / f'img_dir/train/{mask.stem}_m.png')
    cfg = semi_cfg()
    prefix = dict(img_path='img_dir/train', seg_map_path='img_dir/train')
    cfg['labeled'].update(data_prefix=prefix, seg_map_suffix='_m.png')
    assert [path[-6:-4] for path in image_paths(DATASETS.build(cfg).unlabeled)] == REST


def test_labeled_data_without_classes_are_refused(semi_cfg):
    cfg = semi_cfg()
    cfg['labeled'].update(type='BaseSegDataset')
    with pytest.raises(DatasetError, match=r'no classes. Give their names.*metainfo'):
        DATASETS.build(cfg)


def test_absent_folders_inside_wrappers_are_named(sets):
    def wrap(side, cfg):
        return dict(type='RepeatDataset', times=2, dataset=dict(cfg, data_prefix=dict(img_path='nowhere')))

    with pytest.raises(DatasetError, match=r'missing: looked in .*nowhere'):
        sets(wrap=wrap)
