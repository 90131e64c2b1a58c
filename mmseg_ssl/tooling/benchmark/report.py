"""Makes the table of costs per step from a measurement."""

from typing import Any, Dict

from ..run_logs import method_names
from .settings import BASE

HEAD = (
    *('method', 'setting', 'ms per step', 'images/s', 'memory MB', 'of fp32', 'of supervised', 'calls', 'images'),
    *('network', 'own', 'views', 'optim.', 'EMA'),
)
NOTE = (
    "setting: how the step is computed; shipped is the config's precision and layout, fp32 is single precision in the "
    'usual layout, and all are eager unless they say compile. of fp32, of supervised: ratio of the time to that of the '
    'same method in fp32, and to that of supervised training in the same setting. images/s: all images. calls '
    'and images: branch calls per step and images in them, with a gradient + without (and calls of other networks: '
    'localizers, extra decoders, auxiliary heads). The last five columns share out the step in %: networks forward and '
    "backward, the method's own maths (targets, mixing, losses, forward and backward), the preprocessor (copy, "
    'normalization, strong views), the optimizer, the moving average.'
)


def cost_report(found: Dict[str, Any]) -> str:
    """Make the markdown block of a measurement.

    Args:
        found: Content of a file of ``tools/benchmark_step.py --out``.

    Returns:
        The table, the conditions, and what the columns mean.
    """
    setup, machine, rows = found['setup'], found['machine'], found['rows']
    times = {(row['method'], row['setting']): row['ms'] for row in rows}
    lines = ['| ' + ' | '.join(HEAD) + ' |', '|' + '---|' * len(HEAD)]
    for row in rows:
        name, setting, ms = row['method'], row['setting'], row['ms']
        bases = times.get((name, BASE)), times.get(('supervised', setting))
        ratios = (f'{ms / base:.2f}' if base else '-' for base in bases)
        shares = (f'{100 * value / ms:.1f}' for value in row['parts'].values())
        cost = f'{ms:.0f}', f'{1000 * row["batch"] / ms:.1f}', f'{row["memory"] / 2**20:.0f}'
        counts = _by_gradient(row['calls']), _by_gradient(row['images'])
        cells = [method_names().get(name, name), setting, *cost, *ratios, *counts, *shares]
        lines.append('| ' + ' | '.join(cells) + ' |')
    cuda = setup['device'].startswith('cuda')
    memory = 'max_memory_allocated' if cuda else "the peak of torch's CPU allocator (oneDNN's own buffers not counted)"
    clock = ', time that the process computed' if setup.get('cpu_time') else ''
    conditions = (
        f'{machine["device"]}, {machine["threads"]} threads, PyTorch {machine["torch"]}; network {setup["network"]}, '
        f'{setup["classes"]} classes, crops {setup["crop"]}x{setup["crop"]}, batch {setup["labeled"]}+'
        f'{setup["unlabeled"]}; medians of {found["rounds"]} interleaved rounds{clock}. '
        f'Memory: {memory}, with weights and optimizer state. Made by `tools/benchmark_step.py`.'
    )
    return '\n'.join([*lines, '', conditions, '', NOTE])


def _by_gradient(counts: Dict[str, int]) -> str:
    """Format counts as ``2 + 1 (and 1)``: with gradient, without, of other networks."""
    text = str(counts.get('trained', 0))
    text += f' + {counts["frozen"]}' if counts.get('frozen') else ''
    return text + (f' (and {counts["other"]})' if counts.get('other') else '')
