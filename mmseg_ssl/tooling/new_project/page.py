"""The page ``data.html`` of a project, and its summary for the terminal."""

from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np

from ...structures import UNLABELED
from ..cli import tool_command
from ..html_pages import render
from .labels import Labels
from .machine import Machine
from .photos import Photo
from .pictures import picture, with_classes
from .project import Project
from .recipe import Recipe

EXAMPLES, PAIRS = 12, 6
"""Most images with masks, and most pairs of near duplicates, that the page shows."""


def page_text(project: Project, machine: Machine, out: Path) -> str:
    """Return the page: it holds its pictures and needs no network.

    Args:
        project: What was decided.
        machine: Where it will be trained.
        out: The project's folder.
    """
    labels, sides = project.labels, project.sides
    examples = [
        dict(name=photo.id, set=side, image=picture(photo), overlay=with_classes(photo, labels))
        for photo, side in _examples(project)
    ]
    alike = [dict(first=picture(a), second=picture(b), names=(a.id, b.id)) for a, b in sides.alike[:PAIRS]]
    return render(
        'data.html', name=out.absolute().name, sides=sides, warnings=project.warnings,
        choices=choices(project.recipe, machine),
        classes=class_rows(project), ignored=_ignored(project), facts=_facts(project), examples=examples, alike=alike,
        num_alike=len(sides.alike), commands=commands(out),
    )  # fmt: skip


def choices(recipe: Recipe, machine: Machine) -> List[Tuple[str, str, str]]:
    """Return what was chosen: name, value and reason."""
    width, height = recipe.scale.value
    crop = f'{recipe.crop.value[1]}x{recipe.crop.value[0]}'
    batch = str(recipe.batch.value)
    if recipe.per_labeled:
        batch += f' + {recipe.batch.value * recipe.per_labeled} unlabeled'
    loss = 'plain' if recipe.loss.value is None else recipe.loss.value['type']
    return [
        ('method', recipe.method.value, recipe.method.why),
        ('network', recipe.network.value.removesuffix('.py'), f'{recipe.network.why} ({machine.gpu or "no GPU"})'),
        ('image size', f'{width}x{height}', recipe.scale.why),
        ('crops', crop, recipe.crop.why),
        ('batch', batch, recipe.batch.why),
        ('normalization', recipe.norm.value, recipe.norm.why),
        ('loss', loss, recipe.loss.why),
        ('iterations', f'{recipe.iterations.value:,}', recipe.iterations.why),
    ]


def class_rows(project: Project) -> List[Dict[str, Any]]:
    """Return a row per class: color, name, values in the files, share, numbers of images."""
    labels = project.labels
    taught, scored = (_pixels(photos, labels) for photos in (project.sides.labeled, project.sides.val))
    shares = taught.sum(axis=0) / max(1, taught.sum())
    rows = []
    for index, (name, color) in enumerate(zip(labels.classes, labels.palette)):
        values = [value for value, label in labels.table.items() if label == index]
        rows.append(
            dict(
                name=name,
                color=color,
                in_files=_short(values),
                share=f'{100 * shares[index]:.2f} %',
                width=round(100 * float(shares[index] / max(shares.max(), 1e-9)), 1),
                images=int((taught[:, index] > 0).sum()),
                val_images=int((scored[:, index] > 0).sum()),
            )
        )
    return rows


def summary(project: Project, out: Path) -> str:
    """Return what a terminal shows: the images, the classes, the choices and the warnings."""
    sides, recipe = project.sides, project.recipe
    width = max(len(row['name']) for row in class_rows(project))
    lines = [
        f'{len(sides.labeled)} images with masks to learn from, {len(sides.val)} for validation, '
        f'{len(sides.unlabeled)} without masks',
        *(f'  {row["name"]:<{width}} {row["share"]:>9} in {row["images"]} images' for row in class_rows(project)),
        f'{recipe.method.value}: {recipe.method.why}',
        *(f'warning: {text}' for text in project.warnings),
        f'{out / "data.html"} shows the data, {out / "config.py"} has the choices and their reasons. Next:',
        *(f'  {line}' for line in commands(out)),
    ]
    return '\n'.join(lines)


def commands(out: Path) -> List[str]:
    """Return what comes next."""
    return [
        tool_command('train', f'{out}/config.py'),
        tool_command('predict', f'{out}/run', 'IMAGES', '--out', 'predictions'),
    ]


def _pixels(photos: List[Photo], labels: Labels) -> np.ndarray:
    return np.stack([labels.pixels(photo) for photo in photos])


def _examples(project: Project) -> List[Tuple[Photo, str]]:
    """Choose images that together show every class early, then others; some of them for validation."""
    sides, labels = project.sides, project.labels
    chosen: List[Tuple[Photo, str]] = []
    for photos, side, most in ((sides.labeled, 'to learn from', EXAMPLES - 4), (sides.val, 'for validation', 4)):
        shown, left = np.zeros(len(labels.classes)), list(photos)
        for _ in range(min(most, len(left))):
            best = max(left, key=lambda photo: float(((labels.pixels(photo) > 0) / (1 + shown)).sum()))
            left.remove(best)
            shown += labels.pixels(best) > 0
            chosen.append((best, side))
    return chosen


def _facts(project: Project) -> List[Tuple[str, str]]:
    """Return facts about the images: name and text."""
    sides = project.sides
    used = [*sides.labeled, *sides.val, *sides.unlabeled]
    sizes = Counter(photo.size for photo in used)
    listed = ', '.join(f'{size[0]}x{size[1]} ({count})' for size, count in sizes.most_common(5) if size)
    facts = [
        ('sizes', listed + (f' and {len(sizes) - 5} more sizes' if len(sizes) > 5 else '')),
        ('files', ', '.join(f'{count} {suffix}' for suffix, count in Counter(p.suffix for p in used).most_common())),
        ('masks', 'written anew into masks/' if project.converted else 'read where they are'),
    ]
    if sides.groups:
        facts.append(('groups', f'{sides.num_groups} with masks, by {sides.groups} in the names; each is on one side'))
    facts += [('left out', f'{len(some)} image(s): {why}') for why, some in sides.left_out.items()]
    return facts


def _ignored(project: Project) -> str:
    """Say what is not labeled, and how much of the pixels that is."""
    labels, photos = project.labels, [*project.sides.labeled, *project.sides.val]
    every = sum(sum(photo.counts.values()) for photo in photos)
    values = [value for value, label in labels.table.items() if label >= UNLABELED]
    share = 1 - _pixels(photos, labels).sum() / max(1, every)
    return f'Without a class: {share:.1%} of the pixels ({_short(values)}).' if values else 'Every pixel has a class.'


def _short(values: List[Any]) -> str:
    shown = [','.join(map(str, value)) if isinstance(value, tuple) else str(value) for value in values[:4]]
    return '; '.join(shown) + (f' and {len(values) - 4} more' if len(values) > 4 else '')
