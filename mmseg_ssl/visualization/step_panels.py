"""The rows of a step's picture: the labeled image, who labels the unlabeled one, and what each network learns of it."""

from typing import Dict, List, Optional, Sequence, Tuple

from torch import Tensor

from ..structures import IGNORE_INDEX
from .panels import Panel, affinity_panel, class_panel, image_panel, map_panel
from .sights import NetworkSight, StepSight

Row = Tuple[str, List[Panel]]
BETWEEN_0_AND_1 = ('entropy', 'label entropy', 'confidence', 'localizer', 'reliability')
TITLES = {
    'entropy': 'its entropy',
    'confidence': 'its confidence',
    'localizer': 'localizer: right?',
    'label entropy': 'entropy of the label',
    'variance': 'variance (low: sure)',
    'energy': 'energy (low: sure)',
}
GREEN_AND_RED = [[90, 170, 90], [205, 60, 60]]
Palette = Sequence[Sequence[int]]


def step_rows(sight: StepSight, palette: Palette, bandwidth: float = 9.0) -> List[Row]:
    """Arrange what was seen of a step.

    Args:
        sight: What was seen.
        palette: RGB color of each class.
        bandwidth: Color bandwidth of the affinity, shown of scribbled images.

    Returns:
        Rows, each with a name; those that the method has nothing for are left out.
    """
    rows = [
        ('labeled', _labeled(sight, palette, bandwidth)),
        ('labels of the\nunlabeled', _said(sight, palette)),
        *((f'{name}\nlearns', _learned(name, seen, palette, sight)) for name, seen in sight.networks.items()),
    ]
    return [row for row in rows if row[1]]


def _labeled(sight: StepSight, palette: Palette, bandwidth: float) -> List[Panel]:
    """Image, mask or scribbles, and the prediction of each network."""
    image = sight.views.get('sup')
    if image is None:
        return []
    scribbles = next((seen.scribbles for seen in sight.networks.values() if seen.scribbles is not None), None)
    panels = [image_panel('image', image)]
    if sight.truth is not None:
        panels.append(class_panel('scribbles' if scribbles else 'mask', sight.truth, palette, image))
    if scribbles is not None:
        panels.append(affinity_panel(scribbles, bandwidth))
    panels += [class_panel(f'{name} predicts', pred, palette, image) for name, pred in sight.labeled.items()]
    return [panel.without_padding(sight.inside.get('sup')) for panel in panels]


def _said(sight: StepSight, palette: Palette) -> List[Panel]:
    """Each image that labels were made of, and what the networks say of it."""
    panels: List[Panel] = []
    shown: Optional[Tensor] = None
    for name, seen in sight.networks.items():
        if seen.says is None:
            continue
        image = sight.views['weak'] if seen.said_of is None else seen.said_of
        own = [class_panel(f'{name} says', seen.says, palette, image), *_maps(seen.said_maps)]
        if shown is None or not image.equal(shown):
            own.insert(0, image_panel('weak view' if seen.said_of is None else 'weak views, mixed', image))
            shown = image
        inside = sight.inside.get('weak') if seen.said_of is None else _mixed_inside(sight)
        panels += [panel.without_padding(inside) for panel in own]
    return panels


def _mixed_inside(sight: StepSight) -> Optional[Tensor]:
    """What is image of the mixed weak views: what its learner could be taught."""
    return next((seen.valid for seen in sight.networks.values() if seen.valid is not None), None)


def _learned(name: str, seen: NetworkSight, palette: Palette, sight: StepSight) -> List[Panel]:
    """The image a network learns on, the label, its weight, the prediction, and the method's maps."""
    if seen.image is None or seen.pred is None:
        return []
    panels = [image_panel('what it sees', seen.image)]
    if seen.label is not None and seen.weight is not None and seen.valid is not None:
        taught = (seen.weight > 0) & (seen.label != IGNORE_INDEX) & seen.valid
        share = 100 * float(taught.sum()) / max(int(seen.valid.sum()), 1)
        title = f'pseudo label\nof {share:.0f} % of the pixels'
        panels.append(class_panel(title, seen.label, palette, seen.image, taught))
        if seen.truth is not None:
            panels.append(_right_or_wrong(seen.label, seen.truth, taught, seen.image))
        panels.append(map_panel('weight', seen.weight * taught, low=0.0, high=max(1.0, float(seen.weight.max()))))
    panels.append(class_panel(f'{name} predicts', seen.pred, palette, seen.image))
    inside = sight.inside.get('sup') if seen.scribbles is not None else seen.valid
    return [panel.without_padding(inside) for panel in [*panels, *_maps(seen.maps)]]


def _right_or_wrong(label: Tensor, truth: Tensor, taught: Tensor, image: Tensor) -> Panel:
    """Green where a taught label is that of the mask, red where not."""
    known = taught & (truth != IGNORE_INDEX)
    right = label == truth
    share = 100 * float((right & known).sum()) / max(int(known.sum()), 1)
    title = f'right (green) or wrong\n{share:.0f} % of what is taught is right' if known.any() else 'nothing is taught'
    return class_panel(title, (~right).long(), GREEN_AND_RED, image, known)._replace(classes=())


def _maps(maps: Dict[str, Tensor]) -> List[Panel]:
    """Panels of maps; what lies between 0 and 1 is shown in this range, so that pictures can be compared."""
    return [
        map_panel(TITLES.get(name, name), values, *((0.0, 1.0) if name in BETWEEN_0_AND_1 else ()))
        for name, values in maps.items()
    ]
