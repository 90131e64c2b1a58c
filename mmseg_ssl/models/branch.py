"""Branch: a whole mmseg segmentor with side heads."""

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from ..ops import class_logits, log_odds
from ..structures import Prediction
from .decoding import classifier_of, decode, decode_losses
from .network_checks import check_embedding, check_network, refuse_heads
from .side_heads import SideHeads

Perturbation = Callable[[Sequence[Any]], Tuple[Any, ...]]


class Branch(BaseModule):
    """Any mmseg ``EncoderDecoder`` (backbone, neck, decode heads, auxiliary heads), and named side heads.

    It returns one :class:`Prediction` per call and reuses the host's losses for labeled images, so class weights,
    hard-pixel samplers and auxiliary heads of the segmentor's config apply.

    A decode head with one channel for two classes (``num_classes=2, out_channels=1``, trained by a sigmoid) predicts
    two logits here, see :func:`~mmseg_ssl.ops.class_logits`: a method sees the same as from two channels. The host's
    losses and its inference keep the one channel. Its ``threshold`` moves ``pred_sem_seg`` alone: a network
    teaches its likelier class. A sigmoid for each of several classes (``use_sigmoid=True``, one channel per class)
    works, too. Methods see the softmax of the logits, whose largest class is the host's prediction. Its confidence is
    not what was trained, so thresholds on it need other values.

    Of a cascade (``CascadeEncoderDecoder``: OCRNet, PointRend) the last head predicts, and all are trained by labels;
    of a head with several outputs (DANet, EncNet, DDRNet, PIDNet, K-Net) the one that the host predicts with.

    Args:
        segmentor: Config of an ``EncoderDecoder``; it keeps its own ``train_cfg`` and ``test_cfg``.
        side_heads: Configs by name, see :class:`SideHeads`.
        needs_embedding: Whether the method reads the embedding itself.
        init_cfg: As in mmengine.

    Raises:
        NetworkError: The segmentor is not an ``EncoderDecoder`` with heads of logits per pixel, has one class, or a
            head with one channel whose loss does not train it; or the embedding is read and there is none.
    """

    def __init__(
        self,
        segmentor: dict,
        side_heads: Optional[Dict[str, dict]] = None,
        needs_embedding: bool = False,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        refuse_heads(segmentor)
        self.segmentor = MODELS.build(segmentor)
        check_network(self.segmentor)
        classifier = classifier_of(self.segmentor.decode_head)
        self.side_heads = SideHeads(side_heads, classifier, self.num_classes)
        check_embedding(self.segmentor.decode_head, self.side_heads, needs_embedding)

    @property
    def num_classes(self) -> int:
        """Return the number of classes ``C``."""
        return self.segmentor.num_classes

    @property
    def align_corners(self) -> bool:
        """Return whether the head's maps are resized with aligned corners."""
        return self.segmentor.align_corners

    def forward(self, images: Tensor, perturb: Optional[Perturbation] = None) -> Prediction:
        """Predict a batch.

        Args:
            images: ``(B, 3, H, W)``, normalized.
            perturb: Perturbs the encoder's levels before the decode head, auxiliary heads and side heads see them, e.g.
                channel dropout of a part of the batch; the number of images stays.

        Returns:
            Logits of every class at the size of the images (contiguous fp32, also under autocast), embedding, features
            and side maps.
        """
        size = images.shape[2:]
        feats = self.segmentor.extract_feat(images)
        if perturb is not None:
            feats = perturb(feats)
        decoded = decode(self.segmentor.decode_head, feats, size, self.segmentor.test_cfg)
        # contiguous at the head's stride, where it costs little: a softmax over channels of channels-last logits would
        # copy all of them, once in every target and loss
        logits = self._resize(class_logits(decoded.logits.float()).contiguous(), size)
        side = self.side_heads.maps(decoded.embedding, logits, self.align_corners)
        return Prediction(logits, decoded.embedding, feats, side, decoded.outputs)

    def host_logits(self, pred: Prediction) -> Tensor:
        """Return the channels of the decode head, as the host's own code expects them: ``(B, 1 or C, H, W)``."""
        return log_odds(pred.logits) if self.segmentor.out_channels == 1 else pred.logits

    def supervised_loss(self, pred: Prediction, samples: List[SegDataSample]) -> Dict[str, Tensor]:
        """Compute the host's losses of the decode head and of the auxiliary heads, and those of side heads.

        Args:
            pred: Prediction of the labeled images.
            samples: Their samples, with ``gt_sem_seg`` int64 of shape ``(1, H, W)``.

        Returns:
            The host's dict, e.g. ``loss_ce``, ``acc_seg``, ``aux.loss_ce``.
        """
        parts = self.host_logits(pred), pred.outputs, pred.feats, samples
        losses = decode_losses(self.segmentor.decode_head, *parts, self.segmentor.train_cfg)
        if self.segmentor.with_auxiliary_head:
            losses.update(self.segmentor._auxiliary_head_forward_train(pred.feats, samples))
        if self.side_heads:
            label = torch.cat([sample.gt_sem_seg.data for sample in samples])
            losses.update(self.side_heads.losses(pred, label))
        return losses

    def _resize(self, values: Tensor, size: torch.Size) -> Tensor:
        if values.shape[2:] == size:
            return values
        return resize(values, size=size, mode='bilinear', align_corners=self.align_corners)
