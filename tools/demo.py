"""Train the supervised baseline and DUEB side by side on the drawn dataset, compare them, and draw a picture.

``make demo`` runs this. Both see the same 8 labeled images for the same number of iterations, one CPU core each; DUEB
also sees 152 images without labels.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402

from mmseg_ssl.datasets import ShapesDataset  # noqa: E402
from mmseg_ssl.tooling.cli import UserError, add_debug_option, at_least, readable_errors  # noqa: E402
from mmseg_ssl.tooling.demo_picture import draw  # noqa: E402
from mmseg_ssl.utils.json_lines import read_json_lines  # noqa: E402
from mmseg_ssl.utils.project_files import CONFIGS, WORKSPACE  # noqa: E402

SETTINGS = {name: CONFIGS / f'{name}/{name}_unet_shapes_8.py' for name in ('supervised', 'dueb')}
TITLES = dict(supervised='supervised', dueb='DUEB')
DATA = WORKSPACE / 'data/shapes'
CLASSES = ShapesDataset.METAINFO['classes']


def start(name: str, folder: Path, iterations: int) -> subprocess.Popen:
    """Start one training in the background, on one core."""
    command = [sys.executable, str(ROOT / 'tools/train.py'), str(SETTINGS[name]), '--work-dir', str(folder)]
    command += ['--cfg-options', f'train_cfg.max_iters={iterations}']
    environment = dict(os.environ, OMP_NUM_THREADS='1', PYTHONWARNINGS='ignore')
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / 'output.txt', 'w') as log:
        return subprocess.Popen(command, cwd=WORKSPACE, env=environment, stdout=log, stderr=subprocess.STDOUT)


def wait(processes: Dict[str, subprocess.Popen], folders: Dict[str, Path], iterations: int) -> None:
    """Wait for all trainings and say how far they are.

    Raises:
        UserError: One failed; shows the end of its output.
    """
    began, shown = time.time(), ''
    try:
        while True:
            running = [name for name in processes if processes[name].poll() is None]
            progress = ', '.join(f'{TITLES[name]} {_iteration(folders[name])}/{iterations}' for name in processes)
            if progress != shown:
                print(f'  {time.time() - began:4.0f} s  {progress}', flush=True)
                shown = progress
            failed = [name for name in processes if processes[name].poll()]
            if failed:
                output = (folders[failed[0]] / 'output.txt').read_text()
                raise UserError(f'the {TITLES[failed[0]]} training failed:\n{output[-3000:]}')
            if not running:
                return
            time.sleep(1)
    finally:
        for process in processes.values():
            if process.poll() is None:
                process.terminate()


def _scalars(folder: Path) -> List[dict]:
    """Logged values of the latest run in a folder, oldest first."""
    files = sorted(folder.glob('*/vis_data/scalars.json'))
    return read_json_lines(files[-1]) if files else []


def _iteration(folder: Path) -> int:
    return max((entry.get('iter', 0) for entry in _scalars(folder)), default=0)


def last_scores(folder: Path) -> Dict[str, float]:
    """Return the metrics of the last validation, in %."""
    return next(entry for entry in reversed(_scalars(folder)) if 'mIoU' in entry)


def compare(folders: Dict[str, Path]) -> str:
    """Make a table of the IoU of every class, one column per method."""
    metrics = {name: last_scores(folder) for name, folder in folders.items()}
    lines = ['', f'{"IoU in %":12}' + ''.join(f'{TITLES[name]:>12}' for name in folders)]
    for title, key in [*((label, f'IoU.{label}') for label in CLASSES), ('mIoU', 'mIoU')]:
        lines.append(f'{title:12}' + ''.join(f'{metrics[name][key]:12.2f}' for name in folders))
    return '\n'.join(lines)


def main(argv: Optional[List[str]] = None) -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = os.environ.get('DEMO_ITERS') or None
    parser.add_argument('--iters', type=at_least(1), default=usual, help="of both trainings (default: the configs')")
    parser.add_argument(
        '--out', type=Path, default=WORKSPACE / 'work_dirs/demo', help='folder of everything that is made'
    )
    add_debug_option(parser)
    args = parser.parse_args(argv)
    iterations = args.iters or Config.fromfile(str(SETTINGS['dueb'])).train_cfg.max_iters
    out = args.out.resolve()

    print(f'Drawing the dataset in {DATA}' if not DATA.is_dir() else f'The dataset is in {DATA}', flush=True)
    ShapesDataset.prepare(str(DATA))
    folders = {name: out / name for name in SETTINGS}
    print(f'Training both for {iterations} iterations, one core each; logs in {out}', flush=True)
    wait({name: start(name, folder, iterations) for name, folder in folders.items()}, folders, iterations)
    print(compare(folders))
    torch.set_num_threads(1)
    checkpoints = {name: folder / f'iter_{iterations}.pth' for name, folder in folders.items()}
    titles = {name: f'{TITLES[name]}: mIoU {last_scores(folder)["mIoU"]:.1f}' for name, folder in folders.items()}
    draw(SETTINGS, checkpoints, titles, DATA, CONFIGS / 'splits/shapes/8_draw0.txt', out / 'demo.png')
    print(f'\nPicture: {out / "demo.png"}')


if __name__ == '__main__':
    with readable_errors():
        main()
