"""The tree of configs is what the matrix says, no more and no less; tools/make_configs.py writes it."""

import dataclasses
import shutil
from pathlib import Path

import pytest
import yaml
from load_tool import load_tool
from mmengine.config import Config

from mmseg_ssl.tooling import config_checks, config_files, config_leaves
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.config_files import differences, orphans, wanted_files
from mmseg_ssl.tooling.config_leaves import configs_of, difference, merged, text_of
from mmseg_ssl.tooling.config_text import flat, leaf_text, statement
from mmseg_ssl.tooling.matrix import DATA, METHODS, PUBLISHED, Code, Method, Recipe, Variant

ROOT = Path(__file__).resolve().parents[2]
CPS = next(method for method in METHODS if method.folder == 'cps')
LEAVES = {path: text for path, text in wanted_files(ROOT).items() if path.suffix == '.py'}


def test_the_tree_is_the_matrix():
    """Also the indexes and the tables of the READMEs; ``python tools/make_configs.py`` mends it."""
    files = wanted_files(ROOT)
    assert differences(ROOT, files) == []
    assert orphans(ROOT, files) == []


def test_a_config_is_short_and_says_where_it_comes_from():
    for path, text in LEAVES.items():
        assert len(text.splitlines()) <= 15, path
        assert max(map(len, text.splitlines())) <= 120, path
        assert 'tools/make_configs.py' in text.splitlines()[0]


def test_every_method_is_in_the_indexes():
    """Each config but those of drawn data; ``model-index.yml`` stands where OpenMMLab's tools look for it."""
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    assert index == sorted(f'configs/{method.folder}/metafile.yml' for method in METHODS)
    for method in METHODS:
        meta = yaml.safe_load((ROOT / f'configs/{method.folder}/metafile.yml').read_text())
        listed = {model['Name'] for model in meta['Models']}
        names = {path.stem for path in LEAVES if path.parent.name == method.folder and 'shapes' not in path.stem}
        assert listed == names
        assert [entry['Name'] for entry in meta['Collections']] == [method.title]
        assert {model['In Collection'] for model in meta['Models']} == {method.title}


@pytest.mark.parametrize('method', METHODS, ids=lambda method: method.folder)
def test_a_table_has_each_config_once_with_what_its_paper_says(method):
    text = (ROOT / f'configs/{method.folder}/README.md').read_text()
    block = text.split('<!-- configs:begin -->')[1].split('<!-- configs:end -->')[0]
    names = [path.name for path in LEAVES if path.parent.name == method.folder]
    assert all(block.count(f']({name})') == 1 for name in names)
    for scores in PUBLISHED.get(method.folder, {}).values():
        assert all(f') {score}' in block for score in scores if score)


def test_one_more_recipe_is_one_more_data_set_for_a_method():
    """As CONTRIBUTING.md says: a recipe with its group's options, all lists, lengths from the schedule."""
    recipe = Recipe('voc-u2pl', 'voc_semi_321', 'sgd_poly_voc_unimatch', 8, ('mbv2',), '{list}', group='cpu')
    method = dataclasses.replace(CPS, recipes=(recipe,), variants=())
    texts = {config.name(''): text_of(config) for config in configs_of(method)}
    assert list(texts) == [f'cps_mbv2_voc-u2pl_{name}' for name in DATA['voc-u2pl'].lists]
    first, second, *_ = texts.values()
    assert "unsup_weight=5.0, cutmix=dict(), predict_on=('student', 'peer')" in first
    assert "train_cfg = dict(max_iters=_base_.iters['662'])" in first and 'UnsupRampHook' in first
    assert second.splitlines()[1:] == [
        "_base_ = './cps_mbv2_voc-u2pl_662.py'",
        "train_dataloader = dict(dataset=dict(split='voc/u2pl/1323.txt'))",
        "train_cfg = dict(max_iters=_base_.iters['1323'])",
    ]


def test_values_are_python():
    value = dict(a=(1,), b=[Code('*_base_.hooks'), dict(type='X')], c={'': Code('method'), 'd': None}, e=0.1)
    assert flat(value) == "dict(a=(1,), b=[*_base_.hooks, dict(type='X')], c=dict(method, d=None), e=0.1)"
    long = dict(model=dict(first='x' * 60, second='y' * 60, third=1))
    assert statement('name', long) == [
        'name = dict(',
        '    model=dict(',
        f"        first='{'x' * 60}',",
        f"        second='{'y' * 60}',",
        '        third=1,',
        '    ),',
        ')',
    ]


def test_a_long_model_is_said_in_parts(tmp_path):
    """The parts make the same model."""
    model = dict(type='T', segmentor=Code('_base_.segmentor'), options=dict(a='x' * 70, b='y' * 30), more=(1.0, 2.0))
    model['data_preprocessor'] = dict(size=Code('_base_.crop_size'), strong=dict(type='StrongAugment', blur_prob=0.0))
    (tmp_path / 'one.py').write_text('segmentor = dict(type="S")\ncrop_size = (1, 2)\n')
    (tmp_path / 'two.py').write_text('other = 1\n')
    text = leaf_text('generated', 'a note', ['./one.py', './two.py'], dict(model=model))
    (tmp_path / 'leaf.py').write_text(text)
    assert 'options = dict(' in text and 'model = dict(method, ' in text and len(text.splitlines()) < 12
    assert Config.fromfile(str(tmp_path / 'leaf.py')).model == dict(
        type='T',
        segmentor=dict(type='S'),
        options=dict(a='x' * 70, b='y' * 30),
        more=(1.0, 2.0),
        data_preprocessor=dict(size=(1, 2), strong=dict(type='StrongAugment', blur_prob=0.0)),
    )


def test_a_config_says_only_what_it_changes():
    old = dict(model=dict(a=1, b=dict(c=2)), hooks=[1])
    new = merged(old, dict(model=dict(b=dict(c=3)), hooks=[1]))
    config = next(iter(configs_of(CPS)))
    assert new == dict(model=dict(a=1, b=dict(c=3)), hooks=[1]) and old['model']['b'] == dict(c=2)
    assert difference(new, old, config) == dict(model=dict(b=dict(c=3)))
    with pytest.raises(UserError, match=r"cannot inherit: it has no \['hooks'\]"):
        difference(dict(model=old['model']), old, config)


BAD = {
    r"a: no data \['x'\]; there are camvid, ": dict(recipes=(Recipe('x', 'voc_semi', 'sgd_poly_voc', 8, ('r50',)),)),
    'a: no network r5; there are mbv2': dict(recipes=(Recipe('voc', 'voc_semi', 'sgd_poly_voc', 8, ('r5',)),)),
    'a: no file configs/_base_/schedules/sgd.py': dict(recipes=(Recipe('voc', 'voc_semi', 'sgd', 8, ('r50',)),)),
    'a: the variant v is for shapes, which is in none': dict(variants=(Variant('v', {}, ('shapes',)),)),
    "a: on has 'gpu', which is neither data nor a group": dict(on=dict(gpu={})),
}


@pytest.mark.parametrize('message', BAD)
def test_rows_that_do_not_fit_are_named(message, monkeypatch):
    plain = Method('a', 'A', 'A', ('', ''), (Recipe('voc', 'voc_semi', 'sgd_poly_voc', 8, ('r50',)),))
    monkeypatch.setattr(config_checks, 'METHODS', [dataclasses.replace(plain, **BAD[message])])
    monkeypatch.setattr(config_checks, 'PUBLISHED', {})
    with pytest.raises(UserError, match=f'is not consistent:\n  {message}'):
        config_checks.check_matrix(ROOT)


def test_scores_that_belong_to_no_config_are_named(monkeypatch):
    monkeypatch.setattr(config_checks, 'PUBLISHED', dict(nobody={}, cps={'r50 voc': ('1',), 'r50 voc x': ('1',) * 4}))
    with pytest.raises(UserError) as error:
        config_checks.check_matrix(ROOT)
    assert "cps, 'r50 voc' has 1 scores and 4 lists" in str(error.value)
    assert "'r50 voc x' has 4 scores" in str(error.value) and 'no method nobody' in str(error.value)


def test_two_configs_of_one_name(monkeypatch):
    monkeypatch.setattr(config_files, 'METHODS', [CPS, CPS])
    with pytest.raises(UserError, match=r'two configs of the name cps_\w+_8\.py'):
        wanted_files(ROOT)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one method, whose first config was edited, and one that the matrix does not have."""
    for part in ('_base_', 'cps', 'README.md'):
        source, target = ROOT / 'configs' / part, tmp_path / 'configs' / part
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    for module in (config_files, config_checks):
        monkeypatch.setattr(module, 'METHODS', [CPS])
    monkeypatch.setattr(config_checks, 'PUBLISHED', {})
    (tmp_path / 'configs/cps/cps_mbv2_camvid_1-8.py').write_text('edited = 1\n')
    (tmp_path / 'configs/cps/mine.py').write_text('mine = 1\n')
    return tmp_path


def test_check_prints_and_writing_mends(project, capsys):
    tool = load_tool('make_configs')
    with pytest.raises(SystemExit) as end:
        tool.main(['--check', '--root', str(project)])
    text = capsys.readouterr().out
    assert end.value.code == 1 and (project / 'configs/cps/mine.py').is_file()
    assert '-edited = 1' in text and 'configs/cps/mine.py: no row of the matrix makes it' in text
    tool.main(['--root', str(project)])
    assert 'removed 1.' in capsys.readouterr().out
    tool.main(['--check', '--root', str(project)])
    assert 'files are as the matrix has them' in capsys.readouterr().out
    assert not (project / 'configs/cps/mine.py').exists()


def test_headers_agree():
    assert config_leaves.HEADER.startswith('Generated by tools/make_configs.py')
