"""The table of maps that tell wrong pixels from right ones: is there a better one than the confidence?"""

import math
import statistics
from typing import Dict, List, Optional, Sequence

from .cli import UserError
from .results_table import draws, first_miou, group_rows, row_name, spread
from .run_logs import Run

COLUMNS = ('AUROC', 'AP', 'AURC', 'E-AURC', 'risk@0.8', 'risk@0.95')
HEAD = ('labels', 'method', 'draws', 'mIoU', 'map', *COLUMNS, 'AUROC minus confidence')


def uncertainty_report(runs: List[Run], methods: Sequence[str]) -> str:
    """Make the block: for every row its mIoU, and the scores of each map of its first network.

    Raises:
        UserError: No run was scored by ``UncertaintyMetric``.
    """
    scored = [run for run in runs if 'confidence/AUROC' in run.metrics]
    if not scored:
        raise UserError('no run has the metrics of UncertaintyMetric: test one with tools/test.py --uncertainty first.')
    lines = [
        'How well the maps of the first network tell its wrong pixels from its right ones on the test images, in %, '
        'over all pixels, then mean ± sample deviation over the draws. AUROC: how often a wrong pixel has more doubt '
        'than a right one (50 says nothing). AP: average precision of the errors. AURC, E-AURC: area under the '
        'risk-coverage curve, and what it exceeds the best order of the same pixels by (less is better). risk@0.8: '
        'errors among the 80 % of the pixels with the least doubt. "minus confidence": mean of the differences '
        'within a run ± its standard error over the runs. Made by `tools/results.py` from the logs.\n',
        '| ' + ' | '.join(HEAD) + ' |',
        '|' + '---|' * len(HEAD),
    ]
    for row, group in group_rows(scored, methods).items():
        miou = spread([first_miou(run.metrics) for run in group])
        maps = [key[: -len('/AUROC')] for key in group[0].metrics if key.endswith('/AUROC')]
        for name in maps:
            cells = [spread([run.metrics.get(f'{name}/{column}') for run in group]) for column in COLUMNS]
            cells.append('' if name == 'confidence' else gain([run.metrics for run in group], name))
            lines.append('| ' + ' | '.join([row.labels, row_name(row), draws(group), miou, name, *cells]) + ' |')
    return '\n'.join(lines)


def gain(metrics: List[Dict[str, float]], name: str) -> str:
    """Return the mean difference of a map's AUROC to the confidence's, of the same run, and its standard error.

    Args:
        metrics: Of each run.
        name: The map.

    Returns:
        ``+1.20 ± 0.30``; without an error of a single run; ``-`` if a run has no such map.
    """
    known: List[Optional[float]] = [run.get(f'{name}/AUROC') for run in metrics]
    differences = [
        own - run['confidence/AUROC'] for own, run in zip(known, metrics) if own is not None and not math.isnan(own)
    ]
    if len(differences) < len(metrics):
        return '-'
    text = f'{statistics.mean(differences):+.2f}'
    error = statistics.stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else None
    return text if error is None else f'{text} ± {error:.2f}'
