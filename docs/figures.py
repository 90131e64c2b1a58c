"""Draws the figures of ``docs/figures/*.txt`` as SVG, when the pages are built.

A file has a caption in its first line, then boxes and arrows in any order:

    student  2 0.5  net  student      name, column, row (fractions may be used), kind, text; "|" breaks the line
    weak -> student                   an arrow
    teacher ..> target  no gradient   a dashed one, with a label
"""

import re
from html import escape
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

FOLDER = Path(__file__).resolve().parent / 'figures'
COLUMN, ROW, WIDTH, HEIGHT, MARGIN = 190, 76, 136, 46, 12
LONGEST = 20
"""Letters that a line of a box has room for."""
KINDS = dict(
    view=('#ffffff', '#546e7a', 'images'),
    net=('#bbdefb', '#1565c0', 'trained network'),
    frozen=('#e0e0e0', '#616161', 'moving average, or no gradient'),
    target=('#fff3c4', '#b28704', 'label and weight'),
    truth=('#c8e6c9', '#2e7d32', 'from a person'),
    loss=('#ffcdd2', '#c62828', 'loss'),
    part=('#ede7f6', '#5e35b1', 'part'),
)
BOX = re.compile(r'(\w+) +([\d.]+) +([\d.]+) +(\w+) +(.+)')
ARROW = re.compile(r'(\w+) (->|\.\.>) (\w+)(?: +(.+))?')


class Box(NamedTuple):
    """A box of a figure; ``x`` and ``y`` are its middle."""

    x: float
    y: float
    kind: str
    text: str


class Figure(NamedTuple):
    """Boxes by name, and arrows: from, to, dashed, label."""

    caption: str
    boxes: Dict[str, Box]
    arrows: List[Tuple[str, str, bool, str]]


def read(path: Path) -> Figure:
    """Read a figure.

    Raises:
        ValueError: A line is neither a box nor an arrow, or names what is not there.
    """
    caption, *lines = path.read_text(encoding='utf-8').splitlines()
    boxes, arrows = {}, []
    for number, line in enumerate(lines, start=2):
        box, arrow = BOX.fullmatch(line), ARROW.fullmatch(line)
        if box and box[4] in KINDS and all(len(part) <= LONGEST for part in box[5].split('|')):
            x, y = float(box[2]) * COLUMN + WIDTH / 2, float(box[3]) * ROW + HEIGHT / 2
            boxes[box[1]] = Box(x + MARGIN, y + MARGIN, box[4], box[5])
        elif arrow:
            arrows.append((arrow[1], arrow[3], arrow[2] == '..>', arrow[4] or ''))
        elif line.strip():
            raise ValueError(
                f'{path}, line {number}: neither a box, with lines of up to {LONGEST} letters, nor an arrow: {line!r}'
            )
    unknown = {name for start, end, *_ in arrows for name in (start, end)} - set(boxes)
    if unknown:
        raise ValueError(f'{path}: arrows to or from {sorted(unknown)}, which no line puts anywhere.')
    return Figure(caption, boxes, arrows)


def _edge(box: Box, other: Box) -> Tuple[float, float]:
    """Point where the line from the middle of a box to that of another one leaves the box."""
    dx, dy = other.x - box.x, other.y - box.y
    scale = min(WIDTH / 2 / abs(dx) if dx else 9e9, HEIGHT / 2 / abs(dy) if dy else 9e9)
    return box.x + dx * scale, box.y + dy * scale


def _draw_box(box: Box) -> str:
    fill, stroke, _ = KINDS[box.kind]
    radius = HEIGHT / 2 if box.kind == 'loss' else 6
    dash = ' stroke-dasharray="5 3"' if box.kind == 'frozen' else ''
    lines = box.text.split('|')
    top = box.y + 4.5 - 8 * (len(lines) - 1)
    words = ''.join(f'<text x="{box.x:g}" y="{top + 16 * k:g}">{escape(line)}</text>' for k, line in enumerate(lines))
    return (
        f'<rect x="{box.x - WIDTH / 2:g}" y="{box.y - HEIGHT / 2:g}" width="{WIDTH}" height="{HEIGHT}" rx="{radius:g}" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="1.5"{dash}/>{words}'
    )


def _draw_arrow(start: Box, end: Box, dashed: bool) -> str:
    (x1, y1), (x2, y2) = _edge(start, end), _edge(end, start)
    dash = ' stroke-dasharray="5 4"' if dashed else ''
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" class="arrow" marker-end="url(#tip)"{dash}/>'


def _draw_label(start: Box, end: Box, label: str) -> str:
    """Put a label in the middle of an arrow; above it, if the arrow is level."""
    (x1, y1), (x2, y2) = _edge(start, end), _edge(end, start)
    x, y = (x1 + x2) / 2, (y1 + y2) / 2 - (5 if abs(y1 - y2) < 9 else -4)
    return f'<text x="{x:.1f}" y="{y:.1f}" class="label">{escape(label)}</text>'


def _legend(figure: Figure, y: float) -> str:
    """Name the kinds of boxes, in a figure of networks."""
    if not any(box.kind == 'net' for box in figure.boxes.values()):
        return ''
    used = [kind for kind in KINDS if any(box.kind == kind for box in figure.boxes.values())]
    parts, x = [], MARGIN
    for kind in used:
        fill, stroke, meaning = KINDS[kind]
        parts.append(f'<rect x="{x}" y="{y - 10:g}" width="12" height="12" rx="2" fill="{fill}" stroke="{stroke}"/>')
        parts.append(f'<text x="{x + 18}" y="{y:g}" class="legend">{meaning}</text>')
        x += 32 + round(6.2 * len(meaning))
    return ''.join(parts)


def draw(figure: Figure) -> str:
    """Return the figure as SVG."""
    width = max(box.x for box in figure.boxes.values()) + WIDTH / 2 + MARGIN
    height = max(box.y for box in figure.boxes.values()) + HEIGHT / 2 + MARGIN
    legend = _legend(figure, height + MARGIN)
    height += 24 if legend else 0
    ends = [(figure.boxes[start], figure.boxes[end], dashed, label) for start, end, dashed, label in figure.arrows]
    arrows = ''.join(_draw_arrow(start, end, dashed) for start, end, dashed, _ in ends)
    labels = ''.join(_draw_label(start, end, label) for start, end, _, label in ends if label)
    return (
        f'<svg class="drawn" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'role="img" aria-label="{escape(figure.caption)}" font-family="Helvetica,Arial,sans-serif" font-size="13">'
        '<style>.drawn text{text-anchor:middle;fill:#212121}.drawn .arrow{stroke:#455a64;stroke-width:1.5;fill:none}'
        '.drawn .label{font-size:11px;fill:#455a64;stroke:#fff;stroke-width:4px;paint-order:stroke}'
        '.drawn .legend{text-anchor:start;font-size:11px;fill:#455a64}</style>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#455a64"/></marker></defs>'
        f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>'
        f'{arrows}{"".join(map(_draw_box, figure.boxes.values()))}{labels}{legend}</svg>'
    )
