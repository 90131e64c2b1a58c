"""Weights, gradients and optimizer state divided over two processes: the run that ``DistributedDataParallel`` makes."""

import copy
import re

import pytest
import torch
import toy_parts  # noqa: F401
from mmengine.config import Config
from mmseg.registry import MODELS
from toy_process import loss_curve, output, train, train_ranks
from toy_run import draw_images, toy_config, toy_model, write_config

from mmseg_ssl.compat import load_weights_only

pytestmark = pytest.mark.slow
torch_has_it = pytest.mark.skipif(
    tuple(int(part) for part in torch.__version__.split('+')[0].split('.')[:2]) < (2, 6), reason='needs torch 2.6'
)


def small_vit(model):
    """ViT with a plain head; no dropout, whose draws would be the same anyway."""
    vit = dict(type='VisionTransformer', img_size=16, patch_size=4, embed_dims=16, num_layers=2, num_heads=2)
    head = dict(model['segmentor']['decode_head'], in_channels=16, in_index=0, dropout_ratio=0.0)
    head.update(norm_cfg=dict(type='GN', num_groups=2))
    model['segmentor'].update(backbone=dict(vit, mlp_ratio=2, out_indices=(1,)), decode_head=head)
    return model


def config_of(method, folder, **changes):
    strong = dict(type='StrongAugment')
    model = small_vit(toy_model(method))
    if method == 'UniMatchV2':
        model.update(threshold=0.0)
        model['data_preprocessor'].update(strong=dict(strong1=strong, strong2=strong))
    config = toy_config(draw_images(folder), model=model, **changes)
    config['optim_wrapper'] = dict(
        type='OptimWrapper',
        constructor='MergedOptimWrapperConstructor',
        optimizer=dict(type='AdamW', lr=0.01),
        paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=3.0))),
    )
    if method == 'FixMatch':
        model.update(threshold=0.0)
        model['data_preprocessor'].update(strong=strong)
        segmentor = small_vit(toy_model(method))['segmentor']
        torch.manual_seed(5)
        trained = MODELS.build(copy.deepcopy(segmentor))
        for parameter in trained.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        torch.save(dict(state_dict=trained.state_dict()), folder.parent / 'teacher.pth')
        model.update(teacher=dict(segmentor=segmentor, checkpoint=str(folder.parent / 'teacher.pth')))
    config['default_hooks']['checkpoint'].update(save_best='mIoU')
    if method in ('DUEB', 'FixMatch'):
        config['custom_hooks'] = config['custom_hooks'][:2]
    return config


def assert_close(one, two, where=''):
    if isinstance(one, dict):
        assert one.keys() == two.keys(), where
        for key in one:
            assert_close(one[key], two[key], f'{where}.{key}')
    elif isinstance(one, torch.Tensor):
        assert type(one) is type(two) and one.shape == two.shape, where
        torch.testing.assert_close(one, two, rtol=2e-4, atol=2e-5, msg=lambda text: f'{where}: {text}')


def assert_same_run(config, tmp_path):
    """The run of both wrappers, and of one that was killed and resumed; returns what each of the first two wrote."""
    path = write_config(tmp_path / 'divided.py', dict(config, model_wrapper_cfg=dict(type='FullyShardedModel')))
    for name, file in (('ddp', write_config(tmp_path / 'plain.py', config)), ('fsdp', path)):
        assert train_ranks(file, tmp_path / name, seconds=120) == [0, 0], output(tmp_path / name)
    one, two = loss_curve(tmp_path / 'ddp'), loss_curve(tmp_path / 'fsdp')
    assert sorted(one) == sorted(two) == list(range(1, 7))
    for step in one:
        assert {k: v for k, v in two[step].items() if 'loss' in k or 'norm' in k} == pytest.approx(
            {k: v for k, v in one[step].items() if 'loss' in k or 'norm' in k}, rel=1e-3, abs=1e-4
        ), step
    ends = [load_weights_only(str(tmp_path / name / 'iter_6.pth')) for name in ('ddp', 'fsdp')]
    for part in ('state_dict', 'optimizer'):
        assert_close(ends[0][part], ends[1][part], part)
    best = [next((tmp_path / name).glob('best_mIoU_*.pth')) for name in ('ddp', 'fsdp')]
    assert best[0].name == best[1].name
    assert_close(*(load_weights_only(str(path))['state_dict'] for path in best))

    train_ranks(path, tmp_path / 'cut', kills=('iteration:3', 'iteration:3'), seconds=120)
    assert train_ranks(path, tmp_path / 'cut', '--resume', seconds=120) == [0, 0], output(tmp_path / 'cut')
    assert loss_curve(tmp_path / 'cut') == two
    again = load_weights_only(str(tmp_path / 'cut' / 'iter_6.pth'))
    assert all(torch.equal(value, again['state_dict'][key]) for key, value in ends[1]['state_dict'].items())
    return [''.join(path.read_text() for path in (tmp_path / name).glob('*/*.log')) for name in ('ddp', 'fsdp')]


@torch_has_it
@pytest.mark.parametrize('method', ['MeanTeacher', 'UniMatchV2', 'DUEB', 'FixMatch'])
def test_the_run_of_data_parallel(method, tmp_path):
    """Losses, weights, moving average and optimizer state after six steps, two validations between; and a run that is
    killed and resumed is the same to the bit. The checkpoint is one of whole tensors: one process goes on from it.
    FixMatch has a trained network as its teacher."""
    config = config_of(method, tmp_path / 'data')
    _, log = assert_same_run(config, tmp_path)
    held, total = map(int, re.search(r'(\d+) of (\d+) weights, teachers included', log).groups())
    assert held < 0.56 * total  # the halves of a tensor with an odd number of rows are unequal

    state = load_weights_only(str(tmp_path / 'cut' / 'iter_6.pth'))['state_dict']
    MODELS.build(Config.fromfile(str(tmp_path / 'divided.py')).model).load_state_dict(state)
    longer = dict(config, train_cfg=dict(config['train_cfg'], max_iters=7), load_from=None)
    alone = write_config(tmp_path / 'alone.py', longer)
    assert train(alone, tmp_path / 'cut', '--resume') == 0, output(tmp_path / 'cut')


@torch_has_it
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(activation_checkpointing=True), '4 blocks of backbones are computed twice'),
        (dict(compile=dict(backend='eager')), '2 backbones and necks are compiled'),
    ],
    ids=['checkpointed', 'compiled'],
)
def test_cheaper_steps(options, said, tmp_path):
    """Half precision, clipped gradients of four batches, and networks that are compiled or computed twice, at once:
    the run is cut with two batches of four, and the last step is of two."""
    config = config_of('MeanTeacher', tmp_path / 'data', **options)
    step = dict(type='Bf16OptimWrapper', emulated=True, accumulative_counts=4, clip_grad=dict(max_norm=0.5))
    config['optim_wrapper'].update(step)
    assert all(said in log for log in assert_same_run(config, tmp_path))
