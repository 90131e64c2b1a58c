"""``ErrorLocalizationMetric``: Table 4 of ELN."""

import math

import pytest
import torch

from mmseg_ssl.evaluation import ErrorLocalizationMetric


def sample(label, predicted, correctness, confidence=None):
    """One row of pixels; two classes, the confidence belongs to the predicted one."""
    label, predicted = torch.tensor([[label]]), torch.tensor([[predicted]])
    confidence = torch.tensor(confidence or [0.99] * label.numel())[None]
    logits = torch.zeros(2, 1, label.numel())
    logits.scatter_(0, predicted, (confidence / (1 - confidence)).log()[None])
    fields = dict(
        gt_sem_seg=label, pred_sem_seg=predicted, correctness=torch.tensor([[correctness]]), seg_logits=logits
    )
    return {name: dict(data=data) for name, data in fields.items()}


def evaluate(samples, **options):
    metric = ErrorLocalizationMetric(**options)
    for item in samples:  # two batches
        metric.process({}, [item])
    return metric.evaluate(len(samples))


def test_by_hand():
    """Image 1: pixels right, right, wrong, wrong, ignored, called right, error, error, right: one hit, two called, two
    there: P = R = F1 = 50. Image 2: wrong, right, both called errors: P = 50, R = 100, F1 = 2 / 3.
    Means: 50, 75, 58.33. Pooled: hits 2, called 4, there 3: 50, 66.67, 4 / 7.
    Right pixels, image 1: one hit, two called, two there: 50, 50, 50. Image 2: none called: P is undefined, R = F1 = 0.
    """
    one = sample([0, 0, 0, 0, 255], [0, 0, 1, 1, 1], [0.9, 0.1, 0.2, 0.8, 0.3])
    two = sample([0, 0], [1, 0], [0.3, 0.3])
    result = evaluate([one, two])
    expected = dict(P=50, R=75, F1=58.33, P_pooled=50, R_pooled=66.67, F1_pooled=57.14)
    assert {name: result[f'localizer/error_{name}'] for name in expected} == expected
    expected = dict(P=50, R=25, F1=25, P_pooled=50, R_pooled=33.33, F1_pooled=40)
    assert {name: result[f'localizer/correct_{name}'] for name in expected} == expected


def test_confidence_baselines():
    """Confidences 0.95, 0.6 (wrong), 0.85 (wrong): 0.5 calls no error, 0.7 the second, 0.9 both."""
    item = sample([0, 0, 0], [0, 1, 1], [1.0, 1.0, 1.0], confidence=[0.95, 0.6, 0.85])
    result = evaluate([item], confidence_thresholds=(0.5, 0.7, 0.9))
    recalls = [result[f'confidence@{threshold}/error_R'] for threshold in (0.5, 0.7, 0.9)]
    assert recalls == [0, 50, 100]
    assert result['confidence@0.9/error_F1'] == 100
    assert result['localizer/error_R'] == 0


def test_what_does_not_exceed_a_threshold_is_called_an_error():
    result = evaluate([sample([0], [1], [0.5], confidence=[0.5])], confidence_thresholds=(0.5,))
    assert (result['localizer/error_R'], result['confidence@0.5/error_R']) == (100, 100)


def test_one_channel_is_the_probability_of_class_1():
    """As the host gives it of a head with one channel: 0.2 is a confidence of 0.8 in class 0."""
    item = sample([0, 0, 0], [0, 1, 1], [1.0, 1.0, 1.0])
    item['seg_logits']['data'] = torch.tensor([[[0.05, 0.6, 0.85]]])
    result = evaluate([item], confidence_thresholds=(0.5, 0.7, 0.9))
    assert [result[f'confidence@{threshold}/error_R'] for threshold in (0.5, 0.7, 0.9)] == [0, 50, 100]


def test_ranking_by_hand():
    """Correctness 0.1 (wrong), 0.3, 0.6 (wrong), 0.9: precision 1 / 1 at the first error and 2 / 3 at the second, the
    mean is 5 / 6 at whatever threshold. Equal scores are one cut: 2 errors of 4 pixels.
    """
    item = sample([0, 0, 0, 0], [1, 0, 1, 0], [0.1, 0.3, 0.6, 0.9])
    for threshold in (0.2, 0.7):
        result = evaluate([item], threshold=threshold)
        assert result['localizer/error_AP'] == 83.33
        assert result['confidence/error_AP'] == 50
    perfect = sample([0, 1], [0, 1], [1.0, 0.0])  # the ends of the range
    assert math.isnan(evaluate([perfect])['localizer/error_AP'])
    assert evaluate([item, perfect])['localizer/error_AP'] == 50  # pooled: 1 / 2 and 2 / 4


def test_further_thresholds():
    """Correctness 0.2 and 0.4, both wrong: 0.3 finds one of them, 0.5 both."""
    result = evaluate([sample([0, 0], [1, 1], [0.2, 0.4])], further_thresholds=(0.3,))
    assert (result['localizer/error_R'], result['localizer@0.3/error_R']) == (100, 50)


def test_images_without_errors_do_not_count_in_the_mean():
    """Nothing there, nothing called: undefined, so the mean is the other image's; NaN if there is no other."""
    perfect = sample([0, 1], [0, 1], [0.9, 0.9])
    other = sample([0, 0], [0, 1], [0.9, 0.2])
    assert evaluate([perfect, other])['localizer/error_F1'] == 100
    assert math.isnan(evaluate([perfect])['localizer/error_F1'])
    assert math.isnan(evaluate([sample([255], [0], [0.5])])['localizer/correct_F1'])


def test_a_model_that_does_not_localize():
    item = sample([0], [0], [0.5])
    del item['correctness']
    with pytest.raises(KeyError, match='predict_correctness=True'):
        evaluate([item])
