"""What can be seen of one training step: the first images, and what networks make of them."""

from dataclasses import dataclass, field
from typing import Dict, Optional

from torch import Tensor

from ..structures import Scribbles


@dataclass
class NetworkSight:
    """What one network says of the first image, and what it learns; all on the CPU, ``None`` where there is nothing.

    Attributes:
        says: ``(H, W)`` classes that labels are made from.
        said_of: ``(3, H, W)`` image of which it says so, 0..255; if not given, the weak view.
        image: ``(3, H, W)`` image that it learns on, 0..255.
        pred: ``(H, W)`` classes that it predicts there.
        label: ``(H, W)`` classes that it is taught, 255 where none.
        weight: ``(H, W)``, at least 0; what is 0 is not taught.
        valid: ``(H, W)`` bool, what could be taught.
        truth: ``(H, W)`` mask of the image that nothing trains on, 255 where unknown.
        scribbles: Of the image: colors ``(3, H, W)``, seeds and valid pixels ``(H, W)``.
        said_maps: Maps ``(H, W)`` of what it says, by name: entropy, confidence, localizer.
        maps: Maps ``(H, W)`` of what it learns, by name: variance, energy, reliability, label entropy.
    """

    says: Optional[Tensor] = None
    said_of: Optional[Tensor] = None
    image: Optional[Tensor] = None
    pred: Optional[Tensor] = None
    label: Optional[Tensor] = None
    weight: Optional[Tensor] = None
    valid: Optional[Tensor] = None
    truth: Optional[Tensor] = None
    scribbles: Optional[Scribbles] = None
    said_maps: Dict[str, Tensor] = field(default_factory=dict)
    maps: Dict[str, Tensor] = field(default_factory=dict)


@dataclass
class StepSight:
    """What can be seen of a step.

    Attributes:
        views: First image of each view, ``(3, H, W)`` in 0..255.
        truth: ``(H, W)`` labels of the first labeled image, 255 where there is none.
        labeled: ``(H, W)`` classes that each network predicts of it.
        networks: What each network says and learns of the first unlabeled image.
        inside: ``(H, W)`` bool by ``sup`` and ``weak``, what is image and not padding.
        names: File name of the first image of each view.
    """

    views: Dict[str, Tensor] = field(default_factory=dict)
    truth: Optional[Tensor] = None
    labeled: Dict[str, Tensor] = field(default_factory=dict)
    networks: Dict[str, NetworkSight] = field(default_factory=dict)
    inside: Dict[str, Tensor] = field(default_factory=dict)
    names: Dict[str, str] = field(default_factory=dict)
