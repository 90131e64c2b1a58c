"""What every method shares: named networks, inference with any of them, and plain checkpoints that load."""

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import torch
from mmengine.logging import print_log
from mmseg.models.segmentors import BaseSegmentor
from mmseg.structures import SegDataSample
from torch import Tensor

from ..batch_checks import BatchError, readable_torch_errors
from ..branch import Branch
from ..ema_teacher import EMATeacher
from ..inference import BranchInference
from ..network_checks import NetworkError

Views = Dict[str, Tensor]
ViewSamples = Dict[str, List[SegDataSample]]
LossDict = Dict[str, Tensor]


def weighted(losses: LossDict, weight: float) -> LossDict:
    """Multiply what is a loss (by its key, as the host tells) and leave what is only logged."""
    return {key: value * weight if 'loss' in key else value for key, value in losses.items()}


class SemiSegmentor(BaseSegmentor):
    """Thin base of the methods; it says nothing about the flow of training.

    A method registers its networks (:class:`Branch`, :class:`EMATeacher`) as attributes, lists their names in
    ``networks``, trained ones first, and writes ``loss()``.

    Args:
        data_preprocessor: Config of :class:`~mmseg_ssl.models.SemiDataPreProcessor`.
        predict_on: Name of the network that predicts at inference, or several names: the first one's prediction is
            ``pred_sem_seg``, and all are scored in one pass by
            :class:`~mmseg_ssl.evaluation.SemiIoUMetric`. The first of ``networks`` if not given.
        init_cfg: As in mmengine.
        pretrained: Only None, which mmseg's ``init_model`` sets; weights are the segmentor's business.
        train_cfg: Only None, likewise.
        test_cfg: Only None, likewise.
    """

    networks: Tuple[str, ...] = ('student',)
    views: Tuple[str, ...] = ('sup',)
    """Views that ``loss()`` reads."""

    def __init__(
        self,
        data_preprocessor: Optional[dict] = None,
        predict_on: Union[str, Sequence[str], None] = None,
        init_cfg: Optional[dict] = None,
        pretrained: None = None,
        train_cfg: None = None,
        test_cfg: None = None,
    ) -> None:
        if pretrained or train_cfg or test_cfg:
            raise ValueError(
                f'{type(self).__name__}: pretrained, train_cfg and test_cfg belong to model.segmentor, got '
                f'{pretrained!r}, {train_cfg!r}, {test_cfg!r}.'
            )
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        # how much what is taught on unlabelled images counts now; UnsupRampHook sets it, a function of the iteration
        self.register_buffer('unsup_scale', torch.ones(()), persistent=False)
        self.predict_on = predict_on if predict_on is not None else self.networks[0]
        _ = self.predictors  # a wrong name is an error now, not after hours of training

    @property
    def predictors(self) -> Tuple[str, ...]:
        """Names of the networks that predict.

        Raises:
            NetworkError: If ``predict_on`` names something else.
        """
        names = (self.predict_on,) if isinstance(self.predict_on, str) else tuple(self.predict_on)
        wrong = [name for name in names if name not in self.networks]
        if wrong or not names:
            raise NetworkError(f'{type(self).__name__} can predict_on {self.networks}, got {wrong or "nothing"}.')
        return names

    @property
    def with_neck(self) -> bool:
        """As in mmseg: whether the segmentor has a neck."""
        return self.branch(self.networks[0]).segmentor.with_neck

    def branch(self, name: str) -> Branch:
        """The branch behind a name; a teacher's is its copy of the student."""
        network = getattr(self, name)
        return network.network if isinstance(network, EMATeacher) else network

    def two_batches(self, weak: Tensor) -> Tuple[Tensor, Tensor]:
        """The two independent unlabelled batches u0, u1 of a method that mixes them."""
        if len(weak) % 2:
            raise BatchError(
                f'{type(self).__name__} mixes two unlabelled batches; the batch has {len(weak)} images. '
                'Set unlabeled_per_labeled=2 in train_dataloader.dataset.'
            )
        first, second = weak.chunk(2)
        return first, second

    def inference_of(self, name: str) -> BranchInference:
        """Inference with a network; methods add maps here."""
        return BranchInference(self.branch(name))

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = 'tensor') -> Any:
        """As in mmseg, with a clear error when a view is missing or a batch is none that the network takes."""
        if mode == 'loss':
            missing = [view for view in self.views if not isinstance(inputs, dict) or view not in inputs]
            if missing:
                have = tuple(inputs) if isinstance(inputs, dict) else type(inputs).__name__
                raise BatchError(
                    f'{type(self).__name__} needs the views {self.views}; the batch has {have}. '
                    'Train on a SemiDataset with unlabelled images and, for "strong", add '
                    'strong=dict(type="StrongAugment") to the data_preprocessor; for several strong views, a dict of '
                    'such configs by view.'
                )
            for name in self.networks:
                if isinstance(getattr(self, name), EMATeacher):
                    getattr(self, name).require_started()
        with readable_torch_errors(list(inputs.values()) if isinstance(inputs, dict) else [inputs]):
            return super().forward(inputs, data_samples, mode)

    def predict(self, inputs: Tensor, data_samples: Optional[List[SegDataSample]] = None) -> List[SegDataSample]:
        """Predict images with each network of ``predict_on``.

        Args:
            inputs: ``(B, 3, H, W)``, normalised.
            data_samples: Their samples.

        Returns:
            Samples with ``pred_sem_seg`` and ``seg_logits`` of the first network, its side maps (``variance``,
            ``energy``) under their names; if there are several, ``pred_sem_seg_<name>`` and ``seg_logits_<name>`` of
            every network, and their names as metainfo ``predicted_by``.
        """
        names = self.predictors
        results = [self.inference_of(name).predict(inputs, data_samples) for name in names]
        if len(names) > 1:
            for name, samples in zip(names, results):
                for first, sample in zip(results[0], samples):
                    maps = {f'pred_sem_seg_{name}': sample.pred_sem_seg, f'seg_logits_{name}': sample.seg_logits}
                    first.set_data(maps)
                    first.set_metainfo(dict(predicted_by=names))
        return results[0]

    def extract_feat(self, inputs: Tensor) -> Tuple[Tensor, ...]:
        """Features of the first network of ``predict_on``."""
        return self.branch(self.predictors[0]).segmentor.extract_feat(inputs)

    def encode_decode(self, inputs: Tensor, batch_img_metas: Optional[List[dict]] = None) -> Tensor:
        """What the decode head gives, as in mmseg, at the size of the input."""
        branch = self.branch(self.predictors[0])
        return branch.host_logits(branch(inputs))

    def _forward(self, inputs: Tensor, data_samples: Optional[List[SegDataSample]] = None) -> Tensor:
        return self.encode_decode(inputs)

    def spread_plain_weights(self, state_dict: Dict[str, Tensor], prefix: str = '') -> List[str]:
        """Give the weights of a plain mmseg checkpoint to every network, and to a teacher so that it predicts the same.

        Args:
            state_dict: Weights, changed in place; left alone if they are not plain ones.
            prefix: As in ``Module._load_from_state_dict``.

        Returns:
            Names of the trained networks that got them.
        """
        heads = tuple(prefix + head for head in ('backbone.', 'neck.', 'decode_head.', 'auxiliary_head.'))
        if not any(key.startswith((heads[0], heads[2])) for key in state_dict):
            return []
        trained = [name for name in self.networks if isinstance(getattr(self, name), Branch)]
        for key in [key for key in state_dict if key.startswith(heads)]:
            value = state_dict.pop(key)
            for name in self.networks:
                path = name if name in trained else f'{name}.network'
                state_dict[f'{prefix}{path}.segmentor.{key[len(prefix) :]}'] = value
        return trained

    def _load_from_state_dict(self, state_dict: Dict[str, Tensor], prefix: str, *args: Any) -> None:
        """Let a plain mmseg checkpoint load."""
        trained = self.spread_plain_weights(state_dict, prefix)
        if len(trained) > 1:
            print_log(
                f'{type(self).__name__} starts {trained} from the same weights: they differ by what they '
                'are taught alone.',
                'current',
                level=30,
            )
        super()._load_from_state_dict(state_dict, prefix, *args)
