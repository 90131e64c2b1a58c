"""Sorts what a run logged of its pseudo-labels: how many there are, and how good, in all and by class."""

import re
from typing import Dict, Mapping

from .run_content import Curve, Curves

NAMED = re.compile(
    r'(^|\.)(kept|confident|threshold|agreement|confidence|teacher_confidence|reliability|taught|wrong)$'
)
"""Log keys of what pixels without a label are taught, apart from those with ``unsup`` or ``taught`` between dots."""
OF_A_CLASS = re.compile(r'((?P<network>\w+)\.)?taught\.(?P<what>share|accuracy)\.(?P<label>.+)')
OF_LABELED = re.compile(r'(decoder_\d+\.taught|localizer\.wrong)$')
"""Log keys of ELN about labeled images."""
ALL_CLASSES = 'Shares and means over the image pixels'
LABELED = 'ELN on labeled images: share of the pixels that are predicted wrong, of the images that teach a decoder'
TITLES = dict(
    share='Share of the pixels of a class that are taught',
    accuracy='Share of the pixels taught as a class that are right',
)


def is_taught(key: str, curve: Curve) -> bool:
    """Check if a log key tells how many pixels are taught, or how well.

    Args:
        key: The key.
        curve: Its curve: a share, or another number in [0, 1].
    """
    named = {'unsup', 'taught'} & set(key.split('.')) or NAMED.search(key)
    return bool(named) and 'loss' not in key and all(-0.001 <= value <= 1.001 for _, value in curve)


def taught_groups(curves: Mapping[str, Curve]) -> Dict[str, Curves]:
    """Sort the curves of pseudo-labels into drawings.

    Args:
        curves: Those with a key of :func:`is_taught`.

    Returns:
        Title -> name of a curve -> curve: first those of all classes together, then those of labeled images, then a
        drawing by class for every share and network.
    """
    groups: Dict[str, Curves] = {}
    for key in sorted(curves, key=lambda key: (bool(OF_A_CLASS.fullmatch(key)), bool(OF_LABELED.match(key)))):
        found = OF_A_CLASS.fullmatch(key)
        if OF_LABELED.match(key):
            groups.setdefault(LABELED, {})[key] = curves[key]
        elif found is None:
            groups.setdefault(ALL_CLASSES, {})[key] = curves[key]
        else:
            network = f' ({found["network"]})' if found['network'] else ''
            groups.setdefault(TITLES[found['what']] + network, {})[found['label']] = curves[key]
    return groups


def quality_was_logged(curves: Mapping[str, Curve]) -> bool:
    """Check if the training compared its pseudo-labels with masks.

    Args:
        curves: As for :func:`taught_groups`.
    """
    return any('taught.accuracy' in key for key in curves)
