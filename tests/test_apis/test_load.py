"""``mmseg_ssl.load``: the network of a run predicts what mmseg predicts, in one piece and in tiles."""

import copy
import warnings

import cv2
import numpy as np
import pytest
import tiny
import torch
from mmengine.config import Config
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS
from PIL import Image
from tiny_run import META, noise, write_run

from mmseg_ssl import load
from mmseg_ssl.apis import dataset_meta, find_run
from mmseg_ssl.apis.tiles import tile_spans
from mmseg_ssl.errors import DatasetError, UserError


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / 'runs' / 'mine'
    write_run(folder, 'MeanTeacher')
    cv2.imwrite(str(folder.parent / 'photo.png'), noise(1))
    return folder


def test_it_predicts_as_the_host_does(run):
    """And a path, an array (blue, green, red) and a PIL image (red, green, blue) are the same image."""
    photo = str(run.parent / 'photo.png')
    model = load(run, device='cpu')
    result = model(photo)
    host = inference_model(init_model(str(run / 'tiny_mine.py'), str(run / 'iter_6.pth'), device='cpu'), photo)
    assert np.array_equal(result.mask, host.pred_sem_seg.data[0].numpy())
    probs = host.seg_logits.data.softmax(dim=0)
    torch.testing.assert_close(torch.from_numpy(result.confidence), probs.amax(dim=0))
    entropy = -(probs * probs.log()).sum(dim=0) / np.log(4)
    torch.testing.assert_close(torch.from_numpy(result.uncertainty), entropy, atol=1e-5, rtol=1e-4)
    for other in (cv2.imread(photo), Image.open(photo)):
        assert np.array_equal(model(other).uncertainty, result.uncertainty)
    assert result.classes == META['classes'] and result.palette.tolist() == META['palette']


def test_a_run_on_deep_images_predicts(run):
    """16-bit values of 16 times a photo's, with 4080 for white, are the photo."""
    photo = run.parent / 'photo.png'
    expected = load(run, device='cpu')(str(photo))
    config = run / 'tiny_mine.py'
    deep, plain = "type='LoadDeepImage', max_value=4080", "type='LoadImageFromFile'"
    assert plain in config.read_text()
    config.write_text(config.read_text().replace(plain, deep))
    cv2.imwrite(str(photo), cv2.imread(str(photo)).astype(np.uint16) * 16)
    torch.testing.assert_close(load(run, device='cpu')(str(photo)).confidence, expected.confidence)
    config.write_text(config.read_text().replace(deep, "type='Resize', scale=(32, 32)"))
    with pytest.raises(UserError, match='begins with Resize, not with LoadImageFromFile or LoadDeepImage'):
        load(run, device='cpu')


def test_the_host_does_not_talk_of_itself(run, monkeypatch, caplog, capsys):
    """Loading and predicting are quiet; a warning that is not known passes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        load(run, device='cpu')(noise(1))
        network = load(run, device='cpu')
        predict, said = network.model.predict, 'When align_corners=True, the output would more aligned if input size'

        def talk(*given):
            warnings.warn(said, stacklevel=2)
            warnings.warn('this image is odd', stacklevel=2)
            return predict(*given)

        monkeypatch.setattr(network.model, 'predict', talk)
        network(noise(1))
    assert [str(one.message) for one in caught] == ['this image is odd']
    said = capsys.readouterr()
    assert said.out + said.err + caplog.text == ''
    build = MODELS.build
    monkeypatch.setattr(MODELS, 'build', lambda cfg: warnings.warn('something new', stacklevel=2) or build(cfg))
    with pytest.warns(UserWarning, match='something new'):
        load(run, device='cpu')


def test_another_network_and_its_own_maps(run, tmp_path):
    photo = str(run.parent / 'photo.png')
    student, teacher = (load(run, network=name, device='cpu')(photo) for name in ('student', 'teacher'))
    assert not np.array_equal(student.confidence, teacher.confidence)
    with pytest.raises(ValueError, match="can predict_on .*'student', 'teacher'"):
        load(run, network='peer', device='cpu')
    write_run(tmp_path / 'dueb', 'DUEB')
    result = load(tmp_path / 'dueb', device='cpu')(photo)
    assert 'variance' in result.maps and result.maps['variance'].shape == result.mask.shape == (40, 56)


def test_shares_and_overlay_are_those_of_the_mask(run):
    photo = cv2.imread(str(run.parent / 'photo.png'))
    result = load(run, device='cpu')(photo)
    result = result._replace(mask=np.where(np.arange(56) < 14, 2, 0).astype(np.uint8) * np.ones((40, 1), np.uint8))
    assert result.shares() == dict(sky=0.75, road=0.0, car=0.25, tree=0.0)
    painted = result.overlay(photo, opacity=1.0)
    assert painted[0, 0].tolist() == [0, 0, 255] and painted[0, 50].tolist() == [9, 0, 0]  # blue, green, red
    assert np.array_equal(result.overlay(photo, opacity=0.0), photo)


def test_tiles_are_the_whole_where_the_network_sees_less_than_half_the_overlap(run, monkeypatch):
    """The tiny network sees at most 16 pixels around each; of an overlap of 32, a tile's outer 16 are not taken.

    Tiles start at multiples of 4, its stride, so the same pixels meet; at its border a tile sees padding.
    """
    model, image = load(run, device='cpu'), noise(2, 96, 160)
    whole, tiled = model(image), model(image, tile=64, overlap=32)
    assert [span.start for span in tile_spans(160, 64, 32)] == [0, 32, 64, 96]
    np.testing.assert_allclose(tiled.uncertainty, whole.uncertainty, atol=1e-5)
    assert np.array_equal(tiled.mask, whole.mask)
    bordered = model(image, tile=64, overlap=0)
    assert not np.allclose(bordered.uncertainty, whole.uncertainty, atol=1e-3)  # or the test would see nothing


@pytest.mark.parametrize(
    ('length', 'tile', 'overlap'), [(10, 6, 2), (97, 32, 16), (33, 32, 31), (32, 32, 8), (5, 32, 8)]
)
def test_tiles_keep_every_pixel_once_and_overlap_as_asked(length, tile, overlap):
    spans = tile_spans(length, tile, overlap)
    kept = [place for span in spans for place in range(span.keep_from, span.keep_to)]
    assert kept == list(range(length))
    assert all(span.stop - span.start == min(tile, length) for span in spans)
    assert all(0 <= span.start <= span.keep_from < span.keep_to <= span.stop <= length for span in spans)
    for one, two in zip(spans, spans[1:]):
        assert one.stop - two.start >= overlap
        assert min(one.stop - one.keep_to, two.keep_from - two.start) >= overlap // 2


def test_a_tile_is_longer_than_the_overlap():
    with pytest.raises(ValueError, match='tiles of 8 pixels cannot overlap by 8'):
        tile_spans(20, 8, 8)


def test_what_find_run_takes_and_refuses(run, tmp_path):
    files = find_run(run)
    assert (files.config.name, files.checkpoint.name) == ('tiny_mine.py', 'iter_6.pth')
    assert find_run(run / 'iter_6.pth') == find_run(run / 'tiny_mine.py', run / 'iter_6.pth') == files
    with pytest.raises(UserError, match='there is no run'):
        find_run(tmp_path / 'none')
    with pytest.raises(UserError, match='holds no config'):
        find_run(tmp_path)
    (tmp_path / 'a.py').write_text('')
    with pytest.raises(UserError, match='holds no complete checkpoint'):
        find_run(tmp_path)
    with pytest.raises(UserError, match='there is no checkpoint .*b.pth'):
        find_run(tmp_path, 'b.pth')
    (tmp_path / 'b.py').write_text('')
    with pytest.raises(UserError, match=r'several configs \(a.py, b.py\)'):
        find_run(tmp_path)


def test_classes_and_colors_are_those_that_the_dataset_would_have():
    """Of ``metainfo``, of the class, of a subset of the class's names, of names without colors, inside of wrappers."""

    def meta(dataset, key='test_dataloader'):
        return dataset_meta(Config({key: dict(dataset=dataset)}))

    assert meta(dict(type='BaseSegDataset', metainfo=META)) == {key: list(value) for key, value in META.items()}
    camvid = meta(dict(type='CamVidDataset', data_root='nowhere'))
    assert len(camvid['classes']) == len(camvid['palette']) == 11
    two = meta(dict(type='CamVidDataset', metainfo=dict(classes=(camvid['classes'][4], camvid['classes'][1]))))
    assert two['palette'] == [camvid['palette'][4], camvid['palette'][1]]
    assert len(meta(dict(type='BaseSegDataset', metainfo=dict(classes=('a', 'b', 'c'))))['palette']) == 3
    wrapped = dict(type='SemiDataset', labeled=dict(type='CamVidDataset'), unlabeled=dict(type='UnlabeledImages'))
    assert meta(copy.deepcopy(wrapped), 'train_dataloader') == camvid
    assert meta(dict(type='ConcatDataset', datasets=[dict(type='CamVidDataset')])) == camvid
    assert meta(dict(type='UnlabeledImages')) == {} == dataset_meta(Config())


def test_a_checkpoint_with_code_is_refused(run, tmp_path):
    torch.save(dict(state_dict=tiny.TinyBackbone()), tmp_path / 'code.pth')
    with pytest.raises(RuntimeError, match=r'code\.pth: refused'):
        load(run, tmp_path / 'code.pth', device='cpu')


@pytest.mark.parametrize(
    ('image', 'said'),
    [
        (noise(0) / 255, 'expected values from 0 to 255.* got float64 from '),
        (noise(0) > 100, 'got bool from 0 to 1'),
        (noise(0).astype(np.uint16) * 257, 'got uint16 from '),
        (np.where(noise(0) > 100, np.nan, 1.0), 'NaN'),
        (noise(0)[None], r'expected one image .*got an array \(1, 40, 56, 3\)'),
        (noise(0)[:0], 'got an array'),
        (Image.fromarray(noise(0)[..., 0].astype(np.uint16) * 257), 'mode I;16 has more than 8 bits'),
        (noise(0).tolist(), 'expected a path, an array or a PIL image, got list'),
    ],
)
def test_arrays_that_are_no_images_are_refused(run, image, said):
    """Each was predicted without a word, mostly as one class, or failed deep in the network."""
    with pytest.raises((TypeError, ValueError), match=said):
        load(run, device='cpu')(image)


def test_a_file_that_no_loader_reads_is_named_with_the_fix(run, tmp_path):
    """Any other failure keeps the loader's words: a missing file, and floats, of which OpenCV makes no colors."""
    network, path = load(run, device='cpu'), tmp_path / 'a.tif'
    with pytest.raises(FileNotFoundError, match='a.tif'):
        network(path)
    Image.fromarray(noise(0)[..., 0].astype(np.float32)).save(path)
    with pytest.raises(AssertionError, match='failed to load image'):
        network(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DatasetError, match=r'a.tif: cannot be decoded.* Get the file again, or remove it\.'):
        network(path)


def test_values_that_the_loader_cuts_off_are_said_once(run, tmp_path):
    """Of 11 bits in 16 the host's loader leaves 8 levels; files whose 16 bits are used, and arrays, are fine."""
    network = load(run, device='cpu')
    for name, factor in (('full', 257), ('deep', 8)):
        cv2.imwrite(str(tmp_path / f'{name}.png'), noise(0).astype(np.uint16) * factor)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        for image in (tmp_path / 'full.png', noise(0), tmp_path / 'deep.png', str(tmp_path / 'deep.png')):
            network(image)
    said = [one for one in caught if 'more than 8 bits' in str(one.message)]
    assert len(said) == 1 and 'deep.png has more than 8 bits' in str(said[0].message)
    assert said[0].filename == __file__  # the line of the user


def test_whole_numbers_of_any_type_are_an_image(run):
    network, image = load(run, device='cpu'), noise(0)
    for kind in (np.float32, np.int64):
        assert np.array_equal(network(image.astype(kind)).mask, network(image).mask)
