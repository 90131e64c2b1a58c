"""Writes a trained network as a torch.export program or an ONNX file, and compares what they predict."""

import json
import warnings
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import torch
from mmseg.structures import SegDataSample
from torch import Tensor

from ..apis.graph import NetworkGraph
from ..apis.network import TrainedNetwork, segmentor_of
from ..ops import class_probabilities
from ..utils.versions import release_numbers
from .cli import UserError

OPERATORS = 17
"""ONNX operator set, which runtimes of the last years read."""


def export_program(graph: NetworkGraph, size: Tuple[int, int]) -> Any:
    """Trace a network by ``torch.export``, for any number of images of one size.

    With any size, torch compares formulas of the sizes inside of the network: for DeepLabV3+ it did not end in ten
    minutes, so here the size is one.

    Args:
        graph: The network in ``eval`` mode.
        size: Height and width of the images.

    Returns:
        A ``torch.export.ExportedProgram``: its ``module()`` is called like ``graph``.

    Raises:
        UserError: torch is too old, or does not trace the network.
    """
    if release_numbers(torch.__version__) < (2, 6):
        raise UserError(f'--format torch needs torch 2.6 or newer; this is {torch.__version__}.')
    images = torch.rand(2, graph.channels, *size) * 255  # of one image torch would make a constant
    try:
        with torch.no_grad():
            dims = dict(images={0: torch.export.Dim.DYNAMIC})
            return torch.export.export(graph, (images,), dynamic_shapes=dims, strict=False)
    except Exception as error:  # of any kind, from inside of the network
        raise UserError(f'torch.export does not trace this network: {str(error)[:600]}') from error


def write_program(program: Any, path: Path) -> None:
    """Write a program for ``torch.export.load(path).module()``.

    Args:
        program: Of :func:`export_program`.
        path: The file, ``.pt2``.
    """
    torch.export.save(program, str(path))


def write_onnx(graph: NetworkGraph, path: Path, size: Tuple[int, int], fixed: bool, notes: Dict[str, Any]) -> None:
    """Write a network as ONNX, its weights inside.

    The input is ``images``; dynamic sizes are called ``batch``, ``height`` and ``width``. torch's exporter by tracing
    is used, because that by ``torch.export`` is slow for any size, see :func:`export_program`.

    Args:
        graph: The network in ``eval`` mode.
        path: The file, ``.onnx``.
        size: Height and width of the image that it is traced with.
        fixed: Take one image of this size alone; otherwise any number and any size.
        notes: Values that the file keeps as metadata, in JSON: classes and how images are prepared.

    Raises:
        UserError: A package of the extra ``onnx`` is missing.
    """
    try:
        import onnx
        import onnxruntime  # noqa: F401  (to compare)
    except ImportError as error:
        raise UserError(
            f"--format onnx needs onnx and onnxruntime: pip install 'mmseg_ssl[onnx]' ({error})."
        ) from error
    names = ['images', *graph.outputs]
    sides = {name: (2, 3) if name in ('images', 'probabilities') else (1, 2) for name in names}
    free = {name: {0: 'batch', rows: 'height', columns: 'width'} for name, (rows, columns) in sides.items()}
    images = torch.rand(1 if fixed else 2, graph.channels, *size) * 255
    with warnings.catch_warnings(), torch.no_grad():
        # of checks of sizes inside of the network: whether other sizes pass is tried with run_onnx
        warnings.filterwarnings('ignore', category=torch.jit.TracerWarning)
        torch.onnx.export(
            graph,
            (images,),
            str(path),
            dynamo=False,
            input_names=names[:1],
            output_names=names[1:],
            opset_version=OPERATORS,
            dynamic_axes={} if fixed else free,
        )
    proto = onnx.load(str(path))
    onnx.helper.set_model_props(proto, {key: json.dumps(value) for key, value in notes.items()})
    onnx.save(proto, str(path))


def run_onnx(path: Path, images: Tensor) -> List[Tensor]:
    """Run an ONNX file on the CPU.

    Args:
        path: The file.
        images: ``(B, channels, H, W)`` fp32.

    Returns:
        Its outputs, in order.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is raised, too, and told once
    session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
    return [torch.from_numpy(found) for found in session.run(None, dict(images=images.numpy()))]


@torch.no_grad()
def largest_difference(graph: NetworkGraph, images: Tensor, others: Sequence[Tensor]) -> float:
    """Compare outputs with those of the graph, which :func:`require_same` compares with the network.

    Masks are left out: where two classes are equally likely, rounding decides.

    Args:
        graph: The network as a graph.
        images: ``(B, channels, H, W)`` fp32 in 0..255.
        others: Outputs of another form of it.

    Returns:
        The largest difference of a probability; of another map, as a share of its largest value if that is above 1.

    Raises:
        UserError: It is above 0.001: the file is not the network.
    """
    pairs = list(zip(graph.outputs, graph(images), others))
    apart = [(one - other).abs().max() / one.abs().max().clamp(min=1) for name, one, other in pairs if name != 'mask']
    found = float(max(apart))
    if not found <= 1e-3:
        raise UserError(f'the written network differs from the trained one by {found:.2g}. Please report this network.')
    return found


@torch.no_grad()
def require_same(graph: NetworkGraph, network: TrainedNetwork, size: Tuple[int, int]) -> None:
    """Compare a graph with what the network predicts from one random image, whole and with its own preprocessor.

    Args:
        graph: The network as a graph.
        network: The network.
        size: Height and width of the image; more where the preprocessor would pad it, which the graph does not.

    Raises:
        UserError: A probability differs by more than 0.001.
    """
    model, options = network.model, segmentor_of(network.model).test_cfg

    def prepared(image: Tensor) -> Dict[str, Any]:
        sample = SegDataSample(metainfo=dict(ori_shape=tuple(image.shape[1:]), img_shape=tuple(image.shape[1:])))
        return dict(model.data_preprocessor(dict(inputs=[image], data_samples=[sample]), False))

    padded = prepared(torch.zeros(graph.channels, *size, dtype=torch.uint8))['inputs'].shape[2:]
    image = torch.randint(0, 256, (graph.channels, *padded), dtype=torch.uint8)
    mode, options['mode'] = options['mode'], 'whole'  # the graph slides no window
    try:
        data = prepared(image)
        result = model.predict(data['inputs'], data['data_samples'])[0]
    finally:
        options['mode'] = mode
    own = graph(image[None].float())[graph.outputs.index('probabilities')][0]
    found = float((own - class_probabilities(result.seg_logits.data)).abs().max())
    if not found <= 1e-3:
        raise UserError(
            f'the graph differs by {found:.2g} from what the network predicts from an image. Please report this '
            'network.'
        )
