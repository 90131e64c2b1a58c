"""A trained network and its judge, as a checkpoint of plain mmseg or of any method holds them."""

import copy
from typing import Any, Dict, Optional

from mmseg.registry import MODELS
from torch import nn

from ..errors import NetworkError
from ..utils.nested import nested_dicts
from .branch import Branch


class TeacherNetworks(nn.Module):
    """The network and the judge, by names of their own; a checkpoint names them after its method.

    Args:
        segmentor: Config of an ``EncoderDecoder``; its auxiliary heads are left out.
        side_heads: Its side heads.
        localizer: Config of a judge, if there is one.
    """

    networks = ('network',)

    def __init__(self, segmentor: dict, side_heads: Optional[dict], localizer: Optional[dict]) -> None:
        super().__init__()
        segmentor, localizer = copy.deepcopy(segmentor), copy.deepcopy(localizer)
        segmentor.pop('auxiliary_head', None)  # it predicts nothing that is read
        for part in nested_dicts([segmentor, localizer]):
            part.pop('init_cfg', None)  # the checkpoint has the weights
            if str(part.get('type')).endswith('HuggingFaceBackbone'):
                part['pretrained'] = False
        self.network = Branch(segmentor, side_heads)
        known = dict(num_classes=self.network.num_classes)
        self.localizer = MODELS.build(localizer, default_args=known) if localizer else None

    def named_as_here(self, saved: Any, name: str) -> Dict[str, Any]:
        """Rename the weights of a checkpoint; those of no use here are left out.

        Args:
            saved: Checkpoint of plain mmseg or of a method.
            name: Which network of a method's; empty: the student, or the first.

        Raises:
            NetworkError: There is no such network.
        """
        weights = saved.get('state_dict', saved) if isinstance(saved, dict) else saved
        if not isinstance(weights, dict):
            return weights
        weights = {str(key)[7:] if str(key).startswith('module.') else str(key): w for key, w in weights.items()}
        plain = {f'network.segmentor.{key}': value for key, value in weights.items()}
        given = {key.split('.')[0] for key in weights if '.segmentor.' in key}
        if given:
            chosen = name or ('student' if 'student' in given else sorted(given)[0])
            if chosen not in given:
                raise NetworkError(f'The checkpoint of the teacher has the networks {sorted(given)}, not {chosen!r}.')
            starts = (f'{chosen}.network.', f'{chosen}.')
            start = starts[0] if any(key.startswith(starts[0]) for key in weights) else starts[1]
            plain = {f'network.{key[len(start) :]}': w for key, w in weights.items() if key.startswith(start)}
        plain.update({key: value for key, value in weights.items() if key.startswith('localizer.')})
        own = set(self.state_dict())
        kept = {key: value for key, value in plain.items() if key in own}
        return kept or weights  # nothing fits: the message names what there is
