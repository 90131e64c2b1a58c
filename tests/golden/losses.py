"""Write ``losses.json``: the losses of every case of ``tests/plain_cases.py`` as this checkout computes them.

    python tests/golden/losses.py

Not a source of truth: the value tests are, which compare the same cases with their equations. This file holds more
digits and the gradients, so that a change of the code that is to change no loss can show it. Write it anew only when a
loss is meant to change, and say so in the changelog.
"""

import json
import sys
from pathlib import Path
from typing import Dict

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_suffix('.json')


def numbers(name: str) -> Dict[str, float]:
    """Every value of a case's ``loss()``, and the length of the gradient of each network, in 9 digits."""
    from plain_cases import CASES

    case = CASES[name]
    model = case.build()
    losses = case.losses(model)
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    result = {key: float(value.detach()) for key, value in losses.items()}
    squares: Dict[str, float] = {}
    for key, parameter in model.named_parameters():
        if parameter.grad is not None:
            part = f'gradient of {key.split(".")[0]}'
            squares[part] = squares.get(part, 0.0) + float(parameter.grad.double().square().sum())
    result.update({part: square**0.5 for part, square in squares.items()})
    return {key: float(f'{value:.9g}') for key, value in result.items()}


def main() -> None:
    """Write the file."""
    sys.path[:0] = [str(ROOT), str(ROOT / 'tests')]
    import torch
    from mmengine.registry import DefaultScope
    from plain_cases import CASES

    import mmseg_ssl  # noqa: F401  before mmseg, which does not import on mmcv-lite unmended

    torch.set_num_threads(1)
    DefaultScope.get_instance('golden', scope_name='mmseg')
    lines = [f'{json.dumps(name)}: {json.dumps(numbers(name))}' for name in CASES]
    FILE.write_text('{\n' + ',\n'.join(lines) + '\n}\n')


if __name__ == '__main__':
    main()
