"""The table of who finds the errors of a prediction (ELN, Table 4)."""

import math
from typing import Dict, Iterator, List, Sequence, Tuple

from .cli import UserError
from .results_table import draws, group_rows, row_name, spread
from .run_logs import Run

COLUMNS = ('error_P', 'error_R', 'error_F1', 'correct_P', 'correct_R', 'correct_F1')
HEAD = ('labels', 'method', 'draws', 'mIoU', 'judge', *(name.replace('_', ' ') for name in COLUMNS))
JUDGES = dict(ErrorLocalizer='localizer', ErrorCorrector='correction', ConfidenceThreshold='confidence (teaches)')


def localizer_report(runs: List[Run], methods: Sequence[str]) -> str:
    """Make the block: for every row its mIoU, and how well its judge and its own confidence find the errors.

    Raises:
        UserError: No run was scored by ``ErrorLocalizationMetric``.
    """
    judged = [run for run in runs if 'localizer/error_F1' in run.metrics]
    if not judged:
        raise UserError('no run has the metrics of ErrorLocalizationMetric: test one of configs/eln/ first.')
    lines = [
        'Precision, recall and F1 in % of finding the wrong (error) and the right (correct) pixels of the first '
        "network's prediction, means over the test images, then over the draws (± sample deviation). `confidence@t` "
        "calls right what the network's confidence says exceeds t; shown is the t with the best F1 of errors ON THE "
        'TEST IMAGES, so this baseline is flattered. Made by `tools/results.py` from the logs.\n',
        '| ' + ' | '.join(HEAD) + ' |',
        '|' + '---|' * len(HEAD),
    ]
    for row, group in group_rows(judged, methods).items():
        miou = spread([_first_miou(run.metrics) for run in group])
        for judge, cells in _judges(group):
            lines.append('| ' + ' | '.join([row.labels, row_name(row), draws(group), miou, judge, *cells]) + ' |')
    return '\n'.join(lines)


def _first_miou(metrics: Dict[str, float]) -> float:
    return next(value for key, value in metrics.items() if key.endswith('mIoU'))


def _judges(group: List[Run]) -> Iterator[Tuple[str, List[str]]]:
    """The model's judge and the best confidence threshold, with their cells."""
    thresholds = [key.split('/')[0] for key in group[0].metrics if key.startswith('confidence@')]
    thresholds = [name for name in thresholds if all(f'{name}/error_F1' in run.metrics for run in group)]

    def total(name: str) -> float:
        scores = sum(run.metrics[f'{name}/error_F1'] for run in group)
        return -1 if math.isnan(scores) else scores

    judges = [('localizer', JUDGES.get(group[0].judge, group[0].judge))]
    if thresholds:
        best = max(thresholds, key=total)
        judges.append((best, f'`{best}`'))
    for key, title in dict(judges).items():
        yield title, [spread([run.metrics.get(f'{key}/{column}') for run in group]) for column in COLUMNS]
