"""The command ``mmseg-ssl``, configs by ``mmseg_ssl::``, and both from a wheel, far from any checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from load_tool import TOOLS
from mmengine.config import Config

from mmseg_ssl.tooling import commands
from mmseg_ssl.tooling.cli import UserError, load_config
from mmseg_ssl.utils import project_files

TOOLING = Path(commands.__file__).parent
NAME = 'supervised/supervised_unet_shapes_8.py'


def test_every_tool_is_a_command(capsys):
    """With a sentence of its own, and no command line of another form in it."""
    commands.main([])
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line.startswith('  ')]
    assert {name.replace('-', '_') for name, _ in lines} == {path.stem for path in TOOLS.glob('*.py')}
    assert all(10 < len(text) < 110 and 'python' not in text for _, text in lines), lines


def test_a_command_runs_the_tool_with_its_words(tmp_path, monkeypatch, capsys):
    """The same as ``python tools/make_splits.py``; argparse calls it by the command."""
    monkeypatch.setattr(sys, 'argv', ['mmseg-ssl'])
    (tmp_path / 'ids.txt').write_text('a\nb\nc\n')
    commands.main(['make-splits', str(tmp_path / 'ids.txt'), '--out', str(tmp_path), '--subset', 'two=2'])
    assert len((tmp_path / 'two_draw0.txt').read_text().split()) >= 2
    for name in ('train', 'check', 'make_splits'):
        with pytest.raises(SystemExit) as end:
            commands.main([name, '--help'])
        assert not end.value.code and capsys.readouterr().out.split('usage: ')[1].startswith(f'mmseg-ssl {name} ')


def test_a_misspelled_command_names_the_nearest(capsys):
    with pytest.raises(SystemExit) as end:
        commands.main(['tran'])
    assert end.value.code == 2 and 'did you mean train?' in capsys.readouterr().err


def test_a_config_inherits_from_the_package(tmp_path, root):
    """Types keep mmseg's registries: a scope ``mmseg_ssl`` would be looked up in a registry that is not there."""
    (tmp_path / 'mine.py').write_text(f"_base_ = 'mmseg_ssl::{NAME}'\ntrain_cfg = dict(max_iters=7)\n")
    mine, there = Config.fromfile(str(tmp_path / 'mine.py')), Config.fromfile(str(root / 'configs' / NAME))
    there.train_cfg.max_iters = 7
    assert mine.to_dict() == there.to_dict()
    (tmp_path / 'wrong.py').write_text("_base_ = 'mmseg_ssl::dueb/none.py'\n")
    with pytest.raises(UserError, match=r'mmseg_ssl::dueb/none\.py is not among the configs in .*configs'):
        load_config(str(tmp_path / 'wrong.py'))


def test_configs_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (f'mmseg_ssl::{NAME}', f'configs/{NAME}'):
        assert load_config(name).model.type == 'Supervised'
    with pytest.raises(UserError, match=f'mmseg_ssl::{NAME}'):
        load_config('supervised_unet_shape_8.py')


def build_wheel(root: Path, folder: Path) -> Path:
    """Build the source archive from a copy of the project's files, and the wheel from the archive's content alone."""
    skipped = shutil.ignore_patterns('__pycache__', '.mim')
    for name in ('mmseg_ssl', 'configs', 'tools'):
        shutil.copytree(root / name, folder / 'copy' / name, ignore=skipped)
    for name in ('setup.py', 'pyproject.toml', 'MANIFEST.in', 'README.md', 'model-index.yml'):
        shutil.copy(root / name, folder / 'copy')
    code = 'import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))'
    build = [sys.executable, '-c', code]
    run([*build, 'build_sdist', folder], folder / 'copy')
    archive = next(folder.glob('*.tar.gz'))
    shutil.unpack_archive(archive, folder / 'source')
    run([*build, 'build_wheel', folder], next((folder / 'source').iterdir()))
    return next(folder.glob('*.whl'))


def run(words, folder: Path, **env) -> str:
    clean = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, env=dict(clean, **env), capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-3000:])
    return done.stdout + done.stderr


def install(wheel: Path, folder: Path) -> Path:
    """Make an environment with the wheel; everything else is that of this one, whose editable package is not."""
    run([sys.executable, '-m', 'venv', '--without-pip', folder], wheel.parent)
    site = next(folder.glob('lib/python*/site-packages'))
    (site / 'host.pth').write_text(sysconfig.get_paths()['purelib'] + '\n')
    pip = [sys.executable, '-m', 'pip', '--python', folder / 'bin/python', 'install', '--no-deps', '--no-index']
    run([*pip, '--ignore-installed', wheel], wheel.parent)
    return folder / 'bin'


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.name == 'nt', reason='folders of environments have other names')
def test_a_wheel_trains_where_there_is_no_checkout(tmp_path, root):
    """Built, installed in an environment of its own, and run for ten iterations on drawn data in an empty folder."""
    wheel = build_wheel(root, tmp_path)
    names = zipfile.ZipFile(wheel).namelist()
    for name in ('configs/' + NAME, 'configs/splits/camvid/8_draw0.txt', 'tools/train.py', 'model-index.yml'):
        assert f'mmseg_ssl/.mim/{name}' in names
    templates = [f'mmseg_ssl/tooling/{path.relative_to(TOOLING)}' for path in TOOLING.glob('templates/*')]
    assert len(templates) > 5 and set(templates) <= set(names)
    assert not [name for name in names if name.startswith(('tests', 'configs', 'tools')) or '__pycache__' in name]

    programs, empty = install(wheel, tmp_path / 'environment'), tmp_path / 'empty'
    empty.mkdir()
    config = f"_base_ = 'mmseg_ssl::{NAME}'\ntrain_cfg = dict(max_iters=10)\n"
    (empty / 'mine.py').write_text(config)
    place = run([programs / 'python', '-c', 'import mmseg_ssl; print(mmseg_ssl.__file__)'], empty)
    assert str(tmp_path / 'environment') in place
    log = run([programs / 'mmseg-ssl', 'train', 'mine.py'], empty, OMP_NUM_THREADS='1')
    assert '8 labeled (shapes/8_draw0.txt)' in log and (empty / 'work_dirs/mine/iter_10.pth').is_file()

    # what mim runs: the script below the installed package, found by importlib as mim does
    script = Path(place.splitlines()[-1]).parent / '.mim/tools/test.py'
    scored = run([programs / 'python', script, 'mine.py', 'work_dirs/mine/iter_10.pth'], empty, OMP_NUM_THREADS='1')
    assert 'IoU.pole' in scored
    assert run([programs / 'mmseg-ssl', 'check', f'configs/{NAME}'], empty).count('no problem found') == 1
    run([programs / 'mmseg-ssl', 'report', 'work_dirs/mine', '--limit', '4', '--examples', '1'], empty)
    assert 'IoU of every class' in (empty / 'work_dirs/mine/report.html').read_text()
    assert sorted(path.name for path in empty.iterdir()) == ['data', 'mine.py', 'work_dirs']


def test_the_checkout_is_found():
    """From here; a wheel's own folder is tested above."""
    assert project_files.IS_CHECKOUT and (project_files.CONFIGS / NAME).is_file() and project_files.TOOLS == TOOLS
