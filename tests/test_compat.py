"""The patches of the host: each does what it says, twice over, and gets out of the way where it is not needed."""

import importlib.util
import math
import subprocess
import sys

import mmengine
import mmseg
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.model.weight_init import PretrainedInit
from mmseg.models.decode_heads import decode_head
from mmseg.models.decode_heads.dpt_head import ReassembleBlocks
from mmseg.models.losses import accuracy as host_accuracy
from mmseg.models.utils import resize as host_resize

from mmseg_ssl import compat
from mmseg_ssl.compat.imports import MissingOps
from mmseg_ssl.compat.pretrained_weights import patch_pretrained_weights
from mmseg_ssl.compat.pretty_text import once_per_content
from mmseg_ssl.utils.versions import release_numbers
from mmseg_ssl.utils.weights import WeightsError

NO_OPS = importlib.util.find_spec('mmcv._ext') is None
GUARDED = mmseg.__version__ >= '1.3'  # onedl-mmsegmentation looks after missing operators itself


def python(code: str, root) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, '-c', code], cwd=root, capture_output=True, text=True)


def test_import_takes_nothing_optional_and_leaves_missing_operators_missing(root):
    """After the import, whoever asks for ``mmcv.ops`` gets the truth, so guards elsewhere keep working."""
    result = python(
        'import mmseg_ssl, sys\n'
        'print([name for name in ("mmpretrain", "torchvision", "mmdet") if name in sys.modules])\n'
        'try:\n  import mmcv.ops; print("operators")\n'
        'except ModuleNotFoundError as error:\n  print(error.name)',
        root,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-2:] == ['[]', 'mmcv._ext' if NO_OPS else 'operators']


def assert_gives_both_commands(error: str):
    for stack in ('openmmlab', 'onedl'):
        assert f"\n  pip install 'mmseg_ssl[{stack}]'" in error


def test_import_without_host_gives_both_commands(root):
    code = 'import sys; sys.modules.update(mmseg=None, mmengine=None, mmcv=None); import mmseg_ssl'
    result = python(code, root)
    assert result.returncode == 1
    assert '\nImportError: mmseg_ssl needs mmengine' in result.stderr
    assert_gives_both_commands(result.stderr)


@pytest.mark.parametrize('missing', ['mmseg', 'mmengine', 'mmcv'])
def test_missing_package_gives_both_commands(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=f'mmseg_ssl needs {missing}') as error:
        compat.check_versions()
    assert_gives_both_commands(str(error.value))


@pytest.mark.parametrize(('module', 'version'), [(mmseg, '1.2.1'), (mmengine, '0.9.1'), (torch, '2.0.1+cu118')])
def test_old_host_is_refused(module, version, monkeypatch):
    monkeypatch.setattr(module, '__version__', version)
    with pytest.raises(ImportError, match=rf'needs {module.__name__} >= .*found {version}'.replace('+', r'\+')):
        compat.check_versions()


@pytest.mark.parametrize('version', [(3, 9, 18), (3, 13, 0)])
def test_other_pythons_are_refused(version, monkeypatch):
    monkeypatch.setattr(sys, 'version_info', version)
    with pytest.raises(ImportError, match='Python 3.10 to 3.12'):
        compat.check_versions()


def test_versions_compare_as_numbers():
    assert release_numbers('2.13.0+cpu') == (2, 13, 0) > (2, 1)
    assert release_numbers('0.10.0rc4') == (0, 10, 0)


def test_patches_may_be_applied_twice():
    def patched():
        from mmengine.runner import checkpoint

        return decode_head.resize, checkpoint.load_url, checkpoint.torch.load, Config.pretty_text, dict(sys.modules)

    before = patched()
    compat.patch_host()
    assert patched() == before


def test_operator_placeholder_is_a_class_that_cannot_be_used():
    ops = MissingOps('mmcv.ops')
    assert not isinstance(torch.nn.Identity(), ops.CrissCrossAttention)
    assert ops.point_sample is ops.point_sample

    class Head(ops.PSAMask):
        pass

    for use in (ops.point_sample, Head):
        with pytest.raises(ImportError, match=r'mmcv\.ops\.\w+ is a compiled operator.*full mmcv'):
            use(1, 2)


@pytest.mark.skipif(not NO_OPS or GUARDED, reason='only mmseg 1.2.2 on mmcv-lite uses the stand-in')
def test_head_without_operators_says_so():
    from mmseg.registry import MODELS

    with pytest.raises(ImportError, match='CrissCrossAttention is a compiled operator'):
        MODELS.build(dict(type='mmseg.CCHead', in_channels=4, channels=4, num_classes=2, recurrence=1))


@pytest.mark.skipif(not GUARDED, reason='OneDL only')
def test_onedl_guards_see_the_real_answer():
    from mmseg.models.losses import focal_loss

    assert (focal_loss._sigmoid_focal_loss is None) == NO_OPS


def test_configs_inherit_from_the_host(tmp_path):
    path = tmp_path / 'child.py'
    path.write_text("_base_ = 'mmseg::_base_/models/fcn_unet_s5-d16.py'")
    assert Config.fromfile(str(path)).model.type == 'EncoderDecoder'


def test_base_configs_of_the_host_cost_no_reading_of_metafiles(tmp_path, monkeypatch):
    """No metafile lists a base; any other config is looked up there, as mmengine does."""
    monkeypatch.setattr(mmengine.config.utils, '_get_cfg_metainfo', lambda *args: pytest.fail('read the metafiles'))
    path = tmp_path / 'child.py'
    path.write_text("_base_ = 'mmseg::_base_/models/fcn_unet_s5-d16.py'")
    Config.fromfile(str(path))
    path.write_text("_base_ = 'mmseg::fcn/fcn_r50-d8_4xb2-40k_cityscapes-512x1024.py'")
    with pytest.raises(pytest.fail.Exception, match='read the metafiles'):
        Config.fromfile(str(path))


def binary_cross_entropy(logit, label, **options):
    from mmseg.registry import MODELS

    config = dict(type='mmseg.CrossEntropyLoss', use_sigmoid=True, avg_non_ignore=True, **options)
    return MODELS.build(config)(logit, torch.tensor(label), ignore_index=255)


def test_one_channel_without_a_label_is_zero():
    """mmseg takes the maximum of no label; with labels its value is the mean over valid pixels, class 1 weighted."""
    logit = torch.tensor([0.0, 1.0, -2.0, 5.0]).view(1, 1, 2, 2).requires_grad_()
    loss = binary_cross_entropy(logit, [[[255, 255], [255, 255]]])
    loss.backward()
    assert loss == 0 and not logit.grad.any()
    loss = binary_cross_entropy(logit, [[[0, 1], [0, 255]]], class_weight=[3.0])
    expected = (math.log(2) + 3 * math.log1p(math.exp(-1)) + math.log1p(math.exp(-2))) / 3
    assert loss.item() == pytest.approx(expected)
    with pytest.raises(ValueError, match='is taught the classes 0 and 1, got a mask with class 7'):
        binary_cross_entropy(logit, [[[0, 1], [7, 255]]])


def test_accuracy_of_one_channel():
    """mmseg's is the share of background, whatever is predicted."""
    logit, label = torch.tensor([-1.0, 2.0, 3.0, 4.0]).view(1, 1, 2, 2), torch.tensor([[[0, 1], [1, 255]]])
    assert decode_head.accuracy(logit, label, ignore_index=255).item() == pytest.approx(100)


def test_package_lookup():
    from mmengine.utils import get_installed_path, is_installed

    assert get_installed_path('mmseg') == str(importlib.util.find_spec('mmseg').submodule_search_locations[0])
    assert is_installed('mmseg')
    assert not is_installed('no_such_package')


def test_history_keeps_numbers_and_no_functions():
    history = HistoryBuffer([1.0, 2.0], [1, 3])
    state = history.__getstate__()
    assert set(state) == {'_log_history', '_count_history', 'max_length'}
    copy = HistoryBuffer.__new__(HistoryBuffer)
    copy.__setstate__(state)
    copy.update(5.0)
    np.testing.assert_array_equal(copy.data[0], [1, 2, 5])
    np.testing.assert_array_equal(history.data[0], [1, 2])
    assert copy.statistics('mean') == 8 / 5  # (1 + 2 + 5) / (1 + 3 + 1)


def test_history_cannot_bring_another_mean():
    state = dict(HistoryBuffer([1.0], [1]).__getstate__(), statistics_methods={'mean': lambda *_: 'replaced'})
    HistoryBuffer.__new__(HistoryBuffer).__setstate__(state)
    assert HistoryBuffer([3.0], [1]).statistics('mean') == 3.0


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_resize_to_the_same_size_is_the_same_tensor(dtype, align_corners):
    logits = (torch.randn(2, 5, 7, 9) * 100).to(dtype)
    options = dict(mode='bilinear', align_corners=align_corners)
    assert decode_head.resize(logits, size=(7, 9), **options) is logits
    assert torch.equal(host_resize(logits, size=(7, 9), **options), logits)  # so nothing changes but the copy
    other = decode_head.resize(logits, size=torch.Size((14, 9)), **options)
    assert torch.equal(other, host_resize(logits, size=(14, 9), **options))


@pytest.mark.parametrize('classes', [2, 5])
def test_accuracy_is_the_hosts(classes):
    """With ignored pixels, without any and with nothing else; other calls reach the host's function."""
    logits, label = torch.randn(2, classes, 7, 9, requires_grad=True), torch.randint(0, classes, (2, 7, 9))
    partly = label.where(torch.rand(2, 7, 9) < 0.7, 255)
    for target in (label, partly, torch.full_like(label, 255)):
        expected = host_accuracy(logits, target, ignore_index=255)
        actual = decode_head.accuracy(logits, target, ignore_index=255)
        torch.testing.assert_close(actual, expected.detach())
        assert not actual.requires_grad
    assert torch.equal(decode_head.accuracy(logits, partly), host_accuracy(logits, partly))
    assert len(decode_head.accuracy(logits, label, topk=(1, classes))) == 2


def test_resize_by_a_factor_is_untouched():
    logits = torch.randn(1, 2, 4, 4)
    assert decode_head.resize(logits, scale_factor=2).shape == (1, 2, 8, 8)


def test_dpt_reads_maps_without_tokens():
    """Two images, which mmseg would take for map and token; a readout of tokens that are not there says so."""
    blocks = ReassembleBlocks(4, [4] * 4)
    levels = [torch.randn(2, 4, 6, 6) for _ in range(4)]
    for one, other in zip(blocks(levels), blocks([[level, torch.randn(2, 4)] for level in levels])):
        assert torch.equal(one, other)
    with pytest.raises(ValueError, match="readout_type='add' reads a class token"):
        ReassembleBlocks(4, [4] * 4, 'add')(levels)


def test_a_config_is_formatted_once():
    """Not in every checkpoint; a changed config is formatted anew, and so is one that yapf is not to format."""
    calls = []
    config = Config(dict(why='formatted once', model=dict(type='A', sizes=(1, 2))))
    text = once_per_content(lambda config: calls.append(config) or f'text {len(calls)}')
    assert text(config) == text(config) == text(Config(config.to_dict())) == 'text 1'
    config.model.sizes = (1, 3)
    assert text(config) == text(config) == 'text 2'
    assert text(Config(config.to_dict(), format_python_code=False)) == 'text 3'
    assert Config.pretty_text.fget.__module__ == once_per_content.__module__
    assert "type='A'" in config.pretty_text


def test_pretrained_weights_of_another_network_are_refused(tmp_path):
    """The host lists what does not fit in the log, and trains from random weights."""
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    weights = {key: torch.ones_like(value) for key, value in network.state_dict().items()}
    files = dict(good=weights, part={'1.bias': weights['1.bias']}, other={'stem.0.weight': torch.ones(4)})
    files['whole'] = {f'backbone.{key}': value for key, value in weights.items()}
    for name, content in files.items():
        torch.save(dict(state_dict=content), tmp_path / f'{name}.pth')
    for name in ('good', 'part'):
        PretrainedInit(str(tmp_path / f'{name}.pth'))(network)
    assert bool((network[1].bias == 1).all())
    PretrainedInit(str(tmp_path / 'whole.pth'), prefix='backbone.')(network)
    for name in ('other', 'whole'):
        with pytest.raises(WeightsError, match=rf'{name}.pth holds no weight of Sequential: all of it would be random'):
            PretrainedInit(str(tmp_path / f'{name}.pth'))(network)
    PretrainedInit(str(tmp_path / 'other.pth'))(torch.nn.Identity())  # nothing of it is random
    with pytest.raises(WeightsError, match='holds no weight of BatchNorm2d'):  # it has statistics alone
        PretrainedInit(str(tmp_path / 'other.pth'))(torch.nn.BatchNorm2d(4, affine=False))
    before = PretrainedInit.__call__
    patch_pretrained_weights()
    assert PretrainedInit.__call__ is before  # once
