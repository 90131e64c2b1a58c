"""Write the table of results into a README from the logs of the runs: ``python tools/results.py work_dirs``.

Reads what ``tools/train.py`` and ``tools/test.py`` left: the metrics of a test, the config that it dumped beside them
(network, list, seed, checkpoint), and the log of the training that wrote the checkpoint (hardware).
"""

import argparse
import json
import re
import statistics
import sys
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mmengine.config import Config  # noqa: E402

import mmseg_ssl  # noqa: E402, F401  (mends the host, which reads configs)
from mmseg_ssl.utils.cli import UserError, readable_errors  # noqa: E402

BEGIN, END = '<!-- results:begin -->', '<!-- results:end -->'
METHODS = {'Supervised': 'supervised', 'MeanTeacher': 'mean teacher', 'CPCL': 'CPCL', 'DUEB': 'DUEB'}
CLASSES = ('pole', 'sign', 'pedestrian', 'bicyclist')  # the thin and the rare ones
HEAD = ('labels', 'method', 'draws', 'iterations', 'mIoU', 'second network', *CLASSES)
NOT_A_CONDITION = re.compile(r'num_workers|persistent_workers|dataset\.split|sampler\.seed|auto_scale_lr')
"""Settings that differ between runs of one row, or that do not change the numbers."""


class Run(NamedTuple):
    """One tested checkpoint, the last of its training."""

    method: str  # class of the model
    labels: str  # list of labelled images without its draw: camvid/1-16
    draw: str  # the list itself
    options: Tuple[str, ...]  # key=value of what differs from the committed config
    config: str  # its name
    iterations: int
    seed: int
    metrics: Dict[str, float]
    hardware: str
    images: str  # folder of the test images


def find_runs(folders: List[Path]) -> List[Run]:
    """Read every test below some folders; of two tests of one checkpoint the later one counts."""
    tests = {}
    for folder in folders:
        for path in sorted(folder.rglob('*.json'), key=lambda path: path.stem):
            if path.parent.name == path.stem and (path.parent / 'vis_data' / 'config.py').is_file():
                run = read_test(path, folders)
                tests[(run.config, run.options, run.draw, run.seed, run.images)] = run
    if not tests:
        raise UserError(f'no test below {", ".join(map(str, folders))}: run tools/test.py with --work-dir there first.')
    return list(tests.values())


def read_test(path: Path, folders: List[Path]) -> Run:
    """Read one test; a ``UserError`` if it is not of the last checkpoint of its run."""
    cfg = Config.fromfile(str(path.parent / 'vis_data' / 'config.py'))
    checkpoint, iterations = Path(cfg.load_from), cfg.train_cfg.max_iters
    if checkpoint.name != f'iter_{iterations}.pth':
        raise UserError(f'{path} tests {checkpoint.name}, which is not the last checkpoint (iter_{iterations}.pth).')
    training = _training_folder(checkpoint, folders)
    names = sorted(file.stem for file in training.glob('*.py'))
    draw = cfg.train_dataloader.dataset.split
    return Run(
        method=cfg.model.type,
        labels=re.sub(r'(_draw\d+)?\.txt$', '', draw),
        draw=draw,
        options=_options(names[0], cfg) if names else (),
        config=names[0] if names else '?',
        iterations=iterations,
        seed=cfg.get('randomness', {}).get('seed', 0),
        metrics=json.loads(path.read_text()),
        hardware=_hardware(training),
        images=cfg.test_dataloader.dataset.data_prefix.img_path,
    )


def _training_folder(checkpoint: Path, folders: List[Path]) -> Path:
    """The folder of the run that wrote a checkpoint, also after it was moved into one of ``folders``."""
    if checkpoint.parent.is_dir():
        return checkpoint.parent
    for path in (path for folder in folders for path in folder.rglob(f'{checkpoint.parent.name}/*/vis_data')):
        return path.parents[1]
    raise UserError(f'the folder {checkpoint.parent.name} of the tested checkpoint {checkpoint.name} is not there.')


def _options(name: str, cfg: Config) -> Tuple[str, ...]:
    """What a run changed in the model, the optimizer and the data of the committed config."""
    committed = next(iter(ROOT.glob(f'configs/*/{name}.py')), None)
    before = Config.fromfile(str(committed)) if committed else cfg
    parts = ('model', 'optim_wrapper', 'train_dataloader', 'test_dataloader', 'custom_hooks')
    old, new = (dict(_flat({part: it.get(part) for part in parts})) for it in (before, cfg))
    changed = [key for key in sorted({**old, **new}) if old.get(key) != new.get(key)]
    return tuple(f'{key}={new.get(key)}' for key in changed if not NOT_A_CONDITION.search(key))


def _flat(value: Any, key: str = '') -> Iterator[Tuple[str, Any]]:
    """Leaves of a nested config by dotted key."""
    nested = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    if not isinstance(value, (dict, list, tuple)):
        yield key, value
    for name, item in nested:
        yield from _flat(item, f'{key}.{name}' if key else str(name))


def _hardware(training: Path) -> str:
    """Device and torch of a run, from the environment in its log."""
    text = ''.join(log.read_text() for log in sorted(training.glob('*/*.log'))[-1:])
    patterns = (r'^\s+GPU [\d,]+: (.+)$', r'CPU capability usage: (\w+)', r'PyTorch: (\S+)')
    gpu, simd, torch = (re.search(pattern, text, re.M) for pattern in patterns)
    device = gpu.group(1) if gpu else f'CPU ({simd.group(1)})' if simd else 'unknown'
    return f'{device}, PyTorch {torch.group(1) if torch else "unknown"}'


def spread(values: List[float]) -> str:
    """Mean and, from two values on, sample standard deviation: ``38.20 ± 0.71``."""
    text = f'{statistics.mean(values):.2f}'
    return f'{text} ± {statistics.stdev(values):.2f}' if len(values) > 1 else text


def table(runs: List[Run]) -> str:
    """Make the markdown table: one row a method, set of options and number of labels."""
    rows = defaultdict(list)
    for run in runs:
        rows[(_order(run.labels), run.labels, list(METHODS).index(run.method), run.options, run.iterations)].append(run)
    done = {(run.labels, run.method) for run in runs}
    for labels, method in product({run.labels for run in runs if not run.labels.endswith('train')}, METHODS):
        if (labels, method) not in done:
            rows[(_order(labels), labels, list(METHODS).index(method), (), 0)] = []
    lines = ['| ' + ' | '.join(HEAD) + ' |', '|' + '---|' * len(HEAD)]
    for (_, labels, index, options, iterations), group in sorted(rows.items()):
        name = ' '.join([list(METHODS.values())[index], *(f'`{option}`' for option in options)])
        cells = [labels, name, *(_numbers(group, iterations) if group else ['not run', *[''] * (len(HEAD) - 3)])]
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def _order(labels: str) -> float:
    """Rank of a list: numbers of images, then shares, then all."""
    ratio = re.fullmatch(r'(1-)?(\d+)', labels.split('/')[-1])
    return 1.0 if ratio is None else (1 if ratio.group(1) else -1) / int(ratio.group(2))


def _numbers(group: List[Run], iterations: int) -> List[str]:
    """Cells of one row."""
    names = [key[: -len('mIoU')] for key in group[0].metrics if key.endswith('mIoU')]  # '' or 'student/'...

    def cell(key: str) -> str:
        return spread([run.metrics[key] for run in group])

    first, *rest = (f'{cell(f"{name}mIoU")} {name.rstrip("/")}'.strip() for name in names)
    classes = (cell(f'{names[0]}IoU.{label}') for label in CLASSES)
    return [str(len(group)), str(iterations), first, ', '.join(rest) or '-', *classes]


def report(runs: List[Run]) -> str:
    """Make the whole block: the table, and how its numbers were made."""
    images, hardware = (sorted({getattr(run, part) for run in runs}) for part in ('images', 'hardware'))
    lines = [
        f'IoU in % on `{"`, `".join(images)}` of the LAST checkpoint: mean ± sample deviation over the draws of the '
        f'labelled images; the class columns are those of the first network.\n\n{table(runs)}\n',
        f'Seed {", ".join(sorted({str(run.seed) for run in runs}))}. Hardware: {"; ".join(hardware)}. Made by '
        '`tools/results.py` from the logs. Each draw k of a row:\n\n```bash',
    ]
    for name, options, labels in sorted({(run.config, run.options, run.labels) for run in runs}):
        drawn = any(run.labels == labels and '_draw' in run.draw for run in runs)
        split = f'train_dataloader.dataset.split={labels}{"_draw<k>" if drawn else ""}.txt'
        folder = next((path.parent.name for path in ROOT.glob(f'configs/*/{name}.py')), '?')
        lines.append(f'python tools/train.py configs/{folder}/{name}.py --cfg-options {" ".join([split, *options])}')
    return '\n'.join([*lines, '```'])


def write_block(readme: Path, text: str) -> None:
    """Replace what stands between the two markers of a README; a ``UserError`` if they are not there."""
    content = readme.read_text(encoding='utf-8')
    if content.count(BEGIN) != 1 or content.count(END) != 1:
        raise UserError(f'{readme} needs one line {BEGIN} and one line {END}.')
    before, rest = content.split(BEGIN)
    readme.write_text(f'{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}', encoding='utf-8')


def main(argv: Optional[List[str]] = None) -> None:
    """Write the block."""
    parser = argparse.ArgumentParser(description='Write the table of results from the logs of the runs')
    parser.add_argument('folders', nargs='+', type=Path, help='work dirs of trainings and tests, at any depth')
    parser.add_argument('--readme', type=Path, default=ROOT / 'configs/dueb/README.md', help='where the block is')
    args = parser.parse_args(argv)
    write_block(args.readme, report(find_runs(args.folders)))
    print(f'Wrote the results into {args.readme}')


if __name__ == '__main__':
    with readable_errors():
        main()
