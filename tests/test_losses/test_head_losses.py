"""Losses that a decode head of plain mmseg takes by ``loss_decode``."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_ssl.models.losses import EnergyLoss, HeteroscedasticCrossEntropy, heteroscedastic_cross_entropy


def pixels(*logits):
    """Logits (1, C, 1, N), one list per pixel."""
    return torch.tensor(logits).T[None, :, None]


def test_joint_energy_by_hand():
    """-z of the class, 2 and 1, and 0.3 times the squares, 4 + 1 and 0 + 1; the third pixel has no label."""
    logits, label = pixels([2.0, 1.0], [0.0, 1.0], [9.0, 9.0]), torch.tensor([[[0, 1, 7]]])
    loss = EnergyLoss(logit_weight=0.3, loss_weight=2.0)(logits, label, ignore_index=7, weight=None)
    assert loss.item() == pytest.approx(2 * (-1.5 + 0.3 * 3))  # not 0, of which any weight makes 0


def test_hinge_energy_by_hand():
    """Energies -ln 2 and -ln(2 e^3) = -ln 2 - 3; the margin -1 is undercut by the second alone."""
    logits, label = pixels([0.0, 0.0], [3.0, 3.0]), torch.tensor([[[0, 1]]])
    loss = EnergyLoss(form='hinge', margin=-1.0)(logits, label)
    assert loss.item() == pytest.approx((1 - math.log(2)) ** 2 / 2)


def test_release_energy_by_hand():
    """Two pixels of probability 1/2: ln(2 e^0.5)."""
    loss = EnergyLoss(form='release')(pixels([0.0, 0.0], [1.0, 1.0]), torch.tensor([[[0, 1]]]))
    assert loss.item() == pytest.approx(math.log(2) + 0.5)


@pytest.mark.parametrize('options', [dict(form='hinge'), dict(margin=-1.0), dict(form='free')])
def test_an_energy_that_makes_no_sense_is_refused(options):
    with pytest.raises(ValueError, match='form'):
        EnergyLoss(**options)


def test_without_variance_it_is_the_cross_entropy():
    """softplus(-40) is below the smallest variance, 1e-6, whose noise of 1e-3 moves a loss by about that."""
    logits, label = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    label[0, 0] = 255
    loss = HeteroscedasticCrossEntropy(num_classes=3)
    torch.nn.init.constant_(loss.variance.bias, -40.0)
    torch.testing.assert_close(loss(logits, label), F.cross_entropy(logits, label, ignore_index=255), atol=1e-3, rtol=0)


def test_the_variance_is_read_from_the_logits_and_learns():
    logits, label = torch.randn(2, 3, 4, 4, requires_grad=True), torch.randint(0, 3, (2, 4, 4))
    loss = HeteroscedasticCrossEntropy(num_classes=3, num_samples=5, loss_weight=2.0)
    torch.manual_seed(1)
    value = loss(logits, label)
    torch.manual_seed(1)
    variance = F.softplus(loss.variance(logits))
    torch.testing.assert_close(value, 2 * heteroscedastic_cross_entropy(logits, variance, label, 5).mean())
    value.backward()
    assert all((tensor.grad != 0).any() for tensor in (logits, loss.variance.weight, loss.variance.bias))


def test_the_variance_is_at_most_ten():
    """softplus(50) is 50; beyond 10 the noise drowns every logit, and the bias has no gradient back."""
    logits, label = torch.randn(1, 3, 4, 4), torch.randint(0, 3, (1, 4, 4))
    loss = HeteroscedasticCrossEntropy(num_classes=3, num_samples=5)
    torch.nn.init.constant_(loss.variance.bias, 50.0)
    torch.manual_seed(1)
    value = loss(logits, label)
    torch.manual_seed(1)
    ten = torch.full((1, 1, 4, 4), 10.0)
    torch.testing.assert_close(value, heteroscedastic_cross_entropy(logits, ten, label, 5).mean())


def test_a_wrong_number_of_classes_is_named():
    with pytest.raises(ValueError, match='num_classes=3.*predicts 2.*Set num_classes=2'):
        HeteroscedasticCrossEntropy(num_classes=3)(torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2).long())


@pytest.mark.parametrize('loss', [dict(type='EnergyLoss'), dict(type='HeteroscedasticCrossEntropy', num_classes=2)])
@pytest.mark.parametrize('channels', [1, 2])
def test_a_plain_head_logs_it_under_a_name_of_its_own(loss, channels):
    sigmoid = dict(type='CrossEntropyLoss', use_sigmoid=channels == 1, avg_non_ignore=True)
    head = MODELS.build(
        dict(type='mmseg.FCNHead', in_channels=4, channels=4, num_convs=1, num_classes=2, out_channels=channels)
        | dict(threshold=0.5, loss_decode=[sigmoid, dict(loss, type=f'mmseg.{loss["type"]}')])
    )
    sample = SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, 2, (1, 8, 8))))
    losses = head.loss((torch.randn(1, 4, 4, 4),), [sample], {})
    names = {'EnergyLoss': 'loss_energy', 'HeteroscedasticCrossEntropy': 'loss_heteroscedastic'}
    assert {'loss_ce', names[loss['type']]} <= set(losses)
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    assert torch.isfinite(head.conv_seg.weight.grad).all()
