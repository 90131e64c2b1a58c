"""Export a trained network as plain mmseg: ``python tools/export_segmentor.py <config> <checkpoint> <folder>``.

It writes config and weights that need mmsegmentation alone, and a model card. ``--format onnx torch`` writes ONNX and
a torch.export program instead or as well, whose predictions are compared with those of the network.
"""

import argparse
import copy
import sys
from pathlib import Path
from typing import Any, List, Optional, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmseg.registry import MODELS  # noqa: E402

import mmseg_ssl  # noqa: E402, F401  (registers everything)
from mmseg_ssl.apis import TrainedNetwork, dataset_meta, load_model  # noqa: E402
from mmseg_ssl.apis.graph import NetworkGraph  # noqa: E402
from mmseg_ssl.apis.network import segmentor_of  # noqa: E402
from mmseg_ssl.models.named_networks import MEAN  # noqa: E402
from mmseg_ssl.tooling.cli import UserError, add_debug_option, at_least, load_config, readable_errors  # noqa: E402
from mmseg_ssl.tooling.graph_files import (  # noqa: E402
    export_program,
    largest_difference,
    require_same,
    run_onnx,
    write_onnx,
    write_program,
)
from mmseg_ssl.tooling.model_card import model_card, preparation  # noqa: E402
from mmseg_ssl.tooling.plain_export import plain_config  # noqa: E402
from mmseg_ssl.utils.atomic_files import whole_files  # noqa: E402


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of the method')
    parser.add_argument('checkpoint', type=Path, help='checkpoint of its training')
    parser.add_argument('out', type=Path, help='folder for <config name>.py, .pth, .md, .onnx and .pt2')
    parser.add_argument('--network', help="which network, e.g. student or teacher (default: the config's first)")
    parser.add_argument(
        '--format', nargs='+', choices=('mmseg', 'onnx', 'torch'), default=['mmseg'], help='default: mmseg'
    )
    parser.add_argument('--uncertainty', action='store_true', help="onnx, torch: entropy and the method's own maps")
    parser.add_argument(
        '--size',
        nargs=2,
        type=at_least(1),
        default=(512, 512),
        metavar=('H', 'W'),
        help='of the images',
    )
    parser.add_argument('--fixed-size', action='store_true', help='onnx: take one image of --size alone')
    parser.add_argument('--allow-missing', action='store_true', help='only warn if the checkpoint lacks weights')
    add_debug_option(parser)
    return parser.parse_args(argv)


def network_name(cfg: Config, args: argparse.Namespace) -> str:
    """Return the name of the network to export; of a plain mmseg config ``''``.

    Raises:
        UserError: The checkpoint does not exist, there is no such network, or the config is plain mmseg already.
    """
    if not args.checkpoint.is_file():
        raise UserError(f'there is no checkpoint {args.checkpoint}.')
    if 'segmentor' not in cfg.model:
        if 'mmseg' in args.format:
            raise UserError(f'{args.config} has no model.segmentor: it is a plain mmseg config already.')
        return ''
    known = MODELS.get(cfg.model.type).can_predict()
    chosen = cfg.model.get('predict_on') or known
    name: str = args.network or (chosen if isinstance(chosen, str) else chosen[0])
    if name not in known:
        raise UserError(f'--network {name}: the networks of {cfg.model.type} are {known}.')
    if name == MEAN and 'mmseg' in args.format:
        raise UserError(
            f'{name} is several networks, and plain mmsegmentation has one: give --network one of '
            f'{MODELS.get(cfg.model.type).trained()}, or --format onnx.'
        )
    return name


def export_plain(model: Any, cfg: Config, stem: Path) -> List[Path]:
    """Write config and weights of mmsegmentation."""
    plain_config(copy.deepcopy(cfg)).dump(f'{stem}.py')
    weights = {key: value.contiguous() for key, value in segmentor_of(model).state_dict().items()}
    torch.save(dict(state_dict=weights, meta=dict(dataset_meta=dataset_meta(cfg))), f'{stem}.pth')
    return [Path(f'{stem}.py'), Path(f'{stem}.pth')]


def export_graphs(network: TrainedNetwork, cfg: Config, stem: Path, args: argparse.Namespace) -> List[Path]:
    """Write ONNX and a torch.export program, each compared with the graph, and that with the network."""
    graph = NetworkGraph(network, args.uncertainty).eval()
    size: Tuple[int, int] = (args.size[0], args.size[1])
    require_same(graph, network, size)
    written: List[Path] = []
    if 'torch' in args.format:
        written += [Path(f'{stem}.pt2')]
        write_program(export_program(graph, size), written[-1])
        images = torch.rand(3, graph.channels, *size) * 255
        found = torch.export.load(f'{stem}.pt2').module()(images)
        print(f'{stem.name}.pt2 differs by at most {largest_difference(graph, images, found):.1e}')
    if 'onnx' in args.format:
        written += [Path(f'{stem}.onnx')]
        notes = dict(preparation(cfg), classes=list(network.classes), outputs=list(graph.outputs))
        write_onnx(graph, written[-1], size, args.fixed_size, notes)
        other = size if args.fixed_size else (size[0] + 32, size[1] - size[1] // 4)
        images = torch.rand(1, graph.channels, *other) * 255
        try:
            found = run_onnx(written[-1], images)
        except Exception as error:  # whatever the runtime says of shapes; its classes are no public ones
            raise UserError(
                f'{stem.name}.onnx does not take another size, {other[0]}x{other[1]}: the network has sizes that '
                f'tracing made constant. Export it with --fixed-size --size <height> <width>. ({error})'
            ) from error
        print(f'{stem.name}.onnx differs by at most {largest_difference(graph, images, found):.1e}')
    return written


def main(argv: Optional[List[str]] = None) -> None:
    """Export as the command line says."""
    args = parse_args(argv)
    cfg = load_config(args.config)
    name = network_name(cfg, args)
    model = load_model(cfg, str(args.checkpoint), name or None, 'cpu', args.allow_missing)
    with whole_files(args.out) as place:
        stem, files = place / Path(args.config).stem, []
        if 'mmseg' in args.format:
            files += export_plain(model, cfg, stem)
        if {'onnx', 'torch'} & set(args.format):
            files += export_graphs(TrainedNetwork(model, cfg, dataset_meta(cfg)), cfg, stem, args)
        files.append(Path(f'{stem}.md'))
        card = model_card(cfg, args.checkpoint, name or 'segmentor', files[:-1])
        files[-1].write_text(card, encoding='utf-8')
    print(f'{name or "the network"} of {args.checkpoint}: {", ".join(str(args.out / file.name) for file in files)}')


if __name__ == '__main__':
    with readable_errors():
        main()
