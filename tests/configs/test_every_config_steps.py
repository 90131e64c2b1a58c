"""Every config trains and predicts: its own network, losses and pipelines, with random weights and images.

The tests of each method put a tiny network in the place of the config's, so they cannot see that the two do not fit.

Configs that differ by their lists, seeds, lengths or the depth of a ResNet alone take one step together, the first that
comes: 128 steps for 566 configs, about 4 minutes of one core. ``MMSEG_SSL_STEPS=all`` takes a step of each config, at
its own depth: about half an hour.
"""

import os
import re
from pathlib import Path

import one_step
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_ssl.models import Branch

FOLDER = Path(__file__).resolve().parents[2] / 'configs'
CONFIGS = {path.stem: path for path in sorted(FOLDER.glob('*/*.py')) if path.parent.name != '_base_'}
ALL = os.environ.get('MMSEG_SSL_STEPS') == 'all'


@pytest.fixture(scope='session')
def claims(tmp_path_factory) -> Path:
    """A folder of this run of pytest, for all of its processes."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if 'PYTEST_XDIST_WORKER' in os.environ else own) / 'steps'
    folder.mkdir(exist_ok=True)
    return folder


def is_first(claims: Path, key: str) -> bool:
    try:
        (claims / key).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize('name', CONFIGS)
def test_a_config_takes_a_step_and_predicts(name, claims, tmp_path):
    cfg = Config.fromfile(str(CONFIGS[name]), import_custom_modules=False)
    factor = one_step.shrink(cfg, thin=not ALL)
    if not ALL and not is_first(claims, one_step.key_of(cfg)):
        return
    kind = cfg.train_dataloader.dataset.labeled.type
    size = tuple(round(side * factor) for side in one_step.SIZES.get(kind, (375, 500)))
    batch = one_step.draw_batch(cfg, size, tmp_path)
    if any(step.type == 'LoadScribbles' for step in cfg.train_dataloader.dataset.labeled.pipeline):
        assert all(sample.unlabeled_mask.data.any() for sample in batch['data_samples']['sup'])
    one_step.write_teacher(cfg, tmp_path)
    model = MODELS.build(cfg.model)
    trained = {name: getattr(model, name) for name in model.networks if isinstance(getattr(model, name), Branch)}
    before = {name: first_weight(branch).clone() for name, branch in trained.items()}
    logs = one_step.train(cfg, model, batch)
    for stage, values in logs:
        more = check_losses(stage, list(trained), values)
    if logs[-1][0] != 'pretrain':  # which scribbles alone do not leave
        assert bool(more) == (cfg.model.type not in ('Supervised', 'ScribbleSupervised')), logs[-1]
    for name, branch in trained.items():
        assert not torch.equal(first_weight(branch), before[name]), name
    result = one_step.predict(cfg, model, size, tmp_path)
    on_grid = 'ScoreAtThisSize' in str(cfg.test_dataloader.dataset.pipeline)  # ELN on VOC; the image's size elsewhere
    check_prediction(result, model.predictors, result.ori_shape if on_grid else size, cfg.num_classes)


def first_weight(branch: Branch) -> torch.Tensor:
    """Of the classifier, which may be several convolutions."""
    return next(branch.segmentor.decode_head.conv_seg.parameters())


def check_losses(stage: str, trained: list, values: dict) -> set:
    """All are finite and sum up, and each trained network learns from labels; returns the other terms."""
    assert all(torch.isfinite(value).all() for value in values.values()), (stage, values)
    terms = {key: value for key, value in values.items() if 'loss' in key and key != 'loss'}
    torch.testing.assert_close(sum(terms.values()), values['loss'], msg=f'{stage} {values}')
    supervised = {key for key in terms if re.match(r'(\w+\.)?sup\.loss_', key)}
    for name in trained:
        prefix = f'{name}.sup.' if len(trained) > 1 else 'sup.'
        assert any(key.startswith(prefix) and terms[key] > 0 for key in supervised), (stage, prefix, values)
    return set(terms) - supervised


def check_prediction(result: SegDataSample, predictors: tuple, size: tuple, num_classes: int) -> None:
    """Of the image's size, every pixel a class, from every network that predicts."""
    several = predictors if len(predictors) > 1 else ()
    for key in ('pred_sem_seg', *(f'pred_sem_seg_{network}' for network in several)):
        classes = result.get(key).data
        assert classes.shape == (1, *size) and not classes.is_floating_point()
        assert 0 <= classes.min() and classes.max() < num_classes
    assert result.seg_logits.data.shape == (num_classes, *size) and torch.isfinite(result.seg_logits.data).all()
