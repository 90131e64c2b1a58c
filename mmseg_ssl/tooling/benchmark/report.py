"""Makes the table of costs per step from a measurement."""

from typing import Any, Dict

from ..run_logs import method_names

HEAD = (
    *('method', 'ms per step', 'ratio', 'memory MB', 'calls', 'images'),
    *('network', 'own', 'views', 'optim.', 'EMA'),
)
NOTE = (
    'ratio: to supervised. calls and images: branch calls per step and images in them, with a gradient + without (and '
    'calls of other networks: localizers, extra decoders, auxiliary heads). The last five columns share out the step '
    "in %: networks forward and backward, the method's own maths (targets, mixing, losses, forward and backward), the "
    'preprocessor (copy, normalization, strong views), the optimizer, the moving average.'
)


def cost_report(found: Dict[str, Any]) -> str:
    """Make the markdown block of a measurement.

    Args:
        found: Content of a file of ``tools/benchmark_step.py --out``.

    Returns:
        The table, the conditions, and what the columns mean.
    """
    setup, machine, rows = found['setup'], found['machine'], found['methods']
    base = rows.get('supervised', {}).get('ms')
    lines = ['| ' + ' | '.join(HEAD) + ' |', '|' + '---|' * len(HEAD)]
    for name, row in rows.items():
        ratio = f'{row["ms"] / base:.2f}' if base else '-'
        shares = (f'{100 * value / row["ms"]:.1f}' for value in row['parts'].values())
        counts = _by_gradient(row['calls']), _by_gradient(row['images'])
        cells = [f'{row["ms"]:.0f}', ratio, f'{row["memory"] / 2**20:.0f}', *counts]
        lines.append('| ' + ' | '.join([method_names().get(name, name), *cells, *shares]) + ' |')
    precision = ('float16' if setup['device'].startswith('cuda') else 'bfloat16') if setup['amp'] else 'float32'
    cuda = setup['device'].startswith('cuda')
    memory = 'max_memory_allocated' if cuda else "the peak of torch's CPU allocator (oneDNN's own buffers not counted)"
    times = ', time that the process computed' if setup.get('cpu_time') else ''
    conditions = (
        f'{machine["device"]}, {machine["threads"]} threads, PyTorch {machine["torch"]}; network {setup["network"]}, '
        f'{setup["classes"]} classes, crops {setup["crop"]}x{setup["crop"]}, batch {setup["labeled"]}+'
        f'{setup["unlabeled"]}, {precision}; medians of {found["rounds"]} interleaved rounds{times}. '
        f'Memory: {memory}, with weights and optimizer state. Made by `tools/benchmark_step.py`.'
    )
    return '\n'.join([*lines, '', conditions, '', NOTE])


def _by_gradient(counts: Dict[str, int]) -> str:
    """Format counts as ``2 + 1 (and 1)``: with gradient, without, of other networks."""
    text = str(counts.get('trained', 0))
    text += f' + {counts["frozen"]}' if counts.get('frozen') else ''
    return text + (f' (and {counts["other"]})' if counts.get('other') else '')
