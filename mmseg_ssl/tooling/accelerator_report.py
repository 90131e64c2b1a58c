"""The table of ``tools/gpu_checks.py``."""

from typing import Any, Dict, Iterator, List, Optional, Tuple

NOT_RUN = 'not run'
Row = Tuple[str, str, str]


def accelerator_report(found: Optional[Dict[str, Any]]) -> str:
    """Make the markdown table of what was measured on a GPU.

    Args:
        found: Content of the file of ``tools/gpu_checks.py --out``; None if nobody had a GPU.

    Returns:
        The table, whose cells say "not run" where there is no number, and the machine.
    """
    checks = (found or {}).get('checks', {})
    rows: List[Row] = [*_solver(checks.get('solver')), *_syncs(checks.get('syncs')), *_loop(checks.get('loop'))]
    rows += _steps(checks.get('steps'))
    lines = ['| on a GPU | aim | measured |', '|---|---|---|', *(f'| {" | ".join(row)} |' for row in rows)]
    problems = [f'- {name}: {text}' for name, text in sorted((found or {}).get('problems', {}).items())]
    machine = f'{found["machine"]}, PyTorch {found["torch"]}, commit {found["commit"]}.' if found else 'No GPU so far.'
    return '\n'.join([*lines, '', f'{machine} Made by `tools/gpu_checks.py`.', *(['', *problems] if problems else [])])


def _solver(check: Optional[Dict[str, Any]]) -> Iterator[Row]:
    ms, memory = (check or {}).get('ms', {}), (check or {}).get('memory_in_logits', {})
    fused = 'fused' in ms
    speed = f'{ms["gd"] / ms["fused"]:.1f}' if fused else NOT_RUN
    yield 'Triton solver: times faster than 200 steps of descent', 'at least 20', speed
    plain = f'{ms["multiplicative"] / ms["fused"]:.1f}' if fused else NOT_RUN
    yield 'Triton solver: times faster than the same steps in PyTorch', '-', plain
    share = f'{100 * ms["fused"] / check["step_ms"]:.1f} %' if fused and check else NOT_RUN
    yield 'Triton solver: share of a supervised step, ResNet-101, 513x513, 12 images', 'at most 15 %', share
    peak = f'{memory["fused"]:.2f}' if fused else NOT_RUN
    yield 'Triton solver: peak memory in tensors of the size of the logits', 'at most 4', peak


def _syncs(check: Optional[Dict[str, Any]]) -> Iterator[Row]:
    waiting = {name: row['waits'] for name, row in (check or {}).items() if row['waits']}
    names = ', '.join(f'{name} {count}' for name, count in sorted(waiting.items()))
    text = (names or f'0 in all {len(check)}') if check else NOT_RUN
    yield 'waits of the host for the device in a step, by method', '0', text


def _loop(check: Optional[Dict[str, Any]]) -> Iterator[Row]:
    ratio = f'{check["runner_ms"] / check["bare_ms"]:.2f}' if check else NOT_RUN
    yield "the runner's step in steps of a bare loop", 'at most 1.05', ratio
    waited = f'{100 * check["data_ms"] / check["runner_ms"]:.1f} %' if check else NOT_RUN
    yield 'share of it that waits for data', '-', waited


def _steps(check: Optional[List[Dict[str, Any]]]) -> Iterator[Row]:
    base = {(one['method'], one['network'], one['side']): one['ms'] for one in check or () if one['setting'] == 'fp32'}
    for one in check or ():
        ratio = one['ms'] / base[one['method'], one['network'], one['side']]
        name = f'step: {one["method"]}, {one["network"]}, {one["side"]}x{one["side"]}, {one["setting"]}'
        rate, memory = 1000 * one['batch'] / one['ms'], one['memory'] / 2**20
        yield name, '-', f'{one["ms"]:.0f} ms, {rate:.1f} images/s, {memory:.0f} MB, {ratio:.2f} of fp32'
    if not check:
        yield 'steps: ResNet-50 and 101 at 321, 513 and 801, DINOv2-S at 518', '-', NOT_RUN
