"""A user's mistake is one readable message and exit code 2 in every tool; a bug keeps its traceback."""

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from load_tool import TOOLS, load_tool
from mmcv.transforms import LoadImageFromFile
from mmseg.registry import DATASETS, MODELS
from torch.utils.data import DataLoader
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.datasets import DatasetError
from mmseg_ssl.models import StrongAugment
from mmseg_ssl.tooling.cli import UserError, load_config, readable_errors
from mmseg_ssl.tooling.user_errors import user_message

NAMES = sorted(path.stem for path in TOOLS.glob('*.py'))


@pytest.fixture(scope='module')
def toy(tmp_path_factory):
    """Folder with a config, as :func:`toy_config` draws it."""
    folder = tmp_path_factory.mktemp('toy')
    config = toy_config(draw_images(folder / 'data'))
    config.update(test_dataloader=config['val_dataloader'], test_evaluator=config['val_evaluator'], test_cfg=dict())
    write_config(folder / 'config.py', config)
    variable = dict(config, rate=2, crop_size=(16, 16), custom_imports=dict(imports=['mmseg_ssl']))
    write_config(folder / 'variable.py', variable)
    (folder / 'bad.py').write_text('a = 1\nb = c\n')
    (folder / 'syntax.py').write_text('a = (\n')
    (folder / 'child.py').write_text("_base_ = './bad.py'\n")
    (folder / 'nothing.py').write_text('a = 1\n')
    (folder / 'plain.yaml').write_text('model: !!python/object/apply:os.getcwd []\n')
    (folder / 'damaged.pth').write_bytes(b'no checkpoint')
    (folder / 'damaged.json').write_text('{"a":')
    torch.save(dict(code=Unknown()), folder / 'code.pth')
    (folder / 'list.txt').write_text('a\nb\na\n')
    return folder


class Unknown:
    """A type that no checkpoint may name."""


def fails(tool: str, line: str, folder: Path, capsys, monkeypatch, debug: bool = False) -> str:
    """Run a tool as its last lines do; the message that it shows."""
    argv = [word.format(here=folder) for word in line.split()] + ['--debug'] * debug
    monkeypatch.setattr(sys, 'argv', [f'tools/{tool}.py', *argv])
    monkeypatch.syspath_prepend(str(TOOLS.parent / 'tests'))
    monkeypatch.setattr(logging, 'raiseExceptions', False)  # the host's loggers keep the stderr of an earlier test
    monkeypatch.chdir(folder)
    module = load_tool(tool)
    with pytest.raises(SystemExit) as end, readable_errors():
        module.main(argv)
    assert end.value.code == 2
    text = capsys.readouterr().err
    assert ('Traceback' in text) == debug, text
    return text


CONFIG = '{here}/config.py'
OPTIONS = f'{CONFIG} --work-dir {{here}}/run --cfg-options '
MISTAKES = {
    'make_configs: no project': ('make_configs', '--root {here}', 'has no folder configs/_base_: give'),
    'train: no config': ('train', '{here}/confg.py', 'there is no config'),
    'train: a config that fails': ('train', '{here}/bad.py', r"bad\.py, line 2\): NameError: name 'c'"),
    'train: a base that fails': ('train', '{here}/child.py', r'child\.py cannot be read \(.*bad\.py, line 2\)'),
    'train: syntax': ('train', '{here}/syntax.py', r'syntax\.py cannot be read: SyntaxError'),
    'train: YAML with code': ('train', '{here}/plain.yaml', r'plain\.yaml cannot be read.*Nothing of it was run'),
    'train: a config of nothing': ('train', '{here}/nothing.py', 'the config lacks a setting: .*train_cfg'),
    'test: a config of nothing': ('test', '{here}/nothing.py {here}/code.pth', 'the config has no test_dataloader'),
    'train: an option without value': ('train', OPTIONS + 'train_cfg.max_iters', "expected KEY=VALUE.*'train_cfg"),
    'train: an option with an open bracket': ('train', OPTIONS + 'a=[1,(2', r'--cfg-options a=\[1,\(2'),
    'train: a variable of the file': (
        'train',
        '{here}/variable.py --work-dir {here}/run --cfg-options rate=1',
        r'rate is a variable of .*variable\.py, which has been used by then: set what it stands for',
    ),
    'train: a variable that other settings hold': (
        'train',
        '{here}/variable.py --work-dir {here}/run --cfg-options crop_size=(8,8)',
        r'has been used by then: its value stands in train_dataloader\.dataset\.labeled\.pipeline\.2\.crop_size, ',
    ),
    'train: a setting without its place': (
        'train',
        OPTIONS + 'lr=0.1',
        r'has no setting lr; did you mean optim_wrapper\.optimizer\.lr\?',
    ),
    'train: a setting of another program': (
        'train',
        '{here}/variable.py --work-dir {here}/run --cfg-options gpu_ids=[0]',
        r'variable\.py has no setting gpu_ids\.',
    ),
    'train: an option that is nearly one': ('train', OPTIONS + 'trian_cfg.max_iters=3', 'did you mean train_cfg'),
    'train: an option of no list': ('train', OPTIONS + 'custom_hooks.7.type=X', 'does not fit .*config.py'),
    'train: a typo in a type': ('train', OPTIONS + 'model.type=MeanTeecher', 'MeanTeecher is not in the .* registry'),
    'train: a typo in a key': (
        'train',
        OPTIONS + 'train_cfg.max_iter=3',
        "type='SemiTrainLoop': .*unexpected keyword argument 'max_iter'",
    ),
    'train: a value of ours': (
        'train',
        OPTIONS + 'custom_hooks.2.momentum=7',
        "type='MeanTeacherHook': .*momentum",
    ),
    'train: a value of the host': (
        'train',
        OPTIONS + 'param_scheduler.0.start_factor=7',
        "type='LinearLR': Starting multiplicative factor",
    ),
    'train: a list that is not there': (
        'train',
        OPTIONS + 'train_dataloader.dataset.labeled.ann_file=no.txt',
        'no.txt',
    ),
    'train: weights that are not there': (
        'train',
        OPTIONS + 'load_from={here}/no.pth',
        r'weights .* do not exist.*load_from: .*no\.pth',
    ),
    'train: weights that are none': ('train', OPTIONS + 'load_from={here}/damaged.pth', r'damaged\.pth: refused'),
    'test: weights that are none': ('test', f'{CONFIG} {{here}}/damaged.pth', r'damaged\.pth: refused'),
    'test: weights with code': ('test', f'{CONFIG} {{here}}/code.pth', r'code\.pth: refused.*Unknown'),
    'test: no weights': ('test', f'{CONFIG} no.pth', 'there is no checkpoint no.pth'),
    'check_dataset: no list': (
        'check_dataset',
        f'{CONFIG} --cfg-options train_dataloader.dataset.labeled.ann_file=no.txt',
        'no.txt',
    ),
    'pseudo_label: weights with code': (
        'pseudo_label',
        f'{CONFIG} {{here}}/code.pth {{here}}/data/img {{here}}/out1',
        r'code\.pth: refused',
    ),
    'pseudo_label: no images': (
        'pseudo_label',
        f'{CONFIG} {{here}}/damaged.pth {{here}}/none {{here}}/out2',
        'No folder of unlabeled images',
    ),
    'pseudo_label: no such device': (
        'pseudo_label',
        f'{CONFIG} {{here}}/damaged.pth {{here}}/data/img {{here}}/out3 --device gpu',
        '--device gpu cannot be used here',
    ),
    'pseudo_label: batches of nothing': (
        'pseudo_label',
        f'{CONFIG} {{here}}/damaged.pth {{here}}/data/img {{here}}/out4 --batch-size 0',
        'a whole number of at least 1',
    ),
    'export: weights that are none': (
        'export_segmentor',
        f'{CONFIG} {{here}}/damaged.pth {{here}}/exported',
        r'damaged\.pth: refused',
    ),
    'predict: no run': ('predict', '{here}/none {here}/data/img --out {here}/out5', 'there is no run .*none'),
    'publish_model: weights with code': ('publish_model', '{here}/code.pth {here}/out.pth', r'code\.pth: refused'),
    'make_splits: no list': ('make_splits', '{here}/no.txt --out {here} --subset 8=8', r'no\.txt'),
    'make_splits: twice': (
        'make_splits',
        '{here}/list.txt --out {here}/lists --subset 2=2',
        "'a' is already in line 1",
    ),
    'make_splits: no number': (
        'make_splits',
        '{here}/list.txt --out {here}/lists --subset 8',
        'give a name and a number',
    ),
    'make_scribbles: no masks': ('make_scribbles', '{here}/none {here}/scribbles', 'No folder of masks'),
    'shorten_scribbles: no masks': ('shorten_scribbles', '{here}/none {here}/short --ratio 0', 'No folder of masks'),
    'results: no folder': ('results', '{here}/none', 'there is no folder'),
    'results: no records': ('results', '--records {here}/damaged.json', 'line 1 is not a record'),
    'run_benchmark: no plan': ('run_benchmark', '{here}/no.toml', 'there is no plan .*no.toml'),
    'run_benchmark: no TOML': ('run_benchmark', '{here}/damaged.json', 'damaged.json is not TOML'),
    'benchmark_step: a damaged table': ('benchmark_step', '--table {here}/damaged.json', 'is not a JSON file'),
    'benchmark_step: no device': ('benchmark_step', '--device cuda:77', 'cuda:77 cannot be used here'),
    'benchmark_solver: no device': ('benchmark_solver', '--device gpu', 'gpu cannot be used here'),
    'benchmark_solver: no images': ('benchmark_solver', '--images {here}/none', 'Found 0 .jpg files'),
    'gpu_checks: no table': ('gpu_checks', '--table {here}/no.json', 'no.json: no such file'),
    'reproduce: no paper': ('reproduce', 'elm', "there is no paper of 'elm'; there are dueb"),
    'reproduce: no table': ('reproduce', 'eln tabel5', "eln has no 'tabel5'; it has table1"),
    'new: no images': ('new', '{here}/mine --images {here}/none --masks {here}/none', 'there is no folder'),
    'report: no run': ('report', '{here}/none', 'there is no run'),
    'serve: no run': ('serve', '{here}/none', 'there is no run'),
    'suggest: no run': ('suggest', '{here}/none --count 2 --out {here}/next', 'there is no run'),
    'communication: no method': ('communication', '--methods deub', 'deub'),
    'demo: no iterations': ('demo', '--iters 0', 'a whole number of at least 1'),
}


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('name', MISTAKES)
def test_a_mistake_is_a_message_and_exit_code_2(name, toy, capsys, monkeypatch):
    tool, line, message = MISTAKES[name]
    text = fails(tool, line, toy, capsys, monkeypatch)
    found = text.split('error: ', 1)[1].replace('\n', ' ')
    assert re.search(message, found), found


def test_every_tool_is_among_them():
    assert {tool for tool, _, _ in MISTAKES.values()} == set(NAMES)


@pytest.mark.parametrize('name', NAMES)
def test_every_tool_takes_debug_and_ends_in_readable_errors(name, capsys, monkeypatch):
    text = (TOOLS / f'{name}.py').read_text()
    assert text.endswith("if __name__ == '__main__':\n    with readable_errors():\n        main()\n")
    monkeypatch.setattr(sys, 'argv', [f'{name}.py', '--help'])
    with pytest.raises(SystemExit):
        load_tool(name).main(['--help'])
    assert '--debug' in capsys.readouterr().out


def test_debug_shows_the_traceback_too(toy, capsys, monkeypatch):
    text = fails('test', f'{CONFIG} {{here}}/damaged.pth --cfg-options a=1', toy, capsys, monkeypatch, debug=True)
    assert text.index('Traceback') < text.index('error: ')


def raised_by(function, *args, **kwargs) -> Exception:
    with pytest.raises(Exception) as found:
        function(*args, **kwargs)
    return found.value


class Broken:
    """A part with a bug."""

    def __init__(self, kind):
        raising = dict(index=lambda: [][0], value=lambda: int('x'), missing=lambda: {}['a'], none=lambda: None.a)
        raising[kind]()


@pytest.mark.parametrize('kind', ['index', 'value', 'missing', 'none'])
def test_a_bug_keeps_its_traceback(kind):
    """Also while something is built from a config: nobody wrote these messages for the user."""
    assert user_message(raised_by(Broken, kind)) is None
    assert user_message(raised_by(MODELS.build, dict(type=Broken, kind=kind))) is None


@pytest.mark.parametrize('error', [RuntimeError('CUDA out of memory'), ValueError('x'), KeyError('x'), TypeError('x')])
def test_an_error_of_nobody_in_particular_is_a_bug(error):
    def fail():
        raise error

    assert user_message(raised_by(fail)) is None
    with pytest.raises(type(error)), readable_errors():
        fail()


def test_what_this_package_says_counts_and_says_how_to_see_more():
    error = raised_by(StrongAugment, jitter_prob=7)
    assert user_message(error) == f'{error}\nRun again with --debug for the traceback.'
    built = user_message(raised_by(MODELS.build, dict(type='StrongAugment', jitter_prob=7)))
    assert built == f"type='StrongAugment': {error}\nRun again with --debug for the traceback."
    assert 'type=' not in user_message(UserError('plain')) and user_message(UserError('plain')) == 'plain'
    assert user_message(FileNotFoundError(2, 'No such file', 'a.png')).startswith("[Errno 2] No such file: 'a.png'")


@DATASETS.register_module()
class BadData(torch.utils.data.Dataset):
    """Data that a worker process finds bad."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise DatasetError('a.png: cannot be read.\nConvert it.')


def test_a_pager_that_has_read_enough_is_no_error():
    """``tool | head -1``: no message, the exit code of SIGPIPE; a broken pipe of something else is said."""
    code = (
        'from mmseg_ssl.tooling.cli import readable_errors\nprint("begin", flush=True)\nwith readable_errors():\n    {}'
    )
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    many = code.format('for number in range(100000): print(number)')
    with subprocess.Popen([sys.executable, '-c', many], **pipes) as tool:
        while tool.stdout.readline() != 'begin\n':  # the host may print when it is imported
            pass
        tool.stdout.close()
        error = tool.stderr.read()
    assert tool.returncode == 141 and 'error' not in error, error
    other = code.format('raise BrokenPipeError("of a worker")')
    tool = subprocess.run([sys.executable, '-c', other], **pipes)
    assert tool.returncode == 2 and 'error: of a worker' in tool.stderr


def test_an_error_of_a_worker_process_is_its_own_words():
    error = raised_by(lambda: list(DataLoader(BadData(), num_workers=1)))
    assert 'Original Traceback' in str(error)
    assert user_message(error) == 'a.png: cannot be read.\nConvert it.'


@pytest.mark.parametrize('workers', [0, 1])
def test_a_file_that_is_no_image_is_named_whatever_process_read_it(tmp_path, workers):
    (tmp_path / 'a.png').write_text('no image')
    data = Images([str(tmp_path / 'a.png')])
    text = user_message(raised_by(lambda: list(DataLoader(data, num_workers=workers))))
    assert re.fullmatch(r'failed to load image: .*a\.png\nIt is damaged or not an image: remove or replace it\.', text)


class Images(list):
    """Read by the host as in a pipeline."""

    def __getitem__(self, index):
        return LoadImageFromFile()(dict(img_path=super().__getitem__(index)))['img']


def test_options_that_are_new_are_allowed(toy, monkeypatch):
    """A config may have settings of its own, and what the Runner takes need not be in it."""
    monkeypatch.syspath_prepend(str(TOOLS.parent / 'tests'))
    options = {'my_variable': 1, 'load_from': 'x', 'find_unused_parameters': True, 'tta_model.type': 'SegTTAModel'}
    config = load_config(str(toy / 'config.py'), options)
    assert config.my_variable == 1 and config.tta_model.type == 'SegTTAModel'
