"""Options that were taken and then decided nothing, or the opposite of what was meant."""

import pytest
import tiny

from mmseg_ssl.models import ClassRebalancing, PrototypeContrast
from mmseg_ssl.models.energy_margins import EnergyMargins
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
