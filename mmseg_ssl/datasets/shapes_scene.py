"""Draws one scene of the built-in dataset; a pure function from random generator to image and mask.

Several things make the scenes hard for a network that sees eight of them: every class varies in color and texture,
pairs of classes share colors (bush and hill, house and ground, sign and ball), each scene has its own light, objects
hide each other, poles are one pixel wide, signs are rare, haze blurs the border of hill and sky, and there is noise.
"""

from typing import NamedTuple, Tuple

import cv2
import numpy as np
from numpy.random import RandomState

CLASSES = ('sky', 'hill', 'ground', 'house', 'bush', 'pole', 'ball', 'sign')
SKY, HILL, GROUND, HOUSE, BUSH, POLE, BALL, SIGN = range(8)
HEIGHT, WIDTH = 64, 96  # of the image, in pixels
ZOOM = 2  # scenes are drawn this much larger and then averaged, so that colors mix at borders


class Look(NamedTuple):
    """Appearance of a class: mean color and its spread, wavelength and contrast of its texture."""

    bgr: Tuple[int, int, int]
    spread: float
    wavelength: Tuple[float, float]  # in drawn pixels
    contrast: float
    speckle: float


LOOKS = (
    Look((205, 175, 150), 11, (60, 120), 12, 2),
    Look((95, 125, 95), 11, (24, 48), 14, 6),
    Look((105, 130, 150), 11, (10, 20), 12, 10),
    Look((110, 125, 165), 15, (6, 9), 24, 3),
    Look((75, 120, 85), 11, (4, 6), 16, 22),
    Look((90, 90, 90), 15, (20, 40), 6, 3),
    Look((70, 90, 190), 20, (14, 22), 22, 3),
    Look((90, 110, 200), 20, (5, 7), 30, 3),
)

Mask = np.ndarray
ON = (1,)


class Canvas:
    """A growing picture: colors ``(H, W, 3)`` float and labels ``(H, W)`` uint8, drawn in order.

    Args:
        rng: Random generator.
    """

    def __init__(self, rng: RandomState) -> None:
        self.rng = rng
        shape = (HEIGHT * ZOOM, WIDTH * ZOOM)
        self.colors = np.zeros((*shape, 3))
        self.labels = np.zeros(shape, np.uint8)
        self.y, self.x = np.mgrid[: shape[0], : shape[1]]

    def blank(self) -> Mask:
        """Return an empty region to draw into."""
        return np.zeros(self.labels.shape, np.uint8)

    def paint(self, where: Mask, label: int, opacity: float = 1.0) -> None:
        """Cover a region with a fresh texture of a class.

        Args:
            where: ``(H, W)``, non-zero in the region.
            label: Class index.
            opacity: Below 1, what lies behind shines through; the label covers it anyway.
        """
        left, top, width, height = cv2.boundingRect(where.astype(np.uint8))
        box = slice(top, top + height), slice(left, left + width)
        rng, look, where = self.rng, LOOKS[label], where[box].astype(bool)
        angle, phase = rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
        wave = 2 * np.pi / rng.uniform(*look.wavelength)
        ramp = wave * (np.cos(angle) * self.x[box] + np.sin(angle) * self.y[box]) + phase
        pattern = look.contrast * rng.uniform(0.5, 1.3) * np.sin(ramp)
        pattern += look.speckle * rng.standard_normal(pattern.shape)
        color = np.array(look.bgr) + look.spread * rng.standard_normal(3) * (0.5, 0.5, 0.7)
        texture = color + pattern[..., None]
        self.colors[box][where] += opacity * (texture[where] - self.colors[box][where])
        self.labels[box][where] = label


def _landscape(canvas: Canvas) -> Tuple[float, float]:
    """Draw sky, hills with haze and ground; return the heights of the two horizons."""
    rng, height = canvas.rng, HEIGHT * ZOOM
    far, near = sorted(rng.uniform(0.22, 0.62, 2) * height)
    canvas.paint(canvas.blank() + 1, SKY)
    for level, label, opacity in ((far, HILL, rng.uniform(0.45, 0.95)), (near, GROUND, 1.0)):
        wave = np.sin(canvas.x / rng.uniform(15, 45) + rng.uniform(0, 6)) * rng.uniform(2, 9)
        canvas.paint(canvas.y > level + wave, label, opacity)
    return far, near


def _house(canvas: Canvas, x: int, y: int, size: float) -> None:
    """Draw a box, sometimes with a roof."""
    w, h = int(size * canvas.rng.uniform(0.5, 1.1)), int(size * canvas.rng.uniform(0.6, 1.2))
    corners = [
        (x - w, y),
        (x - w, y - h),
        (x, y - h - canvas.rng.randint(h)),
        (x + w, y - h),
        (x + w, y),
    ]
    canvas.paint(cv2.fillPoly(canvas.blank(), [np.array(corners, np.int32)], ON), HOUSE)


def _bush(canvas: Canvas, x: int, y: int, size: float) -> None:
    """Draw a heap of discs."""
    region = canvas.blank()
    for _ in range(canvas.rng.randint(3, 8)):
        dx, dy = (canvas.rng.uniform(-0.6, 0.6, 2) * size).astype(int)
        radius = int(size * canvas.rng.uniform(0.2, 0.45)) + 1
        cv2.circle(region, (x + int(dx), y - abs(int(dy))), radius, ON, -1)
    canvas.paint(region, BUSH)


def _pole(canvas: Canvas, x: int, y: int, size: float) -> None:
    """Draw a thin, leaning line; one in four carries a sign."""
    top = (x + canvas.rng.randint(-4, 5), int(y - size * canvas.rng.uniform(1.2, 2.4)))
    canvas.paint(cv2.line(canvas.blank(), (x, y), top, ON, canvas.rng.randint(1, 4)), POLE)
    if canvas.rng.uniform() < 0.25:
        r = int(size * 0.22) + 4
        corners = [
            (top[0] - r, top[1]),
            (top[0], top[1] - r),
            (top[0] + r, top[1]),
            (top[0], top[1] + r),
        ]
        canvas.paint(cv2.fillPoly(canvas.blank(), [np.array(corners, np.int32)], ON), SIGN)


def _ball(canvas: Canvas, x: int, y: int, size: float) -> None:
    """Draw a disc, lit from one side."""
    radius = int(size * canvas.rng.uniform(0.2, 0.4)) + 2
    region = cv2.circle(canvas.blank(), (x, y - radius), radius, ON, -1)
    canvas.paint(region, BALL)
    shade = (canvas.x - x) / radius * canvas.rng.uniform(-35, 35)
    canvas.colors += (region * shade)[..., None]


def draw_scene(rng: RandomState) -> Tuple[np.ndarray, np.ndarray]:
    """Draw one scene.

    Args:
        rng: Random generator.

    Returns:
        The image, ``(64, 96, 3)`` uint8 in BGR, and its mask, ``(64, 96)`` uint8 with indices into ``CLASSES``.
    """
    canvas = Canvas(rng)
    far, near = _landscape(canvas)
    makers = [_house, _bush, _pole, _ball]
    things = rng.choice(4, size=rng.randint(5, 12), p=(0.2, 0.35, 0.25, 0.2))
    feet = np.sort(rng.uniform(0.8 * near + 0.2 * far, HEIGHT * ZOOM, len(things)))
    for thing, foot in zip(things, feet):  # far to near: the near ones hide the far ones
        size = 10 + 26 * (foot - far) / (HEIGHT * ZOOM - far)
        makers[thing](canvas, rng.randint(WIDTH * ZOOM), int(foot), size)
    return _photograph(canvas.colors, rng), canvas.labels[::ZOOM, ::ZOOM].copy()


def _photograph(colors: np.ndarray, rng: RandomState) -> np.ndarray:
    """Apply the light of the scene, and the optics and noise of the camera."""
    height, width = colors.shape[:2]
    small = colors.reshape(height // ZOOM, ZOOM, width // ZOOM, ZOOM, 3).mean(axis=(1, 3))
    light = np.exp(0.08 * rng.standard_normal(3)) * rng.uniform(0.8, 1.1)
    fall_off = np.linspace(rng.uniform(0.85, 1.1), rng.uniform(0.85, 1.1), width // ZOOM)[:, None]
    small = np.clip(small * light * fall_off, 0, None)
    if rng.uniform() < 0.5:  # out of focus
        small = cv2.blur(small, (3, 3))
    small += rng.uniform(3, 10) * rng.standard_normal(small.shape)
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)
