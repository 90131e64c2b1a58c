"""One channel for two classes: which heads are refused, what inference makes of the others."""

import copy

import pytest
import tiny
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer

from mmseg_ssl.datasets.checks.config_rules import head_problems
from mmseg_ssl.evaluation import CalibrationMetric, SemiIoUMetric
from mmseg_ssl.models import Branch, NetworkError
from mmseg_ssl.tooling.cli import readable_errors

SIGMOID = dict(type='CrossEntropyLoss', use_sigmoid=True, avg_non_ignore=True)
UNCERTAIN = dict(variance=dict(type='VarianceHead'), energy=dict(type='EnergyHead'))
MODES = dict(whole=dict(mode='whole'), slide=dict(mode='slide', crop_size=(16, 16), stride=(10, 10)))
CLASSES = ('background', 'object')


def branch_of(**head):
    segmentor = tiny.binary_segmentor()
    segmentor.decode_head = dict(segmentor.decode_head, **head)  # whole: update would merge the losses
    return Branch(segmentor)


@pytest.mark.parametrize(
    ('loss', 'says'),
    [
        (dict(type='CrossEntropyLoss', avg_non_ignore=True), 'Target 1 is out of bounds'),
        (dict(SIGMOID, class_weight=[1.0, 3.0]), r'class_weight, if any, one number for class 1: \[w\]'),
        ([SIGMOID, dict(type='DiceLoss')], 'loss_dice is no lower where every pixel is right'),
        (dict(type='TverskyLoss'), 'loss_tversky is no lower where every pixel is right'),
        (dict(type='HardPixelCrossEntropy', class_weight=[1.0] * 11), 'loss_decode or sampler cannot train'),
    ],
)
def test_losses_that_do_not_train_one_channel_are_refused(loss, says):
    """When the model is built: the host's fail in a step, on a GPU without a word, or train the wrong class."""
    with pytest.raises(NetworkError, match=f'(?s)decode_head has one channel.*{says}.*use_sigmoid'):
        branch_of(loss_decode=loss)


@pytest.mark.parametrize(
    'loss',
    [
        dict(SIGMOID, class_weight=[3.0]),
        dict(type='LovaszLoss', loss_type='binary', reduction='none'),
        dict(type='HardPixelCrossEntropy', class_weight=[1.0, 3.0]),
    ],
)
def test_losses_that_do_are_taken(loss):
    branch_of(loss_decode=loss)


@pytest.mark.parametrize(('loss', 'number'), [(SIGMOID, 1), (dict(type='HardPixelCrossEntropy'), 2)])
def test_the_check_of_the_data_wants_as_many_weights(loss, number):
    """As the loss takes: it would else ask for what is refused here."""
    for weights in ([3.0], [1.0, 3.0]):
        segmentor = tiny.binary_segmentor()
        segmentor.decode_head = dict(segmentor.decode_head, loss_decode=dict(loss, class_weight=weights))
        problems = list(head_problems(dict(segmentor=segmentor), CLASSES))
        assert bool(problems) == (len(weights) != number)
        if problems:
            with pytest.raises(NetworkError):
                Branch(segmentor)
        else:
            Branch(segmentor)


def test_an_auxiliary_head_is_looked_at():
    segmentor = tiny.binary_segmentor()
    segmentor.auxiliary_head = [segmentor.auxiliary_head, copy.deepcopy(segmentor.auxiliary_head)]
    Branch(copy.deepcopy(segmentor))
    segmentor.auxiliary_head[1].loss_decode.use_sigmoid = False
    with pytest.raises(NetworkError, match='auxiliary_head has one channel'):
        Branch(segmentor)


def test_a_single_class_is_refused_with_what_to_write(capsys):
    """mmseg takes it for one channel, and its metric then scores class 0 alone; the tools give one line."""
    with pytest.raises(SystemExit) as stopped, readable_errors():
        tiny.build('MeanTeacher', tiny.tiny_segmentor(decode_head=tiny.fcn_head(num_classes=1, loss_decode=SIGMOID)))
    assert stopped.value.code == 2
    assert 'Set num_classes=2 and out_channels=1' in capsys.readouterr().err


def test_a_sigmoid_for_each_class_is_taken():
    """Methods see the softmax, whose argmax is the host's prediction."""
    model = tiny.build(
        'FixMatch', tiny.tiny_segmentor(decode_head=tiny.fcn_head(loss_decode=dict(SIGMOID))), threshold=0.5
    )
    assert all(value.isfinite() for value in tiny.loss_of(model, tiny.batch()).values())
    images = torch.randn(1, 3, 16, 16)
    predicted = model.eval().student.segmentor.predict(images)[0].pred_sem_seg.data
    assert torch.equal(model.student(images).logits.argmax(dim=1), predicted)


def test_supervised_loss_is_the_hosts():
    """Of the one channel, in the decode head and in the auxiliary head."""
    branch = branch_of().eval()
    data = tiny.build().data_preprocessor(tiny.binary_batch(ratio=0), True)
    images, samples = data['inputs']['sup'], data['data_samples']['sup']
    ours, host = branch.supervised_loss(branch(images), samples), branch.segmentor.loss(images, samples)
    for key in ('loss_ce', 'acc_seg'):
        torch.testing.assert_close(ours[key], host[f'decode.{key}'])
    torch.testing.assert_close(ours['aux.loss_ce'], host['aux.loss_ce'])


def binary_model(method='Supervised', mode='whole', **options):
    model = tiny.build(method, tiny.binary_segmentor(test_cfg=MODES[mode]), **options)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return model.eval()


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('method', ['Supervised', 'ELN'])
def test_prediction_with_maps(mode, method):
    """Un-padded, flipped and resized as the host's, with side maps and correctness behind the one channel."""
    options = dict(predict_correctness=True) if method == 'ELN' else {}
    model = binary_model(method, mode, side_heads=UNCERTAIN, **options)
    images = torch.randn(2, 3, 32, 32)
    meta = dict(ori_shape=(41, 37), img_shape=(28, 30), pad_shape=(32, 32), img_padding_size=(0, 2, 0, 4))
    samples = [tiny.sample(0, flip=True, flip_direction='horizontal', **meta), tiny.sample(1, flip=False, **meta)]
    host = model.student.segmentor.predict(images, copy.deepcopy(samples))
    for one, other in zip(model.predict(images, samples), host):
        assert one.seg_logits.data.shape == (1, 41, 37)
        assert torch.equal(one.seg_logits.data, other.seg_logits.data)
        assert torch.equal(one.pred_sem_seg.data, other.pred_sem_seg.data)
        assert one.variance.data.shape == one.energy.data.shape == (1, 41, 37)
        if options:
            assert 0 <= one.correctness.data.min() < one.correctness.data.max() <= 1
    plain = model.predict(images)[0]
    if mode == 'whole':
        z = plain.seg_logits.data[0].double().logit()
        torch.testing.assert_close(plain.energy.data[0].double(), -(2 * (z / 2).cosh()).log(), rtol=1e-3, atol=1e-3)


def test_tensor_mode_gives_the_heads_channel():
    model = binary_model()
    images = torch.randn(1, 3, 32, 32)
    expected = F.interpolate(model.student.segmentor(images), (32, 32), mode='bilinear', align_corners=False)
    torch.testing.assert_close(model(images), expected)


@torch.no_grad()
def test_metrics_and_pictures():
    """IoU per network, calibration and the host's visualizer read the host's probability and its 0 and 1."""
    model = binary_model('MeanTeacher', predict_on=('student', 'teacher'))
    images, truth = torch.randn(2, 3, 32, 32), torch.randint(0, 2, (2, 1, 32, 32))
    results = model.predict(images, [tiny.sample(i, truth[i]) for i in range(2)])
    iou, calibration = SemiIoUMetric(), CalibrationMetric(num_bins=1)
    iou.dataset_meta = dict(classes=CLASSES)
    for metric in (iou, calibration):
        metric.process({}, [result.to_dict() for result in results])
    predicted = model.student(images).logits.softmax(dim=1)
    confidence, label = predicted.max(dim=1)
    right = label == truth[:, 0]
    expected = 100 * (confidence.mean() - right.float().mean()).abs().item()
    assert calibration.evaluate(2)['ECE'] == pytest.approx(expected, abs=0.02)
    scores = iou.evaluate(2)
    overlap = ((label == 1) & (truth[:, 0] == 1)).sum() / ((label == 1) | (truth[:, 0] == 1)).sum()
    assert scores['student/IoU.object'] == pytest.approx(100 * overlap.item(), abs=0.02)
    assert scores['teacher/IoU.object'] != scores['student/IoU.object']

    visualizer = SegLocalVisualizer(alpha=1.0)
    visualizer.dataset_meta = dict(classes=CLASSES, palette=[[0, 0, 0], [255, 255, 255]])
    sample = SegDataSample(pred_sem_seg=PixelData(data=results[0].pred_sem_seg.data))
    image = torch.full((32, 32, 3), 99, dtype=torch.uint8).numpy()
    visualizer.add_datasample('one', image, sample, draw_gt=False, with_labels=False)
    drawn = torch.from_numpy(visualizer.get_image())
    assert torch.equal(drawn[..., 0] == 255, results[0].pred_sem_seg.data[0] == 1)
