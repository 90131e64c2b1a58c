"""Names of what is written of images: apart where images are, and never outside the folder."""

import pytest
from mmengine.dataset import ConcatDataset
from mmseg.datasets import BaseSegDataset

from mmseg_ssl.utils.image_names import image_root, name_of_image


@pytest.mark.parametrize(
    'path, root, name',
    [
        ('data/img/a/0.png', 'data/img', 'a/0'),
        ('data/img/0.b.png', 'data/img/', '0.b'),
        ('data/img/a/0.png', None, '0'),
        ('data/other/0.png', 'data/img', '0'),
        ('/elsewhere/a/0.png', 'data/img', '0'),
        ('data/img/..0/1.png', 'data/img', '..0/1'),
    ],
)
def test_name_of_image(path, root, name):
    assert name_of_image(path, root) == name


def dataset(folder, **options):
    known = dict(data_prefix=dict(img_path=str(folder)), test_mode=True, metainfo=dict(classes=('a',)))
    return BaseSegDataset(img_suffix='.png', **dict(known, **options))


def test_image_root(tmp_path):
    for name in ('one/a/0.png', 'one/a/1.png', 'two/0.png'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    one, two = dataset(tmp_path / 'one'), dataset(tmp_path / 'two')
    assert image_root(one) == str(tmp_path / 'one')  # the dataset's folder, though all are in a/
    assert image_root(ConcatDataset([one, two])) == str(tmp_path)
    assert image_root([1, 2]) is None
