"""Puts runs onto one HTML page."""

import datetime
from pathlib import Path
from typing import Any, Dict, List, Sequence

import numpy as np

from ..html_pages import render
from ..model_card import network_parts, training_facts
from .charts import COLORS, curve_chart, reliability_chart, risk_coverage_chart
from .reported_run import ReportedRun
from .score_tables import class_rows, confusion_rows, doubt_rows, headline, mix_ups
from .taught_curves import taught_groups

MOST_LINES = 8
"""Curves in one drawing: more cannot be told apart."""


def report_page(runs: Sequence[ReportedRun]) -> str:
    """Make the page.

    Args:
        runs: What to show, in this order.

    Returns:
        HTML that needs no other file and no network.
    """
    names = unique_names([run.content.folder for run in runs])
    views = [_view(place, name, run) for place, (name, run) in enumerate(zip(names, runs))]
    scored = [run for run in runs if run.scores]
    return render(
        'report.html',
        colors=COLORS,
        title=names[0] if len(names) == 1 else f'{len(names)} runs compared',
        made=datetime.datetime.now().strftime('%Y-%m-%d %H:%M'),
        runs=views,
        charts=_shared_charts(names, runs),
        class_rows=class_rows([(name, run) for name, run in zip(names, runs) if run.scores]),
        part=scored[0].scores.part if scored and scored[0].scores else '',
    )


def unique_names(folders: Sequence[Path]) -> List[str]:
    """Name runs by their folders, with as many folders above as it takes to tell them apart.

    Args:
        folders: Their work dirs.
    """
    paths = [folder.resolve() for folder in folders]
    for depth in range(1, 1 + max(len(path.parts) for path in paths)):
        names = ['/'.join(path.parts[-depth:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [f'{path.name} ({place})' for place, path in enumerate(paths, start=1)]  # one run, twice


def _shared_charts(names: Sequence[str], runs: Sequence[ReportedRun]) -> List[Dict[str, str]]:
    """Draw the curves of all runs together."""
    validation, loss = {}, {}
    for name, run in zip(names, runs):
        # 'mIoU' is the first network's, which has its own name beside it where there are several
        own = {key: curve for key, curve in run.content.validation.items() if '/' in key} or run.content.validation
        for key, curve in own.items():
            network = key.split('/')[0] if '/' in key else ''
            validation[' '.join(filter(None, [name if len(runs) > 1 or not network else '', network]))] = curve
        if 'loss' in run.content.losses:
            loss[name] = run.content.losses['loss']
    charts = []
    if validation:
        charts.append(_chart('mIoU on the validation images', curve_chart(_few(validation), 'mIoU (%)')))
    if loss:
        charts.append(_chart('Loss, all terms together', curve_chart(_few(loss), 'loss')))
    return charts


def _view(place: int, name: str, run: ReportedRun) -> Dict[str, Any]:
    """Return what the template shows of a run."""
    content, scores = run.content, run.scores
    facts = [('method', str(content.cfg.model.type)), ('network', f'{network_parts(content.cfg)} ({run.network})')]
    facts += [('parameters', f'{run.parameters / 1e6:.2f} million'), ('checkpoint', str(content.checkpoint))]
    facts += [*training_facts(content.cfg, content.folder), ('trained on', content.hardware)]
    return dict(
        id=f'run{place}',
        name=name,
        color=COLORS[place % len(COLORS)],
        headline=headline(run, _scored_words(run)),
        facts=facts,
        charts=_own_charts(run),
        taught=_taught_charts(run),
        legend=list(zip(run.classes, map(css_color, run.palette))),
        confusion=confusion_rows(run) if scores else [],
        mix_ups=mix_ups(run) if scores else [],
        reliability=reliability_chart(scores.calibration) if scores else '',
        risk=risk_coverage_chart(scores.ranked) if scores else '',
        doubts=doubt_rows(scores.ranked) if scores else [],
        quality=_quality(run),
        examples=[('Worst images', run.worst), ('Best images', run.best)],
        scored=_scored_words(run),
        looked_at=content.looked_at,
        warnings=content.warnings,
        missing=run.missing,
        config=content.cfg.pretty_text,
        config_name=content.config.name,
    )


def _own_charts(run: ReportedRun) -> List[Dict[str, str]]:
    """Draw what only this run logged: terms of its loss, and what its pseudo-labels are."""
    terms = {key: curve for key, curve in run.content.losses.items() if key != 'loss'}
    charts = []
    if len(terms) > 1:
        largest = sorted(terms, key=lambda key: -float(np.mean([abs(value) for _, value in terms[key]])))
        shown = {key: terms[key] for key in largest[:MOST_LINES]}
        more = f' ({MOST_LINES} largest of {len(terms)})' if len(terms) > MOST_LINES else ''
        charts.append(_chart(f'Terms of the loss{more}', curve_chart(shown, 'loss')))
    return charts


def _taught_charts(run: ReportedRun) -> List[Dict[str, str]]:
    """Draw how much the pseudo-labels teach, and how well, a few curves a drawing."""
    charts = []
    for title, curves in taught_groups(run.taught).items():
        names = list(curves)
        for start in range(0, len(names), MOST_LINES):
            part = {name: curves[name] for name in names[start : start + MOST_LINES]}
            charts.append(_chart(title, curve_chart(part, '', floor=True)))
    return charts


def css_color(color: Sequence[int]) -> str:
    """Write a color as CSS has it.

    Args:
        color: Red, green, blue in 0..255.
    """
    return '#' + ''.join(f'{value:02x}' for value in color)


def _quality(run: ReportedRun) -> List[Any]:
    """Return mIoU and IoU per class on the unlabeled images, in %."""
    found = run.quality or {}
    rows = [('mIoU', found['mIoU'])] if 'mIoU' in found else []
    return rows + [(name, found[f'IoU.{name}']) for name in run.classes if f'IoU.{name}' in found]


def _scored_words(run: ReportedRun) -> str:
    """Say which images were scored."""
    if run.scores is None:
        return ''
    count, known = len(run.scores.images), run.scores.available
    return f'{count} {run.scores.part} images' if count == known else f'{count} of {known} {run.scores.part} images'


def _chart(title: str, source: str) -> Dict[str, str]:
    return dict(title=title, source=source)


def _few(curves: Dict[str, Any]) -> Dict[str, Any]:
    return dict(list(curves.items())[:MOST_LINES])
