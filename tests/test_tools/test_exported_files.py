"""What ``tools/export_segmentor.py`` writes for others: mmseg's inferencer, ONNX, torch.export and the model card."""

import json
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny
import torch
from load_tool import load_tool
from mmcv.cnn.bricks import Conv2dAdaptivePadding
from mmengine.config import Config
from mmseg.apis import MMSegInferencer
from tiny_run import META, noise, write_run

from mmseg_ssl import load
from mmseg_ssl.apis.graph import NetworkGraph, follow_sizes
from mmseg_ssl.apis.network import segmentor_of
from mmseg_ssl.tooling import graph_files
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.model_card import model_card
from mmseg_ssl.tooling.unlabeled_images import LIST

NEW_TORCH = pytest.mark.skipif(torch.__version__ < '2.6', reason='torch.export with any size needs torch 2.6')


@pytest.fixture
def tool():
    return load_tool('export_segmentor')


def export(tool, run, *words):
    tool.main([str(run / 'tiny_mine.py'), str(run / 'iter_6.pth'), str(run / 'out'), *words])
    return run / 'out' / 'tiny_mine'


def test_the_inferencer_of_the_host_opens_it_with_classes_and_colors(tool, tmp_path):
    """Of a ``BaseSegDataset`` with ``metainfo``, as the README has it; and ``load`` opens it, too."""
    model = write_run(tmp_path, 'MeanTeacher')
    stem = export(tool, tmp_path, '--network', 'teacher')
    saved = torch.load(f'{stem}.pth', weights_only=True)
    assert saved['meta']['dataset_meta'] == {key: list(value) for key, value in META.items()}
    inferencer = MMSegInferencer(f'{stem}.py', f'{stem}.pth', device='cpu')
    image = noise(3)
    mask = inferencer(image)['predictions']
    assert inferencer.model.dataset_meta['palette'] == META['palette']
    own = load(tmp_path, network='teacher', device='cpu')(image)
    assert np.array_equal(mask, own.mask) and len(np.unique(mask)) > 1
    plain = load(tmp_path / 'out', device='cpu')
    assert np.array_equal(plain(image).uncertainty, own.uncertainty) and plain.classes == META['classes']
    assert model.networks == ('student', 'teacher')


def test_an_export_that_fails_leaves_what_was_there(tool, tmp_path, monkeypatch):
    """Weights without a card, or a graph that does not run, would be taken for a whole export."""
    write_run(tmp_path, 'MeanTeacher')

    def fail(*_):
        raise UserError('does not run')

    monkeypatch.setattr(tool, 'export_graphs', fail)
    for earlier in (set(), {'mine.txt', 'tiny_mine.pth'}):
        for name in earlier:
            (tmp_path / 'out').mkdir(exist_ok=True)
            (tmp_path / 'out' / name).write_text('mine')
        with pytest.raises(UserError, match='does not run'):
            export(tool, tmp_path, '--format', 'mmseg', 'onnx')
        assert {path.name for path in tmp_path.glob('out/*')} == earlier
        assert (tmp_path / 'out').exists() == bool(earlier)
    (tmp_path / 'out/.partial').mkdir()
    (tmp_path / 'out/.partial/tiny_mine.onnx').write_text('of a killed one')
    monkeypatch.chdir(tmp_path / 'out')
    tool.main([str(tmp_path / 'tiny_mine.py'), str(tmp_path / 'iter_6.pth'), '.'])
    names = {'mine.txt', *(f'tiny_mine.{end}' for end in ('py', 'pth', 'md'))}
    assert {path.name for path in tmp_path.glob('out/*')} == names
    assert (tmp_path / 'out/tiny_mine.pth').stat().st_size > 1000


@NEW_TORCH
@pytest.mark.parametrize(
    ('method', 'own', 'options'),
    [
        ('DUEB', 'variance', {}),
        ('DUEB', 'variance', dict(predict_on='mean')),
        ('ELN', 'correctness', dict(predict_correctness=True)),
    ],
)
def test_the_graph_predicts_what_the_network_predicts(tmp_path, method, own, options):
    """From the bytes of the image to mask, probabilities, entropy and the method's own maps."""
    write_run(tmp_path, method, **options)
    network, image = load(tmp_path, device='cpu'), noise(4)
    graph = NetworkGraph(network, uncertainty=True).eval()
    result, images = network(image), torch.from_numpy(image).permute(2, 0, 1)[None].float()
    assert own in graph.outputs
    with torch.no_grad():
        for found in (graph(images), graph_files.export_program(graph, (40, 56)).module()(images)):
            named = dict(zip(graph.outputs, found))
            assert np.array_equal(named['mask'][0].numpy(), result.mask)
            torch.testing.assert_close(named['probabilities'].amax(dim=1)[0].numpy(), result.confidence)
            torch.testing.assert_close(named['uncertainty'][0].numpy(), result.uncertainty)
            torch.testing.assert_close(named[own][0].numpy(), result.maps[own])


def channels_of(count, **options):
    """A network and a preparation of so many channels, each with a mean of its own."""
    segmentor = tiny.tiny_segmentor(backbone=dict(type='TinyBackbone', in_channels=count))
    own = dict(mean=[10.0, 60.0, 120.0, 200.0][:count], std=[50.0] * count, strong=None, size=None)
    return dict(segmentor=segmentor, data_preprocessor=tiny.preprocessor(**own, **options))


@pytest.mark.parametrize('count', [3, 4])
def test_colors_of_three_channels_alone_are_turned_around(tmp_path, count):
    """As training and prediction do: of four channels nobody says which is red."""
    write_run(tmp_path, **channels_of(count, bgr_to_rgb=True))
    network = load(tmp_path, device='cpu')
    image = np.random.RandomState(0).randint(0, 255, (32, 40, count)).astype(np.uint8)
    result = network(image)
    mask, probs = NetworkGraph(network).eval()(torch.from_numpy(image).permute(2, 0, 1)[None].float())
    assert np.array_equal(mask[0].numpy(), result.mask)
    torch.testing.assert_close(probs.amax(dim=1)[0].detach().numpy(), result.confidence)


@pytest.mark.parametrize('spoil', [None, 'flips', 'std'])
@pytest.mark.parametrize('divisor', [None, 32])
@pytest.mark.parametrize('mode', ['whole', 'slide'])
def test_the_graph_is_compared_with_the_network(tmp_path, spoil, divisor, mode):
    """Not only the file with the graph: both may prepare images alike, and wrong. Padding and windows are left out."""
    options = channels_of(3, bgr_to_rgb=True, test_cfg=dict(size_divisor=divisor) if divisor else None)
    test_cfg = dict(mode=mode, **dict(crop_size=(16, 16), stride=(16, 16)) if mode == 'slide' else {})
    options['segmentor']['test_cfg'] = test_cfg
    write_run(tmp_path, **({} if mode == 'whole' else dict(method='DUEB', predict_on='mean')), **options)
    network = load(tmp_path, device='cpu')
    graph = NetworkGraph(network).eval()
    if spoil:
        setattr(graph, spoil, False if spoil == 'flips' else graph.std * 1.1)
        with pytest.raises(UserError, match='from what the network predicts'):
            graph_files.require_same(graph, network, (30, 41))
    else:
        graph_files.require_same(graph, network, (30, 41))
    assert segmentor_of(network.model).test_cfg.mode == mode


def test_the_tool_compares_with_the_network(tool, tmp_path, monkeypatch):
    """Before it writes anything."""
    write_run(tmp_path)

    def fail(graph, network, size):
        raise UserError(f'{graph.channels} {network.classes[1]} {size}')

    monkeypatch.setattr(tool, 'require_same', fail)
    with pytest.raises(UserError, match=r'3 road \(64, 48\)'):
        export(tool, tmp_path, '--format', 'onnx', '--size', '64', '48')


def test_a_binary_head_keeps_its_threshold(tmp_path):
    head = tiny.binary_segmentor()
    head.decode_head.threshold = 0.2
    write_run(tmp_path, segmentor=head)
    network, image = load(tmp_path, device='cpu'), noise(5)
    graph = NetworkGraph(network).eval()
    mask, probs = graph(torch.from_numpy(image).permute(2, 0, 1)[None].float())
    assert np.array_equal(mask[0].numpy(), network(image).mask)
    assert probs.shape[1] == 2 and not torch.equal(mask, probs.argmax(dim=1).to(mask))


@NEW_TORCH
def test_onnx_and_torch_files_are_the_network(tool, tmp_path, capsys):
    """The tool compares; here once more: of ONNX two images of a third size, of torch as many of its own."""
    pytest.importorskip('onnxruntime')
    import onnxruntime

    write_run(tmp_path, 'DUEB')
    stem = export(tool, tmp_path, '--format', 'onnx', 'torch', '--uncertainty', '--size', '64', '64')
    assert not Path(f'{stem}.pth').exists()
    text = capsys.readouterr().out
    assert 'tiny_mine.onnx differs by at most' in text and 'tiny_mine.pt2 differs by at most' in text
    graph = NetworkGraph(load(tmp_path, device='cpu'), uncertainty=True).eval()
    program = torch.export.load(f'{stem}.pt2').module()
    for call, size in ((lambda x: graph_files.run_onnx(Path(f'{stem}.onnx'), x), (47, 90)), (program, (64, 64))):
        images = torch.rand(2, 3, *size) * 255
        found = call(images)
        assert graph_files.largest_difference(graph, images, found) < 1e-4
        spoiled = [values.roll(1, dims=-1) for values in found]
        with pytest.raises(UserError, match='differs from the trained one'):
            graph_files.largest_difference(graph, images, spoiled)
    session = onnxruntime.InferenceSession(f'{stem}.onnx', providers=['CPUExecutionProvider'])
    assert session.get_inputs()[0].shape == ['batch', 3, 'height', 'width']
    assert [out.name for out in session.get_outputs()] == ['mask', 'probabilities', 'uncertainty', 'variance']
    notes = session.get_modelmeta().custom_metadata_map
    assert json.loads(notes['classes']) == list(META['classes']) and json.loads(notes['channels']) == 'blue, green, red'


@pytest.mark.parametrize(
    ('kernel', 'stride', 'dilation'), [(3, 1, 1), (3, 2, 1), (3, 2, 2), (1, 1, 1), (5, 3, 1), (1, 2, 1)]
)
def test_same_padding_follows_the_size(kernel, stride, dilation):
    """Equal to mmcv's for every remainder of the size; traced with one size, it pads another one as it should."""
    conv = Conv2dAdaptivePadding(2, 3, kernel, stride, dilation=dilation)
    sizes = [(12, 13), (13, 12), (14, 17), (15, 16)]
    images = [torch.randn(1, 2, *size) for size in sizes]
    wanted = [conv(image) for image in images]
    follow_sizes(torch.nn.Sequential(conv))
    for image, other in zip(images, wanted):
        assert torch.equal(conv(image), other)
    if kernel >= stride:
        traced = torch.jit.trace(torch.nn.Sequential(conv), images[0], check_trace=False)
        assert all(torch.allclose(traced(image), other, atol=1e-6) for image, other in zip(images, wanted))


def test_missing_packages_name_the_extra(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, 'onnx', None)
    with pytest.raises(UserError, match=r"pip install 'mmseg_ssl\[onnx\]'"):
        graph_files.write_onnx(None, tmp_path / 'x.onnx', (8, 8), False, {})


def leave_records(run):
    """What training and test leave beside the checkpoint."""
    for folder in ('1/vis_data', 'test/2/vis_data'):
        (run / folder).mkdir(parents=True)
    data = dict(labeled=8, total=38, unlabeled=30, shared=0, list='mine.txt', hash='1a2b3c4d')
    (run / '1/data.json').write_text(json.dumps(data))
    trained = {'mIoU': 51.5, 'IoU.sky': 60.0, 'teacher/mIoU': 47.5, 'teacher/IoU.sky': 55.0, 'step': 6}
    (run / '1/vis_data/scalars.json').write_text(f'{json.dumps(trained)}\n')
    tested = dict(test_dataloader=dict(dataset=dict(data_prefix=dict(img_path='img/test'))), load_from='old/iter_6.pth')
    Config(tested).dump(str(run / 'test/2/vis_data/config.py'))
    scores = {'mIoU': 1.0, 'student/mIoU': 1.0, 'teacher/mIoU': 43.21, 'teacher/IoU.road': 12.5, 'teacher/ECE': 3.0}
    (run / 'test/2/2.json').write_text(json.dumps(scores))


def test_the_card_has_the_numbers_of_the_run(tool, tmp_path):
    write_run(tmp_path, 'MeanTeacher')
    leave_records(tmp_path)
    card = Path(f'{export(tool, tmp_path, "--network", "teacher")}.md').read_text()
    for row in (
        '| labeled images | 8 of 38 (list `mine.txt`, 1a2b3c4d) |',
        '| 2 | car | `[255, 0, 0]` |',
        '| mIoU | 43.21 |',
        '| IoU.road | 12.50 |',
        '| mIoU | 47.50 |',
    ):
        assert row in card, card
    assert 'The network `teacher` of `iter_6.pth`: TinyBackbone with FCNHead, trained by MeanTeacher' in card
    assert 'on the test images (`img/test`)' in card and 'ECE' not in card
    assert '`tiny_mine.pth`' in card and '.onnx`:' not in card
    assert str(tmp_path) not in card


def leave_test(run, time, scores, images='img/test', **changes):
    """What a test with the work dir of the training leaves: a log folder beside the training's."""
    (run / time / 'vis_data').mkdir(parents=True)
    (run / time / f'{time}.json').write_text(json.dumps(scores))
    (run / time / 'vis_data/scalars.json').write_text(f'{json.dumps(dict(scores, step=0))}\n')
    tested = dict(test_dataloader=dict(dataset=dict(data_prefix=dict(img_path=images))), load_from='old/iter_6.pth')
    Config(dict(tested, **changes)).dump(str(run / time / 'vis_data/config.py'))


def scores_of_card(run, network='student'):
    """Title and mIoU of the tables of scores."""
    cfg = Config.fromfile(str(run / 'tiny_mine.py'))
    card = model_card(cfg, run / 'iter_6.pth', network, [])
    parts = re.findall(r'^## Scores on the (.*?)$(.*?)(?=^##|\Z)', card, re.MULTILINE | re.DOTALL)
    return {title: re.search(r'\| mIoU \| (.*?) \|', text).group(1) for title, text in parts}


def test_the_card_has_no_numbers_of_another_network(tmp_path):
    """Names without a network are of the first one of predict_on, as training and test had it."""
    write_run(tmp_path, 'MeanTeacher')
    leave_records(tmp_path)
    (tmp_path / '1/vis_data/scalars.json').write_text('{"mIoU": 51.5, "step": 6}\n')
    (tmp_path / 'test/2/2.json').write_text('{"mIoU": 43.21}')
    settings = tmp_path / 'test/2/vis_data/config.py'
    teacher, student = "model = dict(type='MeanTeacher', predict_on='teacher')\n", "model = dict(type='MeanTeacher')\n"
    base, val, test = settings.read_text(), 'validation images, iteration 6', 'test images (`img/test`)'
    settings.write_text(base + teacher)
    assert scores_of_card(tmp_path, 'student') == {val: '51.50'}
    assert scores_of_card(tmp_path, 'teacher') == {test: '43.21'}
    assert scores_of_card(tmp_path, 'mean') == {}
    settings.write_text(base + student)
    (tmp_path / '1/vis_data/config.py').write_text(teacher)
    assert scores_of_card(tmp_path, 'student') == {test: '43.21'}
    assert scores_of_card(tmp_path, 'teacher') == {val: '51.50'}
    # of two tests the latest one that scored the network
    leave_test(tmp_path, '3', {'mIoU': 9.0}, model=dict(type='MeanTeacher', predict_on='teacher'))
    assert scores_of_card(tmp_path, 'student') == {test: '43.21'}
    wrapped = dict(type='SemiTTAModel', module=dict(type='MeanTeacher'))
    leave_test(tmp_path, '4', {'mIoU': 8.0}, model=wrapped)
    assert scores_of_card(tmp_path, 'student') == {test: '8.00'}


def test_the_card_has_no_numbers_of_a_test_in_the_same_folder(tmp_path):
    """A test's log is no validation of the training, nor is a test of the unlabeled images one of the test set."""
    write_run(tmp_path, 'MeanTeacher')
    leave_records(tmp_path)
    leave_test(tmp_path, '5', {'mIoU': 7.0, 'student/mIoU': 7.0}, load_from='old/iter_2.pth')
    leave_test(tmp_path / 'on', '6', {'mIoU': 6.0, 'student/mIoU': 6.0}, images='img/train')
    (tmp_path / 'on' / LIST).write_text('')
    assert scores_of_card(tmp_path) == {'test images (`img/test`)': '1.00', 'validation images, iteration 6': '51.50'}


def test_the_card_has_no_numbers_of_an_earlier_training(tmp_path):
    """Another training in the same folder has overwritten the checkpoint that was tested; one that resumed has not."""
    write_run(tmp_path, 'MeanTeacher')
    leave_records(tmp_path)
    both = {'test images (`img/test`)': '1.00', 'validation images, iteration 6': '51.50'}
    (tmp_path / '3/vis_data').mkdir(parents=True)
    (tmp_path / '3/data.json').write_text((tmp_path / '1/data.json').read_text())
    (tmp_path / '3/vis_data/config.py').write_text('resume = True\n')
    (tmp_path / '3/vis_data/scalars.json').write_text('{"loss": 1.0, "step": 7}\n')
    assert scores_of_card(tmp_path) == both
    (tmp_path / '3/vis_data/config.py').write_text('resume = False\n')
    assert scores_of_card(tmp_path) == {}
    leave_test(tmp_path, '4', {'mIoU': 7.0})
    assert scores_of_card(tmp_path) == {'test images (`img/test`)': '7.00'}
    (tmp_path / '3/vis_data/scalars.json').unlink()  # it failed before it logged anything
    shutil.rmtree(tmp_path / '4')
    assert scores_of_card(tmp_path) == both


def test_a_published_checkpoint_is_small_and_named_by_its_hash(tmp_path):
    import hashlib

    publish = load_tool('publish_model')
    model = write_run(tmp_path, 'MeanTeacher')
    whole = torch.load(tmp_path / 'iter_6.pth', weights_only=True)
    extra = dict(optimizer=dict(state=torch.zeros(10000)), meta=dict(whole['meta'], cfg='data_root = "/home/me"'))
    torch.save(dict(whole, **extra), tmp_path / 'iter_6.pth')
    path = publish.main([str(tmp_path / 'iter_6.pth'), str(tmp_path / 'new/mine.pth')])
    assert path.name == f'mine-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth'
    assert b'/home/me' not in path.read_bytes() and not list(path.parent.glob('*.partial'))
    saved = torch.load(path, weights_only=True)
    assert set(saved) == {'state_dict', 'meta'} and saved['meta']['dataset_meta']['classes'] == list(META['classes'])
    model.load_state_dict(saved['state_dict'])
    cv2.imwrite(str(tmp_path / 'photo.png'), noise(1))
    one, other = (load(tmp_path / 'tiny_mine.py', file, device='cpu') for file in (path, tmp_path / 'iter_6.pth'))
    assert np.array_equal(one(noise(1)).uncertainty, other(noise(1)).uncertainty)
    torch.save(dict(optimizer={}), tmp_path / 'none.pth')
    with pytest.raises(UserError, match='has no state_dict'):
        publish.main([str(tmp_path / 'none.pth'), str(tmp_path / 'new/x.pth')])
