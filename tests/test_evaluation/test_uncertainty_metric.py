"""``UncertaintyMetric`` and the scores of a histogram of doubts."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import mannwhitneyu

from mmseg_ssl.evaluation import UncertaintyMetric
from mmseg_ssl.evaluation.error_ranking import (
    doubt_histogram,
    error_auroc,
    error_average_precision,
    excess_risk_coverage_area,
    risk_at_coverage,
    risk_coverage_area,
)


def sample(label, predicted, confidence, **maps):
    """One row of pixels; two classes, the confidence belongs to the predicted one."""
    label, predicted, confidence = torch.tensor([[label]]), torch.tensor([[predicted]]), torch.tensor([confidence])
    logits = torch.zeros(2, 1, label.numel())
    logits.scatter_(0, predicted, (confidence / (1 - confidence)).log()[None])
    fields = dict(gt_sem_seg=label, pred_sem_seg=predicted, seg_logits=logits)
    fields.update({name: torch.tensor([[values]]) for name, values in maps.items()})
    return {name: dict(data=data) for name, data in fields.items()}


def evaluate(samples, **options):
    metric = UncertaintyMetric(**options)
    for item in samples:
        metric.process({}, [item])
    return metric.evaluate(len(samples))


def slow_area(doubt, right):
    """Geifman et al., ICLR 2019, section 3, of distinct doubts: the mean over k of the risk of the k least doubtful."""
    wrong = (~right[doubt.argsort()]).double()
    return float((wrong.cumsum(0) / torch.arange(1, len(wrong) + 1)).mean())


def slow_precision(doubt, right):
    """Mean over the errors of the precision when all pixels of at least their doubt are called errors."""
    return float(np.mean([(~right)[doubt >= own].double().mean() for own in doubt[~right]]))


def test_by_hand():
    """Doubts in order: right, wrong, right, wrong, and a void pixel. Wrong beats right in 3 of 4 pairs: 75. Precision
    from the top: 1 / 1 and 2 / 3: 83.33. Risks 0, 1/2, 1/3, 1/2: mean 1/3. Best order: 0, 0, 1/3, 1/2: mean 5/24, so
    the excess is 1/8. The 3 least doubtful hold one error: 33.33. Kept above 0.75: right and wrong of two right ones.
    """
    item = sample([0, 0, 0, 0, 255], [0, 1, 0, 1, 1], [0.9, 0.8, 0.7, 0.6, 0.5])
    result = evaluate([item], coverages=(0.75,), thresholds=(0.75,))
    expected = {'AUROC': 75, 'AP': 83.33, 'AURC': 33.33, 'E-AURC': 12.5, 'risk@0.75': 33.33}
    assert {key: result[f'confidence/{key}'] for key in expected} == expected
    # with two classes and one rising function of the other, entropy is the same order
    assert {key: result[f'entropy/{key}'] for key in expected} == expected
    kept = dict(share=50, precision=50, recall=50, F1=50)
    assert {key: result[f'kept@0.75/{key}'] for key in kept} == kept


def test_pixels_are_kept_over_all_images_above_the_threshold():
    """0.5, two equal logits, is not above 0.5. Of five pixels, four right ones, 0.9 (right) and, in the other image,
    0.9 (wrong) and 0.8 (right) are kept: precision 2 / 3, recall 2 / 4, and F1 = 2 * 2 / (3 + 4).
    """
    images = [sample([0, 0, 0], [0, 0, 0], [0.5, 0.9, 0.5]), sample([0, 0], [1, 0], [0.9, 0.8])]
    result = evaluate(images, thresholds=(0.5,))
    expected = dict(share=60, precision=66.67, recall=50, F1=57.14)
    assert {name: result[f'kept@0.5/{name}'] for name in expected} == expected


def test_maps_of_the_sample_and_what_their_sign_means():
    """Variance is doubt, correctness is trust, other maps are what their sign says; a map without one has no key."""
    label, predicted, confidence = [0, 0, 0], [0, 0, 1], [0.6, 0.7, 0.9]
    item = sample(
        label, predicted, confidence, variance=[0.1, 0.2, 7.0], correctness=[0.9, 0.8, 0.1], margin=[3, 2, -1]
    )
    result = evaluate([item], signs=dict(margin=-1))
    assert [result[f'{name}/AUROC'] for name in ('variance', 'correctness', 'margin')] == [100, 100, 100]
    assert result['confidence/AUROC'] == 0
    assert evaluate([item], signs=dict(margin=1))['margin/AUROC'] == 0
    assert not any(key.startswith('margin') for key in evaluate([item]))


def test_the_energy_is_the_free_energy_of_the_logits():
    """Logits (0, 5) and (9, 9): the first is surer of its class, the second has the lower energy, -ln(2 e^9)."""
    item = sample([1, 1], [1, 0], [0.6, 0.6])
    item['seg_logits']['data'] = torch.tensor([[[0.0, 9.0]], [[5.0, 9.0]]])
    result = evaluate([item])
    assert (result['confidence/AUROC'], result['energy/AUROC']) == (100, 0)


def test_pixels_of_all_images_are_one_ranking():
    """In each image the wrong pixel is the most doubtful, but not in both together: 3 of 4 pairs."""
    images = [sample([0, 0], [0, 1], [0.9, 0.8]), sample([0, 0], [0, 1], [0.7, 0.6])]
    assert evaluate(images)['confidence/AUROC'] == 75


def test_one_channel_is_a_probability():
    """0.9 is class 1 with confidence 0.9, 0.4 is class 0 with confidence 0.6; certain ones have a finite energy."""
    item = sample([1, 1, 1, 1], [1, 0, 1, 0], [0.5] * 4)
    item['seg_logits']['data'] = torch.tensor([[[0.9, 0.4, 1.0, 0.0]]])
    result = evaluate([item])
    assert result['confidence/AUROC'] == 62.5  # doubts 0.1, 0.4, 0, 0: of four pairs two and a tie
    assert result['energy/AUROC'] == 62.5


@pytest.mark.parametrize('scale', [1e-3, 1.0, 1e4])
def test_few_distinct_values_are_exact(scale):
    """Whatever the range, also below 0: the order of bins is that of the numbers, and ties are half a win."""
    doubt = scale * torch.randint(-4, 5, (500,)).float()
    right = torch.rand(500) + 0.05 * doubt / scale < 0.6
    histogram = doubt_histogram(doubt, right).numpy()
    wins = mannwhitneyu(doubt[~right], doubt[right]).statistic / ((~right).sum() * right.sum()).item()
    assert error_auroc(histogram) == pytest.approx(float(wins), abs=1e-9)
    assert error_average_precision(histogram) == pytest.approx(slow_precision(doubt, right), abs=1e-9)


def test_distinct_values_have_the_definitions_areas():
    doubt = torch.arange(1, 41)[torch.randperm(40)].float()
    right = torch.rand(40) < 0.7
    histogram = doubt_histogram(doubt, right).numpy()
    assert risk_coverage_area(histogram) == pytest.approx(slow_area(doubt, right), abs=1e-9)
    best = slow_area((~right).float() + torch.arange(40) * 1e-3, right)
    assert excess_risk_coverage_area(histogram) == pytest.approx(slow_area(doubt, right) - best, abs=1e-9)


def test_tied_pixels_have_the_mean_of_all_orders():
    """Two right and one wrong pixel of one doubt: risks of the three orders average to 1/3 at every coverage."""
    histogram = np.array([[0, 1], [1, 2]])
    orders = [
        slow_area(torch.arange(4.0), torch.tensor([True, *order]).bool()) for order in ((0, 1, 1), (1, 0, 1), (1, 1, 0))
    ]
    assert risk_coverage_area(histogram) == pytest.approx(np.mean(orders), abs=1e-9)
    assert risk_at_coverage(histogram, 0.5) == pytest.approx(1 / 6)  # of two pixels a third of one


@pytest.mark.parametrize('exponent', [1, 3])
def test_binning_costs_little(exponent):
    """Against a sort, over 20,000 doubts of many decades: less than a tenth of what is reported."""
    doubt = torch.rand(20000) ** exponent
    right = torch.rand(20000) > 0.5 * doubt ** (1 / exponent)
    histogram = doubt_histogram(doubt, right).numpy()
    wins = mannwhitneyu(doubt[~right], doubt[right]).statistic / ((~right).sum() * right.sum()).item()
    # no order of the pixels of a bin changes more
    bound = (histogram[0] / histogram[0].sum() * histogram[1] / histogram[1].sum()).sum() / 2
    assert abs(error_auroc(histogram) - float(wins)) <= bound < 0.004
    assert error_auroc(histogram) == pytest.approx(float(wins), abs=5e-4)
    assert error_average_precision(histogram) == pytest.approx(slow_precision(doubt, right), abs=2e-3)
    assert risk_coverage_area(histogram) == pytest.approx(slow_area(doubt, right), abs=5e-4)


def test_order_of_numbers_that_are_hard_to_order():
    """Minus infinity, negative ones, both zeros (one bin), small ones, what overflows to infinity, NaN."""
    doubt = torch.tensor([-math.inf, -70000.0, -2.0, -1e-6, -0.0, 0.0, 1e-6, 2.0, 70000.0, math.inf, math.nan])
    bins = [doubt_histogram(one[None], torch.tensor([True]))[1].argmax().item() for one in doubt]
    assert bins == sorted(bins)
    assert len(set(bins)) == 8
    assert bins[4] == bins[5] and bins[0] == bins[1] and bins[8] == bins[9] < bins[10]


def test_extremes():
    """No error, no right pixel, nothing labeled."""
    perfect = evaluate([sample([0, 0], [0, 0], [0.9, 0.8])])
    assert math.isnan(perfect['confidence/AUROC']) and math.isnan(perfect['confidence/AP'])
    assert perfect['confidence/AURC'] == perfect['confidence/E-AURC'] == perfect['confidence/risk@0.8'] == 0
    wrong = evaluate([sample([0, 0], [1, 1], [0.9, 0.8])], thresholds=(0.95,))
    assert (wrong['confidence/AURC'], wrong['confidence/E-AURC'], wrong['confidence/AP']) == (100, 0, 100)
    assert math.isnan(wrong['kept@0.95/precision']) and wrong['kept@0.95/share'] == 0
    assert all(math.isnan(value) for value in evaluate([sample([255], [0], [0.9])]).values())


def test_what_is_kept_of_an_image():
    """4096 counts of wrong and of right pixels per map, whatever the size."""
    metric = UncertaintyMetric()
    label = torch.zeros(1, 64, 64).long()
    item = dict(gt_sem_seg=label, pred_sem_seg=label, seg_logits=torch.randn(3, 64, 64))
    metric.process({}, [{name: dict(data=data) for name, data in item.items()}])
    assert {name: counts.shape for name, counts in metric.results[0]['ranked'].items()} == dict.fromkeys(
        ('confidence', 'entropy', 'energy'), (2, 4096)
    )


def test_errors_tell_the_fix():
    item = sample([0], [0], [0.8])
    with pytest.raises(KeyError, match='UncertaintyMetric needs "seg_logits".*Take the metric out'):
        evaluate([{key: value for key, value in item.items() if key != 'seg_logits'}])
    with pytest.raises(ValueError, match='Load the mask after Resize'):
        evaluate([dict(item, gt_sem_seg=dict(data=torch.zeros(1, 2, 2)))])
    with pytest.raises(ValueError, match=r'coverages are shares in \(0, 1\], got \(80,\)'):
        UncertaintyMetric(coverages=(80,))
    with pytest.raises(ValueError, match='1 .doubt. or -1 .trust.'):
        UncertaintyMetric(signs=dict(margin=2))
