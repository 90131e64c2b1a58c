"""Options that were taken and then decided nothing, or the opposite of what was meant."""

import pytest
import tiny

from mmseg_ssl.models import (
    ClassRebalancing,
    CutMix,
    EnergyWeighting,
    JointEnergyTerm,
    KendallGalTerm,
    PrototypeContrast,
    SelfLabeling,
    Trust,
    VarianceHead,
)
from mmseg_ssl.models.confident_labels import ConfidentLabels
from mmseg_ssl.models.energy_margins import EnergyMargins
from mmseg_ssl.models.sampled_contrast import SampledContrast
from mmseg_ssl.models.threshold import AdaptiveThreshold

AVERAGES = dict(
    rebalancing=lambda momentum: ClassRebalancing(4, momentum=momentum),
    prototypes=lambda momentum: PrototypeContrast(4, 8, momentum=momentum),
    margins=lambda momentum: EnergyMargins(momentum=momentum),
    threshold=lambda momentum: AdaptiveThreshold(momentum=momentum),
)


@pytest.mark.parametrize('average', sorted(AVERAGES))
def test_a_decay_is_no_share_of_new_values(average):
    """0.99 is the decay of a paper: as the share of new values, the last batch alone would decide."""
    for decay, meant in ((0.9, '0.1'), (0.99, '0.01'), (0.999, '0.001')):
        with pytest.raises(ValueError, match=rf'momentum={decay} is the share of NEW .* give momentum={meant};'):
            AVERAGES[average](decay)
    for wrong in (-0.1, 1.5):
        with pytest.raises(ValueError, match=r'share of new values, in \(0, 1\]'):
            AVERAGES[average](wrong)
    for possible in (0.001, 0.6, 1.0):
        assert AVERAGES[average](possible).momentum == possible


def test_the_mode_of_labels_that_come_from_training():
    """Without CutMix there is no call to make labels by, so the mode was not read."""
    with pytest.raises(ValueError, match="without cutmix, .*teacher_mode='eval' needs it"):
        tiny.build('CPS', teacher_mode='eval')
    assert tiny.build('CPS', teacher_mode='eval', cutmix={}).teacher_mode == 'eval'


@pytest.mark.parametrize('method', ['FixMatch', 'UniMatchV1'])
def test_the_mode_of_a_trained_teacher(method):
    """It stays in eval mode, whatever the student's option says."""
    teacher = dict(segmentor=tiny.tiny_segmentor(), checkpoint='teacher.pth')
    with pytest.raises(ValueError, match='a trained teacher labels in eval mode'):
        tiny.build(method, teacher=teacher, teacher_mode='train')


IMPOSSIBLE = {
    # every weight was NaN, and a pixel of weight NaN teaches nothing: so did none
    'temperature of an energy': (lambda: EnergyWeighting(temperature=0.0), 'temperature is above 0'),
    # such a box has no pixel: nothing was mixed
    'shape of a box': (lambda: CutMix(aspect=(-1.0, -1.0)), 'aspect is a range above 0'),
    # never trained
    'weight of a variance': (lambda: VarianceHead(8, loss_weight=-0.5), 'loss_weight is a finite number >= 0'),
    # was made larger
    'weight of an energy': (lambda: JointEnergyTerm(weight=(-0.5, 1.0)), 'weight is two finite numbers >= 0'),
    'weight of a view': (lambda: tiny.build('UniMatchV1', view_weights=dict(feature=-1.0)), 'view_weights.feature is'),
    # not read
    'third weight': (lambda: KendallGalTerm(weight=(0.5, 1.0, 2.0)), 'weight is two finite numbers'),
    'loss beside a term': (
        lambda: tiny.build('DUEB', side_heads=dict(variance=dict(loss_weight=3.0))),
        'by its aleatoric term, .* or take aleatoric=None',
    ),
    'step of no descent': (lambda: SelfLabeling(solver='multiplicative', step_size=0.1), "'multiplicative' is not"),
    # no pixel was trusted
    'percent': (lambda: Trust('confidence', threshold=95), r'numbers in \[0, 1\], got threshold=95'),
    # known only when a later stage began, after hours
    'area of a box': (lambda: CutMix(area=(0.5, 1.5)), r'area is a range within \(0, 1\]'),
    'samples': (lambda: KendallGalTerm(num_samples=0), 'are at least 1, got 0'),
    'stride': (lambda: KendallGalTerm(sample_stride=0), 'are at least 1, got 10 and 0'),
    'temperature of a contrast': (lambda: SampledContrast(4, temperature=0.0), 'temperature > 0'),
    'slack': (lambda: tiny.build('ELN', slack=(-1.0,)), 'slack is a finite number >= 0'),
    # known only in the first step, after data and weights were read
    'percent of images': (
        lambda: tiny.build('UniMatchV2', feature_keep=50),
        r'feature_keep is a share of .* \[0, 1\], got 50',
    ),
    'name of a target': (lambda: ConfidentLabels(0.9, 'fuzzy_topk'), r"write target=dict\(type='fuzzy_topk', ...\)"),
    'no class': (lambda: ConfidentLabels(0.9, dict(type='fuzzy_topk', k=0)), 'keeps at least 1 class, got k=0'),
    'maps': (lambda: ConfidentLabels(0.9, dict(type='located', correctness=0.5)), "cannot be called .* 'shape'"),
}


@pytest.mark.parametrize('option', sorted(IMPOSSIBLE))
def test_a_number_without_a_meaning_is_refused_when_the_model_is_built(option):
    build, message = IMPOSSIBLE[option]
    with pytest.raises(ValueError, match=message):
        build()
