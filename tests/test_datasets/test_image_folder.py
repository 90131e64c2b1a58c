"""Contents of a folder: suffixes in any case, no hidden files, no circles, no masks."""

import pytest
from mmengine.fileio.backends import BaseStorageBackend
from mmengine.fileio.backends.registry_utils import prefix_to_backends
from mmseg.registry import DATASETS

from mmseg_ssl.datasets import DatasetError
from mmseg_ssl.datasets.id_lists import match_ids
from mmseg_ssl.datasets.image_folder import ImageFolder


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b'x')
    return folder


def unlabeled(folder, **changes) -> list:
    prefix = dict(img_path=str(folder))
    images = DATASETS.build(dict(dict(type='UnlabeledImages', data_prefix=prefix, img_suffix='.png'), **changes))
    infos = [images.get_data_info(index) for index in range(len(images))]
    return [info['img_path'][len(str(folder)) + 1 :] for info in infos]


def labeled(folder, masks='', **changes) -> list:
    prefix = dict(img_path=str(folder), seg_map_path=str(folder / masks))
    config = dict(type='BaseSegDataset', metainfo=dict(classes=('a', 'b')), data_prefix=prefix, img_suffix='.png')
    infos = DATASETS.build(dict(config, **changes)).load_data_list()
    return [tuple(info[key][len(str(folder)) + 1 :] for key in ('img_path', 'seg_map_path')) for info in infos]


def test_suffixes_are_found_in_any_case(tmp_path):
    """Images and masks, from a folder and from a list; of a.png and a.PNG the one as configured counts."""
    touch(tmp_path / 'img', 'b.PNG', 'a.png', 'a.PNG', 'c/d.Png')
    touch(tmp_path / 'ann', 'a.png', 'b.PNG', 'c/d.png')
    expected = [('a.png', 'a.png'), ('b.PNG', 'b.PNG'), ('c/d.Png', 'c/d.png')]
    found = labeled(tmp_path / 'img', '../ann')
    assert [(image, mask.split('ann/')[1]) for image, mask in found] == expected
    assert unlabeled(tmp_path / 'img') == ['a.png', 'b.PNG', 'c/d.Png']
    (tmp_path / 'list.txt').write_text('b\nc/d\n')
    named = str(tmp_path / 'list.txt')
    assert unlabeled(tmp_path / 'img', ann_file=named) == ['b.PNG', 'c/d.Png']
    assert [image for image, _ in labeled(tmp_path / 'img', ann_file=named)] == ['b.PNG', 'c/d.Png']


@pytest.mark.parametrize('find', [labeled, unlabeled])
def test_a_folder_of_another_format_says_what_it_holds(tmp_path, find):
    touch(tmp_path, 'a.jpg', 'b.jpg', 'c.tif')
    with pytest.raises(DatasetError, match=r'ends in .png; it holds 2 with .jpg, 1 with .tif. Correct img_suffix'):
        find(tmp_path)


@pytest.mark.parametrize('find', [lambda folder: [image for image, _ in labeled(folder, '../ann')], unlabeled])
def test_links_in_a_circle_and_hidden_files_are_no_images(tmp_path, find):
    touch(tmp_path / 'img', 'a.png', 'sub/b.png', '._a.png', '.ipynb_checkpoints/a.png')
    touch(tmp_path / 'elsewhere', 'c.png')
    (tmp_path / 'img/sub/up').symlink_to(tmp_path / 'img')
    (tmp_path / 'img/here').symlink_to('.')
    (tmp_path / 'img/more').symlink_to(tmp_path / 'elsewhere')
    assert find(tmp_path / 'img') == ['a.png', 'more/c.png', 'sub/b.png']


def test_masks_beside_labeled_images_are_no_images(tmp_path):
    touch(tmp_path, 'a.png', 'a_mask.png', 'b.png', 'b_mask.png', 'odd_mask.png')
    assert labeled(tmp_path, seg_map_suffix='_mask.png') == [
        ('a.png', 'a_mask.png'),
        ('b.png', 'b_mask.png'),
        ('odd_mask.png', 'odd_mask_mask.png'),
    ]
    with pytest.raises(DatasetError, match='an image would be its own mask'):
        labeled(tmp_path)


def test_masks_in_a_subfolder_are_no_images(tmp_path):
    touch(tmp_path, 'a.png', 'masks/a.png', 'more/b.png')
    assert [image for image, _ in labeled(tmp_path, 'masks')] == ['a.png', 'more/b.png']


@pytest.mark.parametrize('name', ['a_mask.png', 'a_labelTrainIds.png', 'a.gt.png'])
def test_a_folder_that_seems_to_hold_masks_is_refused_unless_the_config_decides(tmp_path, name):
    touch(tmp_path, 'a.png', 'b.png', name)
    with pytest.raises(DatasetError, match=rf"masks beside the images: {name} \(1 of 3 files\).*mask_suffix=''"):
        unlabeled(tmp_path)
    assert sorted(unlabeled(tmp_path, mask_suffix='')) == sorted(['a.png', 'b.png', name])
    assert unlabeled(tmp_path, mask_suffix=name[1:]) == ['a.png', 'b.png']


def test_two_files_of_one_id_are_refused(tmp_path):
    """a.jpg and a.png: an image and its mask, or an image twice."""
    touch(tmp_path, 'a.jpg', 'a.png', 'b.jpg')
    with pytest.raises(DatasetError, match=r'two images have the id a: a.jpg and a.png'):
        unlabeled(tmp_path, img_suffix=('.jpg', '.png'))
    assert unlabeled(tmp_path, img_suffix='.jpg') == ['a.jpg', 'b.jpg']


def test_the_longest_suffix_counts():
    folder = ImageFolder('', ('.png', '_rgb.png'))
    assert folder.split('a_RGB.png') == ('a', '_RGB.png')
    assert folder.split('a.jpg') is None


def test_a_labeled_set_without_an_image_folder_says_so(tmp_path):
    config = dict(type='BaseSegDataset', metainfo=dict(classes=('a',)), data_prefix=dict(seg_map_path=str(tmp_path)))
    with pytest.raises(DatasetError, match='data_prefix of BaseSegDataset has no img_path'):
        DATASETS.build(config)


def test_the_current_folder_is_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(touch(tmp_path, 'a.png'))
    images = DATASETS.build(dict(type='UnlabeledImages', img_suffix='.png'))
    assert images.image_id(images.get_data_info(0)['img_path']) == 'a'


class Remote(BaseStorageBackend):
    """Lists what it holds, and fails if it is asked for single files."""

    def get(self, filepath):
        raise AssertionError(f'{filepath} was looked up')

    get_text = get

    def list_dir_or_file(self, dir_path, list_dir=True, list_file=True, suffix=None, recursive=False):
        assert not list_dir and recursive
        return iter(['b.png', 'a/0.PNG', 'a/notes.txt'])


def test_remote_images_are_listed_and_never_looked_up(tmp_path, monkeypatch):
    """A request per image would take hours; a list is taken at its word, but for suffixes."""
    monkeypatch.setitem(prefix_to_backends, 'remote', Remote)
    folder = ImageFolder('remote://images', ('.png',))
    assert folder.files() == [('a/0', '.PNG'), ('b', '.png')]
    assert folder.find('anything') == 'anything.png'
    (tmp_path / 'list.txt').write_text('b.png\na/0\n')
    assert match_ids(str(tmp_path / 'list.txt'), folder) == ['b', 'a/0']
