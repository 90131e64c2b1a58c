"""Writes a trained network as a torch.export program or an ONNX file, and compares what they predict."""

import json
import logging
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import torch
from torch import Tensor

from ..apis.graph import NetworkGraph
from ..utils.versions import release_numbers
from .cli import UserError

NEWEST_OPERATORS = 18
"""ONNX operator set: the first with antialiasing resizes, and what runtimes of the last years read."""
NEEDED = ('onnx', 'onnxscript', 'onnxruntime')


def export_program(graph: NetworkGraph, size: Tuple[int, int], fixed: bool = False) -> Any:
    """Trace a network by ``torch.export``.

    Args:
        graph: The network in ``eval`` mode.
        size: Height and width of the image that it is traced with.
        fixed: Take images of this size alone, one at a time; otherwise any number and any size of images.

    Returns:
        A ``torch.export.ExportedProgram``: its ``module()`` is called like ``graph``.

    Raises:
        UserError: torch is too old, or the network does not take images of any size.
    """
    if release_numbers(torch.__version__) < (2, 6):
        raise UserError(f'--format torch and onnx need torch 2.6 or newer; this is {torch.__version__}.')
    dims = None if fixed else dict(images=dict.fromkeys((0, 2, 3), torch.export.Dim.DYNAMIC))
    images = torch.rand(1 if fixed else 2, graph.channels, *size) * 255  # of one image torch would make a constant
    try:
        with torch.no_grad():
            return torch.export.export(graph, (images,), dynamic_shapes=dims, strict=False)
    except Exception as error:  # of any kind, from inside of the network
        hint = '' if fixed else ' Some networks take one size alone: add --fixed-size.'
        raise UserError(f'torch.export does not trace this network: {str(error)[:600]}{hint}') from error


def write_program(program: Any, path: Path) -> None:
    """Write a program for ``torch.export.load(path).module()``.

    Args:
        program: Of :func:`export_program`.
        path: The file, ``.pt2``.
    """
    torch.export.save(program, str(path))


def write_onnx(program: Any, graph: NetworkGraph, path: Path, notes: Dict[str, Any]) -> None:
    """Write a program as ONNX, its weights inside.

    The input is ``images``; dynamic sizes are called ``batch``, ``height`` and ``width``.

    Args:
        program: Of :func:`export_program`.
        graph: The network that was traced, for the names of the outputs.
        path: The file, ``.onnx``.
        notes: Values that the file keeps as metadata, in JSON: classes and how images are prepared.

    Raises:
        UserError: A package of the extra ``onnx`` is missing.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  (by torch's exporter)
    except ImportError as error:
        raise UserError(f"--format onnx needs {', '.join(NEEDED)}: pip install 'mmseg_ssl[onnx]' ({error}).") from error
    logging.getLogger('torch.onnx').setLevel(logging.ERROR)  # it warns of torchvision's operators, which none uses
    names = list(graph.outputs)
    written = torch.onnx.export(
        program, dynamo=True, input_names=['images'], output_names=names, opset_version=NEWEST_OPERATORS, verbose=False
    )
    assert written is not None
    proto = written.model_proto
    dims = proto.graph.input[0].type.tensor_type.shape.dim
    called = {dim.dim_param: name for dim, name in zip(dims, ('batch', '', 'height', 'width')) if dim.dim_param}
    for value in (*proto.graph.input, *proto.graph.output):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in called:
                dim.dim_param = called[dim.dim_param]
    del proto.graph.value_info[:]  # sizes inside, by torch's names of the dimensions
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

    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    return [torch.from_numpy(found) for found in session.run(None, dict(images=images.numpy()))]


@torch.no_grad()
def largest_difference(graph: NetworkGraph, images: Tensor, others: Sequence[Tensor]) -> float:
    """Compare outputs with those of the network itself.

    Masks are left out: where two classes are equally likely, rounding decides.

    Args:
        graph: The network.
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
