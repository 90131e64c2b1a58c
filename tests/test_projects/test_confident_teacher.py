"""The worked example of CONTRIBUTING.md keeps every contract of the methods, and its loss is its equation."""

import importlib
import inspect

import pytest
import tiny
import torch
from tiny_networks import NETWORKS
from toy_process import ROOT, loss_curve, output, train

PROJECT = ROOT / 'projects' / 'confident_teacher'
NAME = 'ConfidentTeacher'


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(PROJECT))  # as PYTHONPATH in its README
    monkeypatch.syspath_prepend(str(ROOT / 'tests/contracts'))
    monkeypatch.setitem(tiny.DEFAULTS, NAME, dict(threshold=0.0))  # random weights are confident of nothing


@pytest.mark.parametrize('module', sorted(path.stem for path in ROOT.glob('tests/contracts/test_*.py')))
def test_it_keeps_the_contracts(module):
    contracts = importlib.import_module(module)
    # after them, which look into the registry when they are imported
    importlib.import_module('confident_teacher')
    kept = 0
    for name, contract in inspect.getmembers(contracts, inspect.isfunction):
        parameters = list(inspect.signature(contract).parameters)
        if name.startswith('test_') and parameters in (['method'], ['method', 'options']):
            torch.manual_seed(0)
            contract(NAME, *[{}] * (len(parameters) - 1))
            kept += 1
        if name.startswith('test_') and parameters == ['method', 'network']:
            for network in list(NETWORKS)[:3]:
                contract(NAME, network)
                kept += 1
    assert kept > (10 if module == 'test_methods' else 0)


def test_the_loss_is_that_of_the_equation():
    """Pixel by pixel: cross entropy with the teacher's class where it is confident, over all pixels, times 3."""
    importlib.import_module('confident_teacher')
    model = tiny.build(NAME, threshold=0.3, unsup_weight=3.0)
    with torch.no_grad():
        model.teacher.network.segmentor.decode_head.conv_seg.weight.mul_(60)
    seen = {}
    model.teacher.register_forward_hook(lambda _, inputs, pred: seen.update(teacher=pred.logits, weak=inputs[0]))
    model.student.register_forward_hook(
        lambda _, inputs, pred: seen.update(student=pred.logits.detach(), strong=inputs[0])
    )
    losses = tiny.loss_of(model, tiny.batch())
    views = model.data_preprocessor(tiny.batch(), True)['inputs']
    assert torch.equal(seen['weak'], views['weak'])
    assert torch.equal(seen['strong'], torch.cat([views['sup'], views['strong']]))
    probs, own = seen['teacher'].softmax(dim=1), seen['student'][2:].softmax(dim=1)
    total = 0.0
    for image, row, column in torch.cartesian_prod(*map(torch.arange, (4, 32, 32))):
        said = probs[image, :, row, column]
        if said.max() >= 0.3:
            total -= own[image, said.argmax(), row, column].log()
    kept = (probs.amax(dim=1) >= 0.3).float().mean()
    assert 0.1 < kept < 0.95
    torch.testing.assert_close(losses['unsup.loss_pseudo'].detach(), 3 * total / (4 * 32 * 32), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses['unsup.kept'], kept)


def test_it_is_short():
    assert len((PROJECT / 'confident_teacher/confident_teacher.py').read_text().splitlines()) <= 60


@pytest.mark.slow
def test_it_trains_and_validates(tmp_path):
    data, run = tmp_path / 'shapes', tmp_path / 'run'
    sets = ['train_dataloader.dataset.labeled', 'train_dataloader.dataset.unlabeled', 'val_dataloader.dataset']
    options = [f'{name}.data_root={data}' for name in sets]
    options += ['train_cfg.max_iters=2', 'default_hooks.logger.interval=1']
    config = PROJECT / 'configs/confident_teacher_unet_shapes_8.py'
    assert train(config, run, '--cfg-options', *options) == 0, output(run)
    assert {'unsup.loss_pseudo', 'unsup.kept'} <= set(loss_curve(run)[1])
    assert 'teacher/mIoU' in output(run)
