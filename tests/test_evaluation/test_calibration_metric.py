"""``CalibrationMetric``: expected calibration error."""

import math

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import METRICS

from mmseg_ssl.evaluation import CalibrationMetric
from mmseg_ssl.evaluation.calibration_metric import confidence_histogram, expected_calibration_error


def sample(logits, label):
    return dict(seg_logits=dict(data=logits), gt_sem_seg=dict(data=label[None]))


def evaluate(samples, **options):
    metric = CalibrationMetric(**options)
    for item in samples:
        metric.process({}, [item])
    return metric.evaluate(len(samples))['ECE']


def two_class_row(confidences, labels):
    """One row of pixels whose class is 0 with the given confidences."""
    confidences = torch.tensor(confidences)
    logits = torch.stack([confidences.log(), (1 - confidences).log()])[:, None]
    return sample(logits, torch.tensor([labels]))


def slow_error(samples, num_bins):
    """The definition, pixel by pixel."""
    bins = [[] for _ in range(num_bins)]
    for item in samples:
        logits, label = item['seg_logits']['data'].double(), item['gt_sem_seg']['data'][0]
        for row in range(label.shape[0]):
            for col in range(label.shape[1]):
                if label[row, col] == 255:
                    continue
                probs = logits[:, row, col].softmax(dim=0)
                confidence, predicted = probs.max().item(), int(probs.argmax())
                place = next(m for m in range(num_bins) if confidence <= (m + 1) / num_bins)
                bins[place].append((confidence, predicted == label[row, col]))
    count = sum(map(len, bins))
    error = 0.0
    for inside in filter(None, bins):
        mean = sum(confidence for confidence, _ in inside) / len(inside)
        accuracy = sum(bool(right) for _, right in inside) / len(inside)
        error += len(inside) / count * abs(accuracy - mean)
    return 100 * error


def test_by_hand():
    """Ten bins. Confidences 0.95 (right), 0.93 (wrong) share a bin: |1/2 - 0.94| = 0.44, two pixels of four. 0.65
    (right) and 0.75 (wrong) are alone: 0.35 and 0.75. ECE = (2 * 0.44 + 0.35 + 0.75) / 4 = 0.495. The fifth is ignored.
    """
    row = two_class_row([0.95, 0.93, 0.65, 0.75, 0.55], [0, 1, 0, 1, 255])
    assert evaluate([row], num_bins=10) == 49.5


def test_fifteen_bins_if_not_told():
    """0.95 (right) and 0.92 (wrong) lie on two sides of 14 / 15, so they do not cancel: (0.05 + 0.92) / 2."""
    assert evaluate([two_class_row([0.95, 0.92], [0, 1])]) == 48.5


def test_pixels_of_all_images_share_the_bins():
    """Over- and underconfident images cancel: 0.8 twice, right and wrong, is |0.5 - 0.8|; per image it would be 0.5."""
    images = [two_class_row([0.8], [0]), two_class_row([0.8], [1])]
    assert evaluate(images) == pytest.approx(30.0, abs=0.01)


@pytest.mark.parametrize('num_bins', [1, 7, 15])
def test_equals_a_slow_loop(num_bins):
    images = []
    for _ in range(3):
        label = torch.randint(0, 4, (6, 5))
        label[0] = 255
        images.append(sample(3 * torch.randn(4, 6, 5), label))
    assert evaluate(images, num_bins=num_bins) == pytest.approx(slow_error(images, num_bins), abs=0.006)


def test_certain_networks():
    """Always right and certain: 0; always wrong and certain: 100, the worst."""
    logits = torch.full((3, 2, 2), -100.0)
    logits[1] = 100.0
    assert evaluate([sample(logits, torch.ones(2, 2).long())]) == 0
    assert evaluate([sample(logits, torch.zeros(2, 2).long())]) == 100


def test_borders_of_bins_and_what_is_kept():
    """Bins are open below, (0.5, 1] here; 0 is in the first. One image is (3, M), whatever its size."""
    histogram = confidence_histogram(torch.tensor([0.0, 0.5, 0.51, 1.0]), torch.tensor([True, False, True, True]), 2)
    assert histogram.tolist() == [[2, 2], [1, 2], [0.5, pytest.approx(1.51)]]
    metric = CalibrationMetric(num_bins=5)
    metric.process({}, [sample(torch.randn(2, 64, 64), torch.zeros(64, 64).long())])
    assert metric.results[0]['ECE'].shape == (3, 5)


def test_borders_and_sums_are_those_of_fp64():
    """The third of fp32 is 11184811 / 2^25, and 3 x 11184811 = 2^25 + 1: it lies above the border of the first of three
    bins, on which fp32 would round it. Beside 1, fp32 would lose 2^-30.
    """
    third = confidence_histogram(torch.tensor([1 / 3]), torch.tensor([True]), 3)
    assert third[0].tolist() == [0, 1, 0]
    small = confidence_histogram(torch.tensor([1.0, 2.0**-30]), torch.tensor([True, False]), 1)
    assert small[2].tolist() == [1 + 2.0**-30]


def test_one_channel_is_a_probability():
    """The host applies the sigmoid: 0.9 is class 1, 0.3 is class 0 with confidence 0.7."""
    item = sample(torch.tensor([[[0.9, 0.3]]]), torch.tensor([[1, 0]]))
    assert evaluate([item]) == pytest.approx(20.0, abs=0.01)  # (0.1 + 0.3) / 2


def every_score(samples, **options):
    metric = CalibrationMetric(scores=('ECE', 'cwECE', 'Brier'), **options)
    for item in samples:
        metric.process({}, [item])
    return metric.evaluate(len(samples))


def test_further_scores_by_hand():
    """Two pixels with probabilities (0.8, 0.2) and (0.6, 0.4), both of class 0, and one that is ignored. Class 0: 0.2
    and 0.4 off in bins of their own, mean 0.3; of two classes the other is the mirror image. Brier: 2 * 0.04 and
    2 * 0.16, mean 0.2. The confidence is that of class 0, so ECE is 0.3, too.
    """
    result = every_score([two_class_row([0.8, 0.6, 0.9], [0, 0, 255])], num_bins=10)
    assert [result[key] for key in ('ECE', 'cwECE', 'cwECE.0', 'cwECE.1')] == [30, 30, 30, 30]
    assert result['Brier'] == 0.2


def test_class_wise_error_sees_what_the_confidence_hides():
    """Probabilities (0.5, 0.3, 0.2), right in half of the pixels, never of class 1: the ECE is 0. Class 0 is as often
    as it is said to be, 1 is 0.3 too likely, 2 is 0.3 too unlikely: mean 0.2.
    """
    logits = torch.tensor([0.5, 0.3, 0.2]).log()[:, None, None].expand(3, 1, 2)
    result = every_score([sample(logits, torch.tensor([[0, 2]]))])
    assert [result[key] for key in ('ECE', 'cwECE', 'cwECE.0', 'cwECE.1', 'cwECE.2')] == [0, 20, 0, 30, 30]


def test_further_scores_equal_slow_loops():
    """One against the rest is a problem of two classes whose logits are log p and log (1 - p); its ECE counts each
    class, so here the definition is written out. The score of all images is not the mean of theirs.
    """
    images = [sample(3 * torch.randn(3, 4, 5 + k), torch.randint(0, 3, (4, 5 + k))) for k in range(2)]
    images[0]['gt_sem_seg']['data'][0, 0] = 255
    probs = torch.cat([item['seg_logits']['data'].double().softmax(0).flatten(1) for item in images], dim=1)
    label = torch.cat([item['gt_sem_seg']['data'].flatten() for item in images])
    probs, label = probs[:, label != 255], label[label != 255]
    result, errors = every_score(images, num_bins=4), []
    for k in range(3):
        error = 0.0
        for low in (0, 0.25, 0.5, 0.75):
            inside = (probs[k] > low) & (probs[k] <= low + 0.25)
            error += abs(((label == k)[inside].double() - probs[k][inside]).sum().item()) / len(label)
        errors.append(100 * error)
    assert [result[f'cwECE.{k}'] for k in range(3)] == pytest.approx(errors, abs=0.006)
    assert result['cwECE'] == pytest.approx(sum(errors) / 3, abs=0.006)
    one_hot = torch.eye(3, dtype=torch.float64)[label].T
    assert result['Brier'] == pytest.approx((probs - one_hot).square().sum(0).mean().item(), abs=6e-5)


def test_the_worst_brier_score_is_two():
    logits = torch.tensor([100.0, -100.0])[:, None, None]
    assert every_score([sample(logits, torch.tensor([[1]]))])['Brier'] == 2
    assert every_score([sample(logits, torch.tensor([[0]]))])['Brier'] == 0


def test_nothing_is_labeled():
    assert all(math.isnan(value) for value in every_score([two_class_row([0.8], [255])]).values())
    assert math.isnan(evaluate([two_class_row([0.8], [255])]))
    assert math.isnan(expected_calibration_error(np.zeros((3, 4))))


def test_half_precision_logits():
    item = sample(torch.randn(4, 8, 8), torch.randint(0, 4, (8, 8)))
    half = dict(item, seg_logits=dict(data=item['seg_logits']['data'].half()))
    assert evaluate([half]) == pytest.approx(evaluate([item]), abs=0.5)


def test_errors_tell_the_fix():
    item = two_class_row([0.8], [0])
    with pytest.raises(KeyError, match='Take the metric out of the evaluator'):
        evaluate([dict(gt_sem_seg=item['gt_sem_seg'])])
    with pytest.raises(ValueError, match='Load the mask after Resize'):
        evaluate([dict(item, gt_sem_seg=dict(data=torch.zeros(1, 2, 2)))])
    with pytest.raises(ValueError, match='num_bins >= 1, got 0'):
        CalibrationMetric(num_bins=0)
    for scores in ('ECE', (), ('NLL',)):
        with pytest.raises(ValueError, match=r"scores are some of \('ECE', 'cwECE', 'Brier'\)"):
            CalibrationMetric(scores=scores)


@pytest.mark.parametrize('name', ['dueb/dueb_mbv2_camvid_1-16', 'eln/eln_mbv2_camvid_8', 'cpcl/cpcl_mbv2_camvid_1-4'])
def test_camvid_reports_it(root, name):
    cfg = Config.fromfile(str(root / f'configs/{name}.py'))
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        kinds = [METRICS.get(metric.type).__name__ for metric in evaluator]
        assert kinds[:2] == ['SemiIoUMetric', 'CalibrationMetric']
