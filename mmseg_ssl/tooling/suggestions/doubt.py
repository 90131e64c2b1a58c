"""How much a network doubts what it predicts of an image, pixel by pixel."""

from typing import Dict, List, Tuple

import numpy as np

from ...apis import Segmentation, TrainedNetwork
from ...evaluation.uncertainty_metric import SIGNS
from ..cli import UserError

ALWAYS = ('entropy', 'confidence')
KINDS = (*ALWAYS, *SIGNS, 'disagreement')
"""What a network can be asked for: entropy and 1 - confidence of the classes always; its own maps, where it has them;
and where its networks name different classes."""


class Doubter:
    """Predicts images, and says where the prediction is doubtful.

    Args:
        network: A trained network.

    A method that judges its own prediction (ELN) is asked to; one of several networks (CPS, CPCL, DUEB, or a teacher)
    predicts with each of them where their disagreement is wanted.
    """

    def __init__(self, network: TrainedNetwork) -> None:
        self.network = network
        if hasattr(network.model, 'predict_correctness'):
            network.model.predict_correctness = True
        first = network.model.predictors[0] if hasattr(network.model, 'predictors') else ''
        self.others: Tuple[str, ...] = tuple(name for name in getattr(network.model, 'networks', ()) if name != first)

    def predict(self, pixels: np.ndarray, disagreement: bool = False) -> Tuple[Segmentation, Dict[str, np.ndarray]]:
        """Predict an image.

        Args:
            pixels: As ``network.read`` gives it.
            disagreement: Predict it with the method's other networks, too.

        Returns:
            The prediction, and maps ``(H, W)`` by kind of doubt, in which more is more doubtful.
        """
        found = self.network(pixels)
        doubts = dict(entropy=found.uncertainty, confidence=1 - found.confidence)
        doubts.update({name: sign * found.maps[name] for name, sign in SIGNS.items() if name in found.maps})
        if disagreement and self.others:
            doubts['disagreement'] = self._disagreement(pixels, found.mask)
        return found, doubts

    def _disagreement(self, pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return the share of the other networks that name another class."""
        model = self.network.model
        chosen = model.predict_on
        try:
            masks: List[np.ndarray] = []
            for name in self.others:
                model.predict_on = name
                masks.append(self.network(pixels).mask)
        finally:
            model.predict_on = chosen
        return np.mean([other != mask for other in masks], axis=0, dtype=np.float32)


def check_kind(kind: str, doubts: Dict[str, float]) -> None:
    """Refuse a kind of doubt that a network does not have.

    Args:
        kind: One of ``KINDS``.
        doubts: Those of an image.

    Raises:
        UserError: Says which there are.
    """
    if kind not in doubts:
        raise UserError(f'--by {kind}: the network of this run does not say it; it says {", ".join(doubts)}.')
