"""Two methods combined: FARCLUSS with DUEB's energy weight and variance head."""

import pytest
import tiny
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from toy_process import ROOT, loss_curve, output, train

from mmseg_ssl.models import EnergyMargins

PROJECT = ROOT / 'projects' / 'energy_farcluss'
CONFIGS = sorted((PROJECT / 'configs').glob('*.py'))


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECT))  # as PYTHONPATH in its README


def build(temperature=1.0, **options):
    import energy_farcluss  # noqa: F401

    return tiny.build('FARCLUSS', reliability=dict(type='EnergyReliability', temperature=temperature), **options)


def test_the_weight_is_the_product_of_both():
    """Entropy's times sigmoid(m - E), m the middle of the teacher's energies of right and wrong labeled pixels."""
    model = build(temperature=2.0, cutmix=dict(prob=0.0))
    with torch.no_grad():
        model.teacher.network.segmentor.decode_head.conv_seg.weight.mul_(100)
    seen = []
    model.teacher.register_forward_hook(lambda _, inputs, pred: seen.append(pred.logits))
    samples = model.data_preprocessor(tiny.batch(), True)['data_samples']['sup']
    losses = tiny.loss_of(model, tiny.batch())

    margins = EnergyMargins(temperature=2.0)
    margins.update(seen[0][:2], torch.cat([sample.gt_sem_seg.data for sample in samples]))
    assert torch.equal(model.reliability.margins.means, margins.means)
    low, high = margins()
    probs = seen[0][2:].softmax(dim=1)
    entropy = -(probs * probs.clamp(min=1e-30).log()).sum(dim=1) / torch.tensor(float(tiny.NUM_CLASSES)).log()
    energy = -2 * (seen[0][2:] / 2).exp().sum(dim=1).log()
    expected = (1 - entropy) * torch.sigmoid(((low + high) / 2 - energy) / 2)
    torch.testing.assert_close(losses['unsup.reliability'], expected.mean(), rtol=1e-4, atol=1e-5)
    assert 'reliability.margins.means' in model.state_dict()


def test_it_steps_with_the_variance_head():
    model = build(side_heads=dict(variance=dict(type='VarianceHead')))
    losses = tiny.loss_of(model, tiny.batch())
    assert {'sup.loss_variance', 'unsup.loss_fuzzy', 'unsup.loss_contrast'} <= set(losses)
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    assert all(parameter.grad is not None for parameter in model.student.parameters())


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_its_configs_build(path):
    import energy_farcluss  # noqa: F401

    assert len(path.read_text().splitlines()) <= 25
    cfg = Config.fromfile(path)
    assert 'UnsupRampHook' in [hook.type for hook in cfg.custom_hooks]
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    assert type(model).__name__ == 'FARCLUSS' and type(model.reliability).__name__ == 'EnergyReliability'


@pytest.mark.slow
def test_it_trains_and_validates(tmp_path):
    data, run = tmp_path / 'shapes', tmp_path / 'run'
    sets = ['train_dataloader.dataset.labeled', 'train_dataloader.dataset.unlabeled', 'val_dataloader.dataset']
    options = [f'{name}.data_root={data}' for name in sets] + [
        'train_cfg.max_iters=2',
        'default_hooks.logger.interval=1',
    ]
    config = PROJECT / 'configs' / 'energy_farcluss_unet_shapes_8.py'
    assert train(config, run, '--cfg-options', *options) == 0, output(run)
    assert {'unsup.loss_fuzzy', 'unsup.loss_contrast', 'sup.loss_variance'} <= set(loss_curve(run)[1])
    assert 'mIoU' in output(run)
