"""The table of methods that find the errors of a prediction (ELN, Table 4)."""

import math
import re
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from .cli import UserError
from .results_table import draws, first_miou, group_rows, row_name, spread
from .run_logs import Run

COLUMNS = ('error_P', 'error_R', 'error_F1', 'correct_P', 'correct_R', 'correct_F1')
HEAD = ('labels', 'method', 'draws', 'mIoU', 'judge', *(name.replace('_', ' ') for name in COLUMNS))
JUDGES = dict(ErrorLocalizer='localizer', ErrorCorrector='correction')
"""Judges that decide at 0.5; the confidence is reported at several thresholds."""


def localizer_report(runs: List[Run], methods: Sequence[str]) -> str:
    """Make the block: for every row its mIoU, and the scores of its judge and of its own confidence.

    Raises:
        UserError: No run was scored by ``ErrorLocalizationMetric``.
    """
    judged = [run for run in runs if 'localizer/error_F1' in run.metrics]
    if not judged:
        raise UserError('no run has the metrics of ErrorLocalizationMetric: test one of configs/eln/ first.')
    lines = [
        'Precision, recall and F1 in % of finding the wrong (error) and the right (correct) pixels of the first '
        "network's prediction on the test images, means over images, then over the draws (± sample deviation). "
        '`confidence@t` calls right what the confidence of the network says exceeds t; `localizer@t` what the '
        'localizer says does, and `localizer` t = 0.5. "best on val": t has the best F1 of errors at the last '
        'validation, as one would choose it. "best on test": chosen on the test images themselves, a bound that '
        'nothing without their labels reaches. Made by `tools/results.py` from the logs.\n',
        '| ' + ' | '.join(HEAD) + ' |',
        '|' + '---|' * len(HEAD),
    ]
    for row, group in group_rows(judged, methods).items():
        miou = spread([first_miou(run.metrics) for run in group])
        for judge, cells in _judges_with_scores(group):
            lines.append('| ' + ' | '.join([row.labels, row_name(row), draws(group), miou, judge, *cells]) + ' |')
    return '\n'.join(lines)


def _judges_with_scores(group: List[Run]) -> Iterator[Tuple[str, List[str]]]:
    """Yield the model's judge at its own threshold, then judge and confidence at their best thresholds, with cells."""
    own = group[0].judge
    test, val = ([getattr(run, part) for run in group] for part in ('metrics', 'val_metrics'))
    judges = [] if own == 'ConfidenceThreshold' else [('localizer', JUDGES.get(own, own))]
    # only the localizer returns a probability, so only it has other thresholds
    for family in ('localizer', 'confidence') if own == 'ErrorLocalizer' else ('confidence',):
        for scores, where in ((val, 'val'), (test, 'test')):
            best = _best_threshold(family, scores)
            judges += [(best, f'`{best}`, best on {where}')] if best else []
    for key, title in judges:
        yield title, [spread([scores.get(f'{key}/{column}') for scores in test]) for column in COLUMNS]


def _best_threshold(family: str, scores: List[Dict[str, float]]) -> Optional[str]:
    """Return the threshold of a judge with the best mean F1 of errors; None if no threshold has a score in all runs."""
    names = [key.split('/')[0] for key in scores[0] if re.fullmatch(rf'{family}(@[^/]+)?/error_F1', key)]
    means = {name: sum(run.get(f'{name}/error_F1', math.nan) for run in scores) for name in names}
    known = {name: mean for name, mean in means.items() if not math.isnan(mean)}
    return max(known, key=known.__getitem__) if known else None
