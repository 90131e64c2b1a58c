"""Write ``dueb_release.json`` from the closed forms of ``README.md``; needs Python alone."""

import json
from math import exp, log, sqrt
from pathlib import Path

CLEAN, FIRST, SECOND = (3 / 4, 4 / 5), (1 / 2, 1 / 2), (9 / 10, 16 / 17)
LABEL = (1, 0)
VARIANCE = (1, 1 / 4, 0)
# noise[t][c][pixel]
NOISE = (
    ((0, -2 * log(4), 1), (-log(3), 0, 1)),
    ((0, 2 * log(4), 1), (log(3), 0, -1)),
)


def on_classes(slopes: list) -> list:
    """From the slope on the label's logit of each valid pixel to a map [c][pixel]: the other class has the opposite."""
    return [[slope if LABEL[i] == c else -slope for i, slope in enumerate(slopes)] + [0] for c in (0, 1)]


def release_aleatoric() -> dict:
    u, root = log(5 / 3) / 2, sqrt(5 / 12)
    r = (1 - root - log(24 / 17) / 2) / 2
    slopes = [
        ((1 + r - u * (root + 1) / 2) * (p - 1) + u / 2 * (root * (p1 - 1) + (p2 - 1))) / 2
        for p, p1, p2 in zip(CLEAN, FIRST, SECOND)
    ]
    return dict(
        value=(1 + r) * u + ((exp(1) - 1) + (exp(1 / 4) - 1)) / 3,
        grad_logits=on_classes(slopes),
        grad_variance=[exp(v) / 3 for v in VARIANCE],
    )


def release_energy() -> dict:
    total = exp(3 / 4) + exp(4 / 5)
    return dict(value=log(total), grad_logits=on_classes([exp(p) / total * p * (1 - p) for p in CLEAN]))


def kendall_gal() -> dict:
    slopes, variance = [], []
    for i, (p1, p2) in enumerate(zip(FIRST, SECOND)):
        slopes.append((p1 * (p1 - 1) + p2 * (p2 - 1)) / (p1 + p2))
        per_sample = [
            # noise of the label's logit less that of the other's
            (NOISE[t][LABEL[i]][i] - NOISE[t][1 - LABEL[i]][i]) * (p - 1)
            for t, p in enumerate((p1, p2))
        ]
        variance.append((p1 * per_sample[0] + p2 * per_sample[1]) / (p1 + p2) / (2 * sqrt(VARIANCE[i])))
    return dict(value=[-log(7 / 10), -log(49 / 68), 0], grad_logits=on_classes(slopes), grad_variance=[*variance, 0])


if __name__ == '__main__':
    numbers = dict(
        origin='closed forms from the formulas, see README.md; written by derive.py',
        logits=[[0, log(4), 5], [log(3), 0, -5]],
        variance=VARIANCE,
        label=[*LABEL, 255],
        noise=NOISE,
        release_aleatoric=release_aleatoric(),
        release_energy=release_energy(),
        kendall_gal=kendall_gal(),
    )
    Path(__file__).with_name('dueb_release.json').write_text(json.dumps(numbers, indent=1) + '\n')
