"""The model card: a page of Markdown about a trained network, from the files of its run."""

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from mmengine.config import Config

from ..apis import dataset_meta
from ..apis.network import pipeline_of_images
from ..version import __version__
from .cli import read_json
from .run_options import networks_of
from .trainings.provenance import read_provenance
from .unlabeled_images import LIST
from .work_dir_logs import SETTINGS, logged_scalars, tests_of, training_settings

USE = {
    '.pth': "weights for the config beside it: mmsegmentation's `MMSegInferencer(<config>, <weights>)`, or "
    '`mmseg_ssl.load(<this folder>)`',
    '.pt2': '`torch.export.load(<file>).module()`; needs torch alone',
    '.onnx': 'for onnxruntime and others; its metadata hold the classes and the preparation',
}


def model_card(cfg: Config, checkpoint: Path, network: str, files: List[Path]) -> str:
    """Write the page.

    Args:
        cfg: Config of the training.
        checkpoint: Its checkpoint, in the work dir of the training.
        network: The exported network.
        files: What was exported.

    Returns:
        Markdown: use, method, data, classes, numbers. What the run did not leave is not there.
    """
    meta, run = dataset_meta(cfg), checkpoint.parent
    parts = [f'# {Path(cfg.filename or "model").stem}', _intro(cfg, checkpoint, network)]
    parts += ['## Files', '\n'.join(f'- `{path.name}`: {USE[path.suffix]}.' for path in files if path.suffix in USE)]
    parts += [_preparation(cfg)]
    parts += ['## Training', _table(training_facts(cfg, run))]
    if meta:
        rows = [(str(number), name, f'`{color}`') for number, (name, color) in enumerate(zip(*meta.values()))]
        parts += ['## Classes', _table(rows, ('index', 'class', 'red, green, blue'))]
    for title, scores in _scores(cfg, checkpoint, network):
        parts += [f'## {title}', _table([(key, f'{value:.2f}') for key, value in scores.items()], ('', 'in %'))]
    return '\n\n'.join(part for part in parts if part) + '\n'


def preparation(cfg: Config) -> Dict[str, Any]:
    """Return how an image is prepared, for files that hold the normalization themselves.

    Args:
        cfg: Config of the training.
    """
    sizes = [dict(step) for step in pipeline_of_images(cfg) if 'Resize' in step['type']]
    return dict(channels='blue, green, red', values='0..255', resize=sizes)


def _intro(cfg: Config, checkpoint: Path, network: str) -> str:
    """Name method, network and checkpoint."""
    return (
        f'The network `{network}` of `{checkpoint.name}`: {network_parts(cfg)}, trained by {cfg.model.type} of '
        f'mmseg_ssl {__version__}.'
    )


def network_parts(cfg: Config) -> str:
    """Name backbone and head of a config's network.

    Args:
        cfg: The config.
    """
    segmentor = cfg.model.get('segmentor', cfg.model)
    heads = segmentor.decode_head.type if 'decode_head' in segmentor else segmentor.type
    return f'{segmentor.backbone.type} with {heads}'


def _preparation(cfg: Config) -> str:
    """Say what the .onnx and .pt2 files expect, and what they leave out."""
    asked = preparation(cfg)
    resize = ', '.join(f'`{json.dumps({key: step[key] for key in step if key != "type"})}`' for step in asked['resize'])
    slides = (cfg.model.get('segmentor', cfg.model).get('test_cfg') or {}).get('mode') == 'slide'
    window = ' They predict the whole image at once, where mmsegmentation slides a window over it.' if slides else ''
    return (
        f'`.pt2` and `.onnx` take images `(B, C, H, W)` in fp32, {asked["values"]}, channels {asked["channels"]}, and '
        f'normalize them; images come resized as in the test pipeline ({resize or "not at all"}).{window}'
    )


def training_facts(cfg: Config, run: Path) -> List[Tuple[str, str]]:
    """List data and length of a training, from its config and what it left.

    Args:
        cfg: Its config.
        run: Its work dir.

    Returns:
        Names and values, as text.
    """
    rows = [('iterations', str((cfg.get('train_cfg') or {}).get('max_iters', 'unknown')))]
    rows += [('labeled images per step', str((cfg.get('train_dataloader') or {}).get('batch_size', 'unknown')))]
    rows += [('seed', str((cfg.get('randomness') or {}).get('seed', 'not set')))]
    for path in sorted(run.glob('*/data.json'))[-1:]:
        data = json.loads(path.read_text(encoding='utf-8'))
        named = f' (list `{data["list"]}`, {data["hash"]})' if data.get('list') else ''
        rows += [('labeled images', f'{data["labeled"]} of {data["total"]}{named}')]
        rows += [('unlabeled images', str(data['unlabeled']))]
    made = read_provenance(run)
    if made:
        rows += [('commit', ', '.join(made['commits']))]
        rows += [('versions', ', '.join(f'{name} {version}' for name, version in made['versions'].items()))]
    return rows


def _scores(cfg: Config, checkpoint: Path, network: str) -> Iterator[Tuple[str, Dict[str, float]]]:
    """Yield the network's scores of the checkpoint's last test, and of the last validation of its training."""
    for path in tests_of(checkpoint, [checkpoint.parent]):
        tested = Config.fromfile(str(path.parent / SETTINGS))
        scores = {} if (path.parents[1] / LIST).is_file() else _of(network, tested, read_json(path))
        if scores:
            images = tested.test_dataloader.dataset.get('data_prefix', {}).get('img_path', '')
            yield f'Scores on the test images (`{images}`)', scores
            break
    settings = training_settings(checkpoint.parent)
    trained = Config.fromfile(str(settings[-1])) if settings else cfg
    lines = [line for line in logged_scalars(checkpoint.parent) if any(key.endswith('mIoU') for key in line)]
    scores = _of(network, trained, lines[-1]) if lines else {}
    if scores:
        yield f'Scores on the validation images, iteration {lines[-1].get("step", "?")}', scores


def _of(network: str, cfg: Config, scores: Dict[str, Any]) -> Dict[str, float]:
    """Return mIoU and IoUs of one network; nothing if the process with this config did not score it."""
    model = cfg.get('model') or {}
    known = networks_of(model.get('module', model)) if model else ()  # TTA wraps the method
    if f'{network}/mIoU' not in scores and network not in (known[:1] or [network]):
        return {}  # names without a network are of the first one
    start = f'{network}/' if f'{network}/mIoU' in scores else ''
    wanted = {key[len(start) :]: value for key, value in scores.items() if key.startswith(start)}
    return {key: value for key, value in wanted.items() if key in ('mIoU', 'aAcc', 'mAcc') or key.startswith('IoU.')}


def _table(rows: Sequence[Tuple[str, ...]], head: Tuple[str, ...] = ('', '')) -> str:
    """Make a table of Markdown."""
    lines = [f'| {" | ".join(row)} |' for row in (head, ('---',) * len(head), *rows)]
    return '\n'.join(lines)
