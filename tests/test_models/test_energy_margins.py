"""Margins of DUEB's hinge: running energies of right and wrong pixels."""

import math

import torch

from mmseg_ssl.models import EnergyMargins
from mmseg_ssl.models.losses import hinge_energy_loss

SURE = torch.tensor([5.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 1, 3).contiguous()  # of class 0
ENERGY = -math.log(math.exp(5) + 1)


def test_a_margin_that_no_pixel_has_set_costs_nothing():
    """Of a first batch that is all right, wrong pixels have no energy yet; a margin of 0 cost the square of theirs."""
    margins, doubted = EnergyMargins(), torch.ones(1, 1, 3, dtype=torch.bool)
    nothing = torch.full((1, 1, 3), 255)
    logits = SURE.clone().requires_grad_()
    margins.update(logits, nothing)
    assert margins() == (math.inf, -math.inf)
    loss = hinge_energy_loss(logits, torch.zeros_like(nothing), margins(), doubted)
    loss.backward()
    assert loss == 0 and not logits.grad.any()
    margins.update(logits, torch.zeros_like(nothing))
    torch.testing.assert_close(margins()[0].item(), ENERGY)
    assert margins()[1] == -math.inf
    margins.update(logits, torch.ones_like(nothing))
    torch.testing.assert_close(margins()[1].item(), ENERGY)


def test_pixels_count_by_their_energy_before_margins_are_set():
    """A finite weight, or nothing would be taught where no pixel was wrong in the first batch."""
    margins = EnergyMargins()
    expected = 1 / (1 + math.exp(ENERGY))
    torch.testing.assert_close(margins.reliability(SURE), torch.full((1, 1, 3), expected))
