"""Options that nothing would read: which are refused, which are doubted, and what is proposed."""

import pytest
from mmengine.config import Config

from mmseg_ssl.errors import UserError
from mmseg_ssl.tooling import option_names

SETTINGS = dict(
    crop_size=(8, 8),
    rate=1,
    model=dict(type='A'),
    train_cfg=dict(max_iters=3),
    unknown=dict(size=3),
    train_dataloader=dict(
        pipeline=[dict(crop_size=(8, 8)), dict(size=1)], steps=(dict(size=1), dict(size=2), dict(size=4))
    ),
)


def refused(option, **more):
    with pytest.raises(UserError) as error:
        check({option: 1}, **more)
    return str(error.value)


def check(options, **more):
    option_names.check_options(Config(dict(SETTINGS, **more)), 'c.py', options)


@pytest.mark.parametrize(
    'option',
    [
        'model.type',
        'load_from',
        'resume',
        'compile',
        'activation_checkpointing',
        'tta_model',
        'tta_pipeline',
        'sync_bn',
    ],
)
def test_settings_are_read_though_a_file_has_none_of_them(option):
    check({option: 1})


def test_every_option_is_looked_at():
    with pytest.raises(
        UserError, match=r'--cfg-options modell\.type: c\.py has no setting modell; did you mean model\?'
    ):
        check({'model.type': 1, 'train_cfg.max_iters': 1, 'modell.type': 1})


def test_where_the_value_of_a_variable_stands():
    """The first three places in settings that are read, in lists and tuples, too."""
    at = 'crop_size is a variable of c.py, which has been used by then: its value stands in {}, or change the file.'
    assert refused('crop_size') == '--cfg-options crop_size: ' + at.format('train_dataloader.pipeline.0.crop_size')
    steps = ', '.join(f'train_dataloader.{place}.size' for place in ('pipeline.1', 'steps.0', 'steps.1'))
    assert refused('size').endswith(f'no setting size; did you mean {steps.replace(", ", " or ")}?')
    assert refused('rate').endswith('used by then: set what it stands for, or change the file.')
    assert refused('rat').endswith('did you mean rate?')  # nearly a variable
    assert refused('load_form').endswith('did you mean load_from?')  # nearly a setting that the file has not
    assert refused('gpu_ids').endswith('c.py has no setting gpu_ids.')


@pytest.mark.parametrize('imports', [['mmseg_ssl', 'own'], ['own'], 'own'])
def test_own_code_may_read_its_own_settings(imports, monkeypatch):
    """Doubted, not refused, unless a known one is meant."""
    said = []
    monkeypatch.setattr(option_names, 'print_log', lambda text, *rest: said.append(text))
    own = dict(custom_imports=dict(imports=imports))
    check({'gpu_ids': 1, 'crop_size': 1, 'model.type': 1}, **own)
    assert len(said) == 2 and 'no setting gpu_ids.' in said[0] and 'crop_size is a variable' in said[1]
    assert refused('modell', **own).endswith('did you mean model?')


@pytest.mark.parametrize('imports', ['mmseg_ssl', ['mmseg_ssl'], []])
def test_this_package_reads_none(imports):
    assert 'no setting gpu_ids' in refused('gpu_ids', custom_imports=dict(imports=imports))
    assert 'no setting gpu_ids' in refused('gpu_ids', custom_imports=None)
