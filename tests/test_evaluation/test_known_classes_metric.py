"""``KnownClassesMetric`` by hand."""

import math

import pytest
import torch

from mmseg_ssl.evaluation import KnownClassesMetric

GRASS, CAT, DOG = 0, 1, 2


def evaluate(*samples, classes=('grass', 'cat', 'dog')):
    """Score pairs of (mask, probabilities of every pixel)."""
    metric = KnownClassesMetric()
    metric.dataset_meta = dict(classes=classes)
    for label, probs in samples:
        logits = torch.tensor(probs).T[:, None].log()
        metric.process({}, [dict(gt_sem_seg=dict(data=torch.tensor(label)[None, None]), seg_logits=dict(data=logits))])
    return metric.evaluate(len(samples))


def test_a_dog_taken_for_a_cat_is_a_dog_where_no_cat_is_shown():
    """And what is wrong between classes that the image shows stays wrong."""
    dog = ([GRASS, DOG, DOG], [[0.6, 0.3, 0.1], [0.1, 0.6, 0.3], [0.5, 0.3, 0.2]])  # right, named dog, still grass
    cat = ([CAT, DOG], [[0.0, 0.4, 0.6], [0.1, 0.2, 0.7]])  # both are shown: one is wrong
    scores = evaluate(dog, cat)
    # grass: 1 of 2; cat: 0 of 1; dog: 2 of 4, once called although cat, once missed
    assert scores == {
        'mKnownIoU': pytest.approx(33.33),
        'KnownIoU.grass': 50.0,
        'KnownIoU.cat': 0.0,
        'KnownIoU.dog': 50.0,
    }


def test_a_class_that_only_the_network_names_is_in_no_score():
    """Not even as an error: it is nowhere once the classes are known."""
    scores = evaluate(([GRASS, DOG], [[0.3, 0.6, 0.1], [0.1, 0.6, 0.3]]))
    assert scores['mKnownIoU'] == 100 and math.isnan(scores['KnownIoU.cat'])


def test_ignored_pixels_say_no_class():
    """Neither their own number nor what is predicted there counts; an image without labels counts nothing."""
    sure_cat = [0.0, 1.0, 0.0]
    scores = evaluate(([GRASS, 255], [[0.3, 0.6, 0.1], sure_cat]), ([255, 255], [sure_cat, sure_cat]))
    assert scores['mKnownIoU'] == scores['KnownIoU.grass'] == 100 and math.isnan(scores['KnownIoU.cat'])
    assert math.isnan(evaluate(([255], [sure_cat]))['mKnownIoU'])


def test_one_channel():
    """The host gives the probability of class 1."""
    metric = KnownClassesMetric()
    metric.dataset_meta = dict(classes=('background', 'object'))
    label = torch.tensor([[[1, 1]]])
    metric.process({}, [dict(gt_sem_seg=dict(data=label), seg_logits=dict(data=torch.tensor([[[0.2, 0.9]]])))])
    assert metric.evaluate(1)['KnownIoU.object'] == 100


def test_needs_logits():
    """Test-time augmentation keeps none."""
    with pytest.raises(KeyError, match='KnownClassesMetric needs "seg_logits"'):
        KnownClassesMetric().process({}, [dict(gt_sem_seg=dict(data=torch.zeros(1, 2, 2)))])
