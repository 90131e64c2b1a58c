"""``SampledContrast``: which pixels eq. 10 is taken over."""

import math

import pytest
import torch

from mmseg_ssl.models import sampled_contrast
from mmseg_ssl.models.losses import pixel_contrast
from mmseg_ssl.models.sampled_contrast import SampledContrast


def maps(size=(6, 8), batch=2, classes=4):
    """Projections of both networks, and labels of which some say nothing."""
    student, teacher = torch.randn(batch, 5, *size, requires_grad=True), torch.randn(batch, 5, *size)
    labels = torch.randint(0, classes, (batch, *size))
    labels[:, 0] = 255
    return student, teacher, labels


def flat(embedding):
    return embedding.permute(0, 2, 3, 1).reshape(-1, embedding.shape[1])


@pytest.mark.parametrize('positives', ['mean', 'sum', 'log_sum'])
@pytest.mark.parametrize('anchors', ['student', 'teacher'])
def test_all_pixels(anchors, positives):
    """With places for all of them it is the loss of all pixels; places that stay empty do not count."""
    student, teacher, labels = maps()
    loss = SampledContrast(4, 96, positives=positives, anchors=anchors)(student, teacher, labels)
    pair = (student, teacher) if anchors == 'student' else (teacher, student)
    y = labels.flatten()
    torch.testing.assert_close(loss, pixel_contrast(flat(pair[0]), flat(pair[1]), y, y, 0.5, positives))
    loss.backward()
    assert student.grad[:, :, 0].abs().max() == 0 < student.grad.abs().max()


def test_the_pairs_are_bounded_by_the_samples_of_the_classes_that_are_there(monkeypatch):
    """8 per class: 32 anchors and 32 keys of 4 classes for any number of pixels, and however many classes there are."""
    seen = []
    monkeypatch.setattr(
        sampled_contrast,
        'pixel_contrast',
        lambda a, k, *rest: seen.append((len(a), len(k))) or pixel_contrast(a, k, *rest),
    )
    for classes in (4, 21, 150):
        SampledContrast(classes, 8)(*maps((40, 40)))
    assert seen == [(32, 32)] * 3


def test_the_size_of_its_forms():
    """What the docstring says, where every similarity is 1: n = 48 pixels of C = 4 classes, 12 of each.

    An anchor has N = 36 negatives, each as near as a positive: ln(1 + 36), times 12 for the sum. The public code has
    P = 12 * 12 and N = 12 * 36 in a class, so ln(4) / 12.
    """
    student, labels = torch.ones(1, 5, 6, 8, requires_grad=True), torch.arange(48).view(1, 6, 8) % 4
    mean, total, log_sum = (
        SampledContrast(4, 96, positives=form)(student, student.detach(), labels).item()
        for form in ('mean', 'sum', 'log_sum')
    )
    assert (mean, total, log_sum) == pytest.approx((math.log(37), 12 * math.log(37), math.log(4) / 12))


def test_the_samples_estimate_the_whole():
    """The mean over positives and anchors of one class against another: the average over draws is near the whole.

    Negatives are inside a logarithm, so a draw is a little biased; a tenth of the loss leaves room for it.
    """
    student, teacher, labels = maps((12, 12), classes=2)
    whole = SampledContrast(2, 300)(student, teacher, labels).item()
    # scaled: with fewer negatives the loss is smaller by about the logarithm of their share
    shares = torch.tensor([(labels == c).sum() / 30 for c in range(2)]).log().mean()
    draws = torch.stack([SampledContrast(2, 30)(student, teacher, labels) for _ in range(20)]).detach()
    assert draws.std() > 0
    assert abs(draws.mean() + shares - whole) < 0.1 * whole


def test_windows(monkeypatch):
    """The same window of every image, all its pixels, as anchors and as keys; the mean over the windows."""
    monkeypatch.setattr(sampled_contrast, 'WINDOW', 3)
    student, teacher, labels = maps((5, 6))
    torch.manual_seed(3)
    loss = SampledContrast(4, windows=2, positives='log_sum', anchors='teacher')(student, teacher, labels)
    torch.manual_seed(3)
    tops, lefts = torch.randint(3, (2, 1, 1)).flatten(), torch.randint(4, (2, 1, 1)).flatten()
    terms = []
    for top, left in zip(tops.tolist(), lefts.tolist()):
        cut = (..., slice(top, top + 3), slice(left, left + 3))
        y = labels[cut].flatten()
        terms.append(pixel_contrast(flat(teacher[cut]), flat(student[cut]), y, y, 0.5, 'log_sum'))
    torch.testing.assert_close(loss, sum(terms) / 2)


@pytest.mark.parametrize('options', [{}, dict(windows=2), dict(windows=2, positives='log_sum', anchors='teacher')])
def test_nothing_to_teach(options):
    student, teacher, labels = maps()
    loss = SampledContrast(4, 8, **options)(student, teacher, torch.full_like(labels, 255))
    loss.backward()
    assert loss == 0 and student.grad.abs().max() == 0


def test_errors():
    for option, wrong in dict(anchors='both', positives='all').items():
        with pytest.raises(ValueError, match=f'{option} must be one of .*{wrong}'):
            SampledContrast(4, **{option: wrong})
    for wrong in (dict(samples_per_class=0), dict(windows=-1)):
        with pytest.raises(ValueError, match='samples_per_class >= 1, windows >= 0 and temperature > 0'):
            SampledContrast(4, **wrong)
