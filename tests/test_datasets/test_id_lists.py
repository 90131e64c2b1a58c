"""Lists as people have them are read right, or refused in one line that names the line."""

import pytest
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmseg_ssl.datasets import DatasetError, read_ids
from mmseg_ssl.datasets.id_lists import match_ids
from mmseg_ssl.datasets.image_folder import ImageFolder

READ = {
    'line ends of DOS': b'04\r\n11  \r\n\r\n',
    'old line ends of the Macintosh': b'04\r11\r',
    'byte order mark': b'\xef\xbb\xbf04\n11\n',
    'UTF-16': '04\r\n11\r\n'.encode('utf-16'),
    'UTF-16 without a mark': '04\n11\n'.encode('utf-16-le'),
    'UTF-16, the other way round': '04\n11\n'.encode('utf-16-be'),
    'UTF-32': '04\n11\n'.encode('utf-32'),
    'comments and blank lines': b'# mine\n\n04\n  \n11\n\n',
    'suffix': b'04.png\n11.PNG\n',
    'point and backslash': b'./04\n.\\11\n',
    'below the root': b'img_dir/train/04.png\nimg_dir\\train\\11\n',
    'pairs of VOC': b'/img_dir/train/04.png /ann_dir/train/04.png\n/img_dir/train/11.png\t/ann_dir/train/11.png\n',
    'pairs, commas': b'04,04\n11.png,11.png\n',
}
REFUSED = {
    'repeated': (b'04\n11\n04\n', r"line 3: '04' is already in line 1"),
    'repeated in other words': (b'04\n11\n04.png\n', r"line 3: '04.png' is already in line 1"),
    'absent': (b'04\n12\n', r"line 2: '12' names no image of .*train; the nearest image is \d\d.png"),
    'in another folder': (b'sub/04\n', r"line 1: 'sub/04' names no image .* nearest image is 04.png"),
    'other case': (b'04\nA\n', r"line 2: 'A' names no image"),
    'a pair that is none': (b'04 11\n', r"line 1: '04 11' names no image"),
    'a number behind the id': (b'04 1\n11 -1\n', r'line 1: .*\n.*line 2'),
    'outside': (b'../val/04\n', r"line 1: '../val/04' names no image"),
    'Latin-1': (b'04\n\xfc\n', r'line 2: not text in UTF-8'),
    'comments alone': (b'# nothing\n', r'list.txt: the list is empty. Write one image id per line'),
}


def labeled(data, **changes) -> list:
    config = dict(
        type='CamVidDataset',
        data_root=str(data),
        ann_file='list.txt',
        data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train'),
        img_suffix='.png',
    )
    return DATASETS.build(dict(config, **changes)).load_data_list()


@pytest.mark.parametrize('case', READ)
def test_a_list_is_read_whatever_its_form(data, case):
    """As the host's datasets read it, and as unlabeled ones do."""
    (data / 'list.txt').write_bytes(READ[case])
    expected = [data / f'{{}}/train/{name}.png' for name in ('04', '11')]
    infos = labeled(data)
    assert [info['img_path'] for info in infos] == [str(path).format('img_dir') for path in expected]
    assert [info['seg_map_path'] for info in infos] == [str(path).format('ann_dir') for path in expected]
    prefix = dict(img_path='img_dir/train')
    images = DATASETS.build(
        dict(type='UnlabeledImages', ann_file='list.txt', data_root=str(data), data_prefix=prefix, img_suffix='.png')
    )
    assert [info['img_path'] for info in images.load_data_list()] == [info['img_path'] for info in infos]


@pytest.mark.parametrize('case', REFUSED)
def test_what_is_not_clear_is_refused_by_line(data, case):
    content, message = REFUSED[case]
    (data / 'list.txt').write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        labeled(data)


def test_absolute_paths_below_the_image_folder_are_read_and_others_refused(data):
    folder = data / 'img_dir/train'
    (data / 'link').symlink_to(folder)
    (data / 'list.txt').write_text(f'{folder}/04\n{data}/link/11.png\n')
    assert len(labeled(data)) == 2
    (data / 'list.txt').write_text(f'{data}/ann_dir/train/04.png\n')
    with pytest.raises(DatasetError, match='line 1.*names no image'):
        labeled(data)


def test_a_name_that_exists_is_taken_as_it_is(tmp_path):
    """``a.png.png`` is image ``a.png``, a name may have blanks, and the list keeps its order."""
    for name in ('a.png', 'a.png.png', 'my photo, 1.png'):
        (tmp_path / name).touch()
    (tmp_path / 'list.txt').write_text('my photo, 1\na.png\na\n')
    ids = match_ids(str(tmp_path / 'list.txt'), ImageFolder(str(tmp_path), ('.png',)))
    assert ids == ['my photo, 1', 'a.png', 'a']


def test_only_the_first_of_many_bad_lines_are_named(data):
    (data / 'list.txt').write_text(''.join(f'x{number}\n' for number in range(40)))
    with pytest.raises(DatasetError, match=r'40 of 40 line\(s\)(.|\n)*line 5(.|\n)*and 35 more') as error:
        labeled(data)
    assert 'line 6' not in str(error.value)


def test_a_list_of_another_suffix_says_what_the_folder_holds(data):
    (data / 'list.txt').write_text('04\n')
    with pytest.raises(DatasetError, match=r'no image that ends in .jpg; it holds 12 with .png'):
        labeled(data, img_suffix='.jpg')


def test_ids_without_a_folder_are_the_lines(tmp_path):
    """Lists as read by tools that know no images."""
    (tmp_path / 'list.txt').write_bytes('# all\r\na\r\n\r\nb/c\r\n'.encode('utf-16'))
    assert read_ids(str(tmp_path / 'list.txt')) == ['a', 'b/c']


def test_the_hosts_entries_are_unchanged(data, monkeypatch):
    """Order, keys and values for a plain list and a plain folder, as ``BaseSegDataset`` of mmseg 1.2.2 makes them."""
    folder = labeled(data, ann_file='')
    assert [info['img_path'][-6:] for info in folder] == [f'{number:02d}.png' for number in range(12)]
    assert list(folder[0]) == ['img_path', 'seg_map_path', 'label_map', 'reduce_zero_label', 'seg_fields']
    assert folder[0]['seg_fields'] == [] and folder[0]['label_map'] is None
    (data / 'list.txt').write_text('11\n04\n')
    assert [info['img_path'][-6:] for info in labeled(data)] == ['11.png', '04.png']
    assert BaseSegDataset.load_data_list.__module__ == 'mmseg_ssl.compat.seg_data_list'
