"""Base of the methods: shared network calls, the ramp of unlabeled losses, and stages of training."""

import math
from contextlib import nullcontext
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import torch
from mmseg.structures import SegDataSample
from torch import Tensor

from ...ops import fresh_casts
from ...structures import Prediction
from ...utils.choices import one_of
from ..batch_checks import BatchError, readable_torch_errors
from ..batch_statistics import STATISTICS, separate_views
from ..branch import Branch
from ..label_modes import labeling_mode
from ..loss_dicts import is_unlabeled_loss, labeled_losses
from ..named_networks import NamedNetworks
from ..teachers import Teacher

Views = Dict[str, Tensor]
Onlooker = Callable[[str, Dict[str, Any]], None]
ViewSamples = Dict[str, List[SegDataSample]]
LossDict = Dict[str, Tensor]


class SemiSegmentor(NamedNetworks):
    """Thin base class of the methods; the flow of training is theirs.

    A method registers its networks (:class:`Branch`, :class:`EMATeacher`, :class:`FrozenTeacher`) as attributes, lists
    their names in ``networks``, trained ones first, and writes ``loss()``. Three decisions are made here, once for all
    methods: losses of pixels without a label (keys with ``unsup``, see ``is_unlabeled_loss``) are multiplied by
    :attr:`unsup_scale`, the ramp, and ``unsup_factor``; :meth:`predict_views` decides which views share a network call
    and BatchNorm statistics; and a method of several stages lists them in :attr:`stages`, from which ``StageHook``
    chooses by the iteration.

    Args:
        batch_statistics: Which images of a network call are normalized together: ``'merged'``, ``'separate'`` or
            ``'separate_unkept'``, see :mod:`mmseg_ssl.models.batch_statistics`.
        unsup_factor: A further factor of the same terms, constant over the run. 0 makes a method's control: it reads,
            predicts and computes all the same, and learns from labels alone. A term that is not finite stays so
            (0 x nan is nan), and the run stops as it would at 1.
        data_preprocessor: Config of :class:`~mmseg_ssl.models.SemiDataPreProcessor`.
        predict_on: Names of the networks that predict, see :class:`~mmseg_ssl.models.named_networks.NamedNetworks`.
        init_cfg: As in mmengine.
        pretrained: Only None, which mmseg's ``init_model`` sets; weights are the segmentor's business.
        train_cfg: Only None, likewise.
        test_cfg: Only None, likewise.
    """

    views: Tuple[str, ...] = ('sup',)
    """Views that ``loss()`` reads."""
    learns_between_scribbles: bool = False  # reads scribbles(): masks must tell unlabeled pixels from void
    stages: Dict[str, Callable[..., LossDict]] = {}
    """Stages of training by name, in their order, each with the method that computes its losses."""
    stage: str = ''
    """Current stage; the class attribute is the one that runs without a ``StageHook``."""
    labeled_alone: bool = False
    """Whether the step learns from labeled images alone, see ``SupervisedStartHook``."""

    def __init__(
        self,
        data_preprocessor: Optional[dict] = None,
        batch_statistics: str = 'merged',
        unsup_factor: float = 1.0,
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
        if not 0 <= unsup_factor < math.inf:
            raise ValueError(f'{type(self).__name__}: unsup_factor is a finite number >= 0, got {unsup_factor}.')
        super().__init__(predict_on, data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.unsup_factor = unsup_factor
        self.batch_statistics = one_of(STATISTICS, batch_statistics=batch_statistics)
        self.onlookers: List[Onlooker] = []  # pictures and logs add themselves for the steps that they look at
        # weight of unlabeled losses, set by UnsupRampHook. A buffer, to be on the model's device without a sync; not in
        # the checkpoint, because it is a function of the iteration
        self.register_buffer('unsup_scale', torch.ones(()), persistent=False)

    @property
    def ramp_ended(self) -> Tensor:
        """1 if unlabeled losses count in full, else 0; a factor for terms that wait for the end of the ramp."""
        return (self.unsup_scale >= 1).float()

    def loss(self, inputs: Views, data_samples: ViewSamples) -> LossDict:
        """Compute the losses of one step of the current stage; a method without stages overrides this."""
        return self.stages[self.stage](self, inputs, data_samples)

    def predict_views(
        self,
        network: Union[Branch, Teacher],
        *views: Tensor,
        labeled: int = 1,
        perturb: Optional[Callable] = None,
    ) -> List[Prediction]:
        """Predict several views in one network call, normalized as :attr:`batch_statistics` says.

        Args:
            network: One of the method's networks.
            *views: Images of each view, ``(B_k, 3, H, W)``, the labeled ones first.
            labeled: Number of labeled views.
            perturb: As for :meth:`Branch.forward`.

        Returns:
            A prediction per view.
        """
        sizes, kept = [len(view) for view in views], [number < labeled for number in range(len(views))]
        if self.batch_statistics == 'separate':  # else only labeled views move the statistics that inference uses
            kept = [True] * len(views)
        together = self.batch_statistics == 'merged'
        with nullcontext() if together else separate_views(network, sizes, kept):
            return network(torch.cat(views) if len(views) > 1 else views[0], perturb).split(sizes)

    def label_views(self, network: Union[Branch, Teacher], *views: Tensor, mode: str) -> List[Prediction]:
        """Predict unlabeled views to make labels from, without a gradient.

        Args:
            network: One of the method's networks.
            *views: Images of each view, ``(B_k, 3, H, W)``.
            mode: Mode of the network during the call, see :func:`~mmseg_ssl.models.label_modes.labeling_mode`.

        Returns:
            A prediction per view.
        """
        with labeling_mode(network, mode):
            return self.predict_views(network, *views, labeled=0)

    def show(self, network: str, **parts: Any) -> None:
        """Show onlookers what a network says or is taught in this step; without any, nothing is done.

        A method may call it several times a step, as the parts come up. What a part costs to compute, nobody should
        pay who does not look: such a part is a function without arguments. What is shown may be kept only in part:
        onlookers take what they need at once, so that no memory is held.

        Args:
            network: Name of one of the method's networks.
            **parts: Some of

                - ``says``: what labels are made from: a :class:`Prediction`, probabilities ``(B, C, H, W)`` or a
                  ``Vote``, of the ``image`` of the same call, else of the weak view
                - ``image``, ``pred``: ``(B, 3, H, W)`` that the network learns on, its :class:`Prediction` of it
                - ``target``, ``valid``: the :class:`PixelTarget` that it learns, ``(B, H, W)`` pixels that could be
                - ``mix``: how pixels were moved since the weak view, a function of a map
                - ``scribbles``: the image is labeled, and these are its scribbles
                - any other name: a map ``(B, H, W)`` to draw, of what the network says or, in other calls, learns
        """
        for onlooker in self.onlookers:
            onlooker(network, parts)

    def two_batches(self, weak: Tensor) -> Tuple[Tensor, Tensor]:
        """Return the two independent unlabeled batches u0, u1 of a method that mixes them."""
        if len(weak) % 2:
            raise BatchError(
                f'{type(self).__name__} mixes two unlabeled batches; the batch has {len(weak)} images. '
                'Set unlabeled_per_labeled=2 in train_dataloader.dataset.'
            )
        first, second = weak.chunk(2)
        return first, second

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = 'tensor') -> Any:
        """Run the model as mmseg does, with a clear error for a missing view or a batch that no network takes."""
        if mode == 'loss':
            missing = [view for view in self.views if not isinstance(inputs, dict) or view not in inputs]
            if missing:
                have = tuple(inputs) if isinstance(inputs, dict) else type(inputs).__name__
                raise BatchError(
                    f'{type(self).__name__} needs the views {self.views}; the batch has {have}. '
                    'Train on a SemiDataset with unlabeled images and, for "strong", add '
                    'strong=dict(type="StrongAugment") to the data_preprocessor; for several strong views, a dict of '
                    'such configs by view.'
                )
            for name in self.networks:
                if not isinstance(getattr(self, name), Branch):
                    getattr(self, name).require_started()
        with readable_torch_errors(list(inputs.values()) if isinstance(inputs, dict) else [inputs]):
            if mode == 'loss':
                self.show('', inputs=inputs, samples=data_samples)
                with fresh_casts():  # a method labels under no_grad before it trains the same weights
                    if self.labeled_alone:
                        branches = {name: self.branch(name) for name in self.trained()}
                        return labeled_losses(branches, inputs['sup'], data_samples['sup'])
                    return self.ramped(self.loss(inputs, data_samples))
            return super().forward(inputs, data_samples, mode)

    def ramped(self, losses: LossDict) -> LossDict:
        """Multiply losses of pixels without a label by :attr:`unsup_scale` and :attr:`unsup_factor`."""
        scale = self.unsup_scale * self.unsup_factor  # a tensor: 0 leaves every weight a gradient, which DDP waits for
        return {key: value * scale if is_unlabeled_loss(key) else value for key, value in losses.items()}
