"""Segmentor of several networks: inference with any of them, and plain checkpoints that load."""

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from mmengine.logging import print_log
from mmseg.models.segmentors import BaseSegmentor
from mmseg.structures import SegDataSample
from torch import Tensor

from ..errors import NetworkError
from .branch import Branch
from .ema_teacher import EMATeacher
from .frozen_teacher import FrozenTeacher
from .inference import BranchInference

MEAN = 'mean'
"""The networks that train side by side, as one that predicts."""


class NamedNetworks(BaseSegmentor):
    """Holds networks (:class:`Branch`, :class:`EMATeacher`) as attributes, whose names :attr:`networks` lists.

    Args:
        predict_on: Name of the network that predicts at inference, or several names: the first one's prediction is
            ``pred_sem_seg``, and all are scored in one pass by :class:`~mmseg_ssl.evaluation.SemiIoUMetric`. The first
            of :attr:`networks` if not given. Of a method that trains several, ``'mean'`` is the mean of their logits
            and side maps, at the cost of them all.
        **kwargs: As for mmseg's ``BaseSegmentor``.
    """

    networks: Tuple[str, ...] = ('student',)
    """Names of the networks, trained ones first."""

    def __init__(self, predict_on: Union[str, Sequence[str], None] = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.predict_on = predict_on if predict_on is not None else self.networks[0]
        _ = self.predictors  # a wrong name is an error now, not after hours of training

    @property
    def predictors(self) -> Tuple[str, ...]:
        """Return the names of the networks that predict.

        Raises:
            NetworkError: If ``predict_on`` names something else.
        """
        names = (self.predict_on,) if isinstance(self.predict_on, str) else tuple(self.predict_on)
        known = self.can_predict()
        wrong = [name for name in names if name not in known]
        if wrong or not names:
            raise NetworkError(f'{type(self).__name__} can predict_on {known}, got {wrong or "nothing"}.')
        return names

    @classmethod
    def can_predict(cls) -> Tuple[str, ...]:
        """Return the names that ``predict_on`` takes."""
        return (*cls.networks, MEAN) if len(cls.trained()) > 1 else cls.networks

    @classmethod
    def trained(cls) -> Tuple[str, ...]:
        """Return the names of the networks that train, without the teacher that follows them."""
        return tuple(name for name in cls.networks if name != 'teacher')

    @property
    def with_neck(self) -> bool:
        """Return whether the segmentor has a neck, as in mmseg."""
        return self.branch(self.networks[0]).segmentor.with_neck

    def branch(self, name: str) -> Branch:
        """Return the branch behind a name; a teacher's is its copy of the student, or the network that was trained.

        Of the mean it is the first one's, which has the settings of all.
        """
        network = getattr(self, self.networks[0] if name == MEAN else name)
        return network.network if isinstance(network, (EMATeacher, FrozenTeacher)) else network

    def inference_of(self, name: str) -> BranchInference:
        """Return the inference of a network; methods add maps here."""
        return BranchInference(*(self.branch(each) for each in (self.trained() if name == MEAN else (name,))))

    def predict(self, inputs: Tensor, data_samples: Optional[List[SegDataSample]] = None) -> List[SegDataSample]:
        """Predict images with each network of ``predict_on``.

        Args:
            inputs: ``(B, 3, H, W)``, normalized.
            data_samples: Their samples.

        Returns:
            Samples with ``pred_sem_seg`` and ``seg_logits`` of the first network, its side maps (``variance``,
            ``energy``) under their names; if there are several, ``pred_sem_seg_<name>`` and ``seg_logits_<name>`` of
            every network, and their names as metainfo ``predicted_by``.
        """
        names = self.predictors
        results = [self.inference_of(name).predict(inputs, data_samples) for name in names]
        # a single network keeps the host's field names alone
        if len(names) > 1:
            for name, samples in zip(names, results):
                for first, sample in zip(results[0], samples):
                    maps = {f'pred_sem_seg_{name}': sample.pred_sem_seg, f'seg_logits_{name}': sample.seg_logits}
                    first.set_data(maps)
                    first.set_metainfo(dict(predicted_by=names))
        return results[0]

    def extract_feat(self, inputs: Tensor) -> Tuple[Tensor, ...]:
        """Return features of the first network of ``predict_on``."""
        return self.branch(self.predictors[0]).segmentor.extract_feat(inputs)

    def encode_decode(self, inputs: Tensor, batch_img_metas: Optional[List[dict]] = None) -> Tensor:
        """Return the decode head's channels at the size of the input, as in mmseg."""
        return self.inference_of(self.predictors[0]).logits(inputs)

    def _forward(self, inputs: Tensor, data_samples: Optional[List[SegDataSample]] = None) -> Tensor:
        return self.encode_decode(inputs)

    def spread_plain_weights(self, state_dict: Dict[str, Tensor], prefix: str = '') -> List[str]:
        """Give the weights of a plain mmseg checkpoint to every network, teachers included.

        Args:
            state_dict: Weights, changed in place; left alone if they are not plain ones.
            prefix: As in ``Module._load_from_state_dict``.

        Returns:
            Names of the trained networks that got them.
        """
        # a plain EncoderDecoder has these at the top level, a method under the name of a network
        heads = tuple(prefix + head for head in ('backbone.', 'neck.', 'decode_head.', 'auxiliary_head.'))
        if not any(key.startswith((heads[0], heads[2])) for key in state_dict):
            return []
        trained = list(self.trained())
        for key in [key for key in state_dict if key.startswith(heads)]:
            value = state_dict.pop(key)
            for name in self.networks:
                if isinstance(getattr(self, name), FrozenTeacher):
                    continue  # it has weights of its own
                # a teacher holds its copy under .network
                path = name if name in trained else f'{name}.network'
                state_dict[f'{prefix}{path}.segmentor.{key[len(prefix) :]}'] = value
        return trained

    def _load_from_state_dict(self, state_dict: Dict[str, Tensor], prefix: str, *args: Any) -> None:
        """Load a plain mmseg checkpoint, too."""
        trained = self.spread_plain_weights(state_dict, prefix)
        # methods of two networks rely on different initial weights
        if len(trained) > 1:
            print_log(
                f'{type(self).__name__} starts {trained} from the same weights: they differ by what they '
                'are taught alone.',
                'current',
                level=30,
            )
        super()._load_from_state_dict(state_dict, prefix, *args)
