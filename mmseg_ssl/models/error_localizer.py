"""A network that finds the errors of a prediction (ELN, Kwon & Kwak, CVPR 2022, arXiv 2204.02078)."""

import copy
from typing import Any, Dict, Optional

import torch
from mmengine.model import BaseModule
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn

from ..ops import likeliest, masked_mean, normalized_entropy
from ..structures import IGNORE_INDEX, PixelTarget
from ..targets import located
from ..utils.choices import one_of
from .batch_checks import BatchError
from .losses import balanced_binary_cross_entropy
from .losses.error_localization import BALANCE_MODES

LOCALIZER_INPUTS = ('probs', 'logits')
STEMS = ('fresh', 'inflated')
PRIORS = ('none', 'confidence')
PRIOR_EPS = 1e-4  # probabilities of exactly 1 are common in bf16; no output could outweigh their infinite logit
NORM = dict(type='BN', requires_grad=True)
BACKBONE = dict(type='ResNet', depth=34, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), norm_cfg=NORM)
DECODE_HEAD = dict(
    type='DepthwiseSeparableASPPHead',
    in_channels=512,
    in_index=3,
    channels=256,
    dilations=(1, 6, 12, 18),
    c1_in_channels=64,
    c1_channels=48,
    dropout_ratio=0.1,
    norm_cfg=NORM,
)


@MODELS.register_module()
class ErrorLocalizer(BaseModule):
    r"""Error localization network: judges pixel by pixel whether a prediction is right (ELN, 2022, eq. 4 to 6).

    Its inputs are the image, the prediction :math:`P` and the entropy of the prediction, all without a gradient, its
    output one logit per pixel, high where :math:`\arg\max P` is believed to be the label.

    Args:
        num_classes: ``C``; the method fills it in.
        backbone: Config of any mmseg backbone, whose first convolution is widened to take image, prediction and
            entropy. ResNet-34 at stride 16 by default.
        stem: Initialization of that convolution when the backbone is pretrained: ``'fresh'``, random as in the paper's
            public code, or ``'inflated'``, pretrained for the image and 0 for prediction and entropy. In a short
            training, the pretrained layers behind it are of use only with the latter.
        decode_head: Config of an mmseg decode head, without ``num_classes``; DeepLabV3+'s by default.
        inputs: Form in which it sees the prediction, ``'probs'`` or ``'logits'``.
        prior: What its output is added to: ``'none'``, as in the paper, or ``'confidence'``, the logit of the
            prediction's largest probability, times a learned scale that starts at 1. Then it starts near the confidence
            baseline and learns to correct it; starting from nothing takes more iterations than a short run has.
        balance: Balance right and wrong pixels per ``'image'`` or per ``'batch'``, each of one prediction.
        ignored_as_wrong: Count pixels of label 255 as wrong, as the public code does; by default they do not count.
        image_channels: Channels of an image.
        init_cfg: As in mmengine.

    Raises:
        ValueError: If an option is unknown, or no convolution of the backbone takes an image.
    """

    def __init__(
        self,
        num_classes: int,
        backbone: Optional[dict] = None,
        decode_head: Optional[dict] = None,
        stem: str = 'fresh',
        inputs: str = 'probs',
        prior: str = 'none',
        balance: str = 'image',
        ignored_as_wrong: bool = False,
        image_channels: int = 3,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        one_of(STEMS, stem=stem)
        one_of(PRIORS, prior=prior)
        self.backbone = MODELS.build(copy.deepcopy(backbone or BACKBONE))
        first = _widen_first_convolution(self.backbone, image_channels + num_classes + 1)
        if stem == 'inflated' and image_channels == 3:  # pretrained weights are those of RGB
            first._register_load_state_dict_pre_hook(_inflate, with_module=True)
        self.decode_head = MODELS.build(
            dict(copy.deepcopy(decode_head or DECODE_HEAD), **self._outputs(num_classes)),
        )
        self.prior_scale = nn.Parameter(torch.ones(())) if prior == 'confidence' else None
        self.inputs, self.image_channels = one_of(LOCALIZER_INPUTS, inputs=inputs), image_channels
        self.balance, self.ignored_as_wrong = one_of(BALANCE_MODES, balance=balance), ignored_as_wrong

    @staticmethod
    def _outputs(num_classes: int) -> dict:
        """Return the head's options of its output: two classes in one channel, as the host has them."""
        return dict(num_classes=2, out_channels=1, threshold=0.5)

    @staticmethod
    def _prior(probs: Tensor) -> Tensor:
        """Return the prediction's own confidence, in the channels and the scale of the output."""
        return probs.amax(dim=1, keepdim=True).logit(PRIOR_EPS)

    def forward(self, images: Tensor, logits: Tensor) -> Tensor:
        """Judge a prediction.

        Args:
            images: ``(B, 3, H, W)``, normalized.
            logits: ``(B, C, H, W)``, the prediction; it gets no gradient.

        Returns:
            ``(B, 1, H, W)`` logits of "right", fp32.

        Raises:
            BatchError: If the images have other channels.
        """
        if images.shape[1] != self.image_channels:
            raise BatchError(
                f'the localizer takes images of {self.image_channels} channels, the batch has {images.shape[1]}. Set '
                f'model.localizer.image_channels={images.shape[1]}.'
            )
        # detached: a prediction must not learn to please its judge
        logits = logits.detach().float()
        probs = logits.softmax(dim=1)
        seen = probs if self.inputs == 'probs' else logits
        inputs = torch.cat([images, seen, normalized_entropy(probs)[:, None]], dim=1)
        feats = self.backbone(inputs)
        # a backbone of one level returns a bare tensor
        output = self.decode_head((feats,) if isinstance(feats, Tensor) else feats).float()
        output = resize(output, images.shape[2:], mode='bilinear', align_corners=self.decode_head.align_corners)
        return output if self.prior_scale is None else output + self.prior_scale * self._prior(probs)

    def correctness(self, output: Tensor, logits: Tensor) -> Tensor:
        """Return the probability that the prediction is right.

        Args:
            output: What :meth:`forward` returned.
            logits: The prediction it was given.

        Returns:
            ``(B, H, W)`` in ``[0, 1]``.
        """
        return output.detach().squeeze(1).sigmoid()

    def target(self, output: Tensor, logits: Tensor, threshold: float) -> PixelTarget:
        """Label pixels with the argmax of the prediction where its correctness exceeds the threshold (eq. 9).

        Args:
            output: What :meth:`forward` returned.
            logits: The prediction it was given.
            threshold: In ``[0, 1]``.

        Returns:
            Label and weight ``(B, H, W)``.
        """
        return located(logits.detach().softmax(dim=1), self.correctness(output, logits), threshold)

    def loss(self, output: Tensor, logits: Tensor, label: Tensor, inside: Tensor) -> Dict[str, Tensor]:
        """Compute the mean of eq. 5 over pixels of labeled images; eq. 6 sums it over predictions.

        Args:
            output: What :meth:`forward` returned.
            logits: The prediction it was given.
            label: ``(B, H, W)`` int64, 255 ignored.
            inside: ``(B, H, W)`` bool, which pixels are image and not padding.

        Returns:
            ``loss_detection``, and ``wrong``: the share of valid pixels that are predicted wrong.
        """
        valid = inside if self.ignored_as_wrong else inside & (label != IGNORE_INDEX)
        correct = likeliest(logits)[1] == label
        loss = balanced_binary_cross_entropy(output.squeeze(1), correct, valid, self.balance)
        wrong = masked_mean((~correct).float(), over=valid)
        return dict(loss_detection=masked_mean(loss, over=valid), wrong=wrong)


def _widen_first_convolution(backbone: nn.Module, channels: int) -> nn.Conv2d:
    """Widen the first convolution of a backbone in place; few of the host's backbones have an option for it."""
    for module in backbone.modules():
        # the first one that takes an image: some backbones begin with other layers, or take more channels by an option
        if isinstance(module, nn.Conv2d) and module.in_channels in (3, channels) and module.groups == 1:
            module.in_channels = channels
            kernel = (module.out_channels, channels, *module.kernel_size)
            module.weight = nn.Parameter(module.weight.new_empty(kernel))
            module.reset_parameters()
            return module
    raise ValueError(
        f'ErrorLocalizer needs a backbone whose first convolution takes an image, got {type(backbone).__name__}.'
    )


def _inflate(module: nn.Conv2d, state_dict: Dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Pad pretrained weights of RGB images to the widened convolution before they are loaded."""
    weight = state_dict.get(f'{prefix}weight')
    if weight is not None and weight.shape[1] == 3:
        missing = weight.new_zeros(len(weight), module.in_channels - 3, *weight.shape[2:])
        state_dict[f'{prefix}weight'] = torch.cat([weight, missing], dim=1)
