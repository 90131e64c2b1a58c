"""DUEB's terms against numbers derived by hand (``tests/golden/README.md``)."""

import json

import pytest
import torch

from mmseg_ssl.models.losses import (
    heteroscedastic,
    heteroscedastic_cross_entropy,
    release_aleatoric,
    release_aleatoric_loss,
    release_energy_loss,
)


@pytest.fixture
def golden(root):
    return json.loads((root / 'tests/golden/dueb_release.json').read_text())


@pytest.fixture
def given(golden, monkeypatch):
    """Logits, variance and label of the golden batch; the noise of the losses is the golden noise."""
    noise = iter(torch.tensor(golden['noise'], dtype=torch.float64)[:, None, :, None])
    for module in (heteroscedastic, release_aleatoric):
        monkeypatch.setattr(module, 'normal_like', lambda *_, **__: next(noise).clone())
    logits = torch.tensor(golden['logits'], dtype=torch.float64)[None, :, None].requires_grad_()
    variance = torch.tensor(golden['variance'], dtype=torch.float64)[None, None, None].requires_grad_()
    return logits, variance, torch.tensor(golden['label'])[None, None]


def close(actual, expected):
    expected = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(actual.reshape(expected.shape), expected, rtol=1e-12, atol=1e-12)


def test_release_aleatoric(golden, given):
    logits, variance, label = given
    loss = release_aleatoric_loss(logits, variance, label, num_samples=2)
    loss.backward()
    close(loss, golden['release_aleatoric']['value'])
    close(logits.grad, golden['release_aleatoric']['grad_logits'])
    close(variance.grad, golden['release_aleatoric']['grad_variance'])


def test_release_energy(golden, given):
    logits, _, label = given
    loss = release_energy_loss(logits, label)
    loss.backward()
    close(loss, golden['release_energy']['value'])
    close(logits.grad, golden['release_energy']['grad_logits'])


def test_kendall_gal(golden, given):
    logits, variance, label = given
    loss = heteroscedastic_cross_entropy(logits, variance, label, num_samples=2)
    loss.sum().backward()
    close(loss, golden['kendall_gal']['value'])
    close(logits.grad, golden['kendall_gal']['grad_logits'])
    close(variance.grad, golden['kendall_gal']['grad_variance'])
