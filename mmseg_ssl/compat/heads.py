"""Patches of the host's decode heads and their losses, see :mod:`mmseg_ssl.compat`."""

from typing import Any, List, Sequence

import torch
import torch.nn.functional as F

from .imports import ops_error


def patch_decode_head_resize() -> None:
    """Spare the copy of full-size logits in ``BaseDecodeHead.loss_by_feat``.

    A branch hands over logits of the size of the labels, and mmseg interpolates them to the size they already have: a
    copy of ``(B, C, H, W)``, the largest tensor of a step, and another one in the backward pass. The values are
    equal to the bit.
    """
    from mmseg.models.decode_heads import decode_head

    resize = decode_head.resize
    if resize.__name__ == 'resize_if_needed':
        return

    def resize_if_needed(input: torch.Tensor, size: Any = None, *args: Any, **kwargs: Any) -> torch.Tensor:
        if size is not None and tuple(input.shape[2:]) == tuple(size):
            return input
        return resize(input, size, *args, **kwargs)

    decode_head.resize = resize_if_needed


def patch_decode_head_accuracy() -> None:
    """Spare the sorting of full-size logits and two waits for the device for ``acc_seg``, which is only logged.

    mmseg finds the likeliest class of every pixel with ``topk``, which takes longer on a CPU than the cross entropy and
    its backward pass, and selects valid pixels with a mask, for which it waits for the device. The value is the same,
    except for a head with one channel for two classes: there mmseg logs the share of background.
    """
    from mmseg.models.decode_heads import decode_head

    from ..ops import class_logits, likeliest  # needs the host, which must be patched first

    accuracy = decode_head.accuracy
    if accuracy.__name__ == 'top1_accuracy':
        return

    def top1_accuracy(pred: torch.Tensor, target: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if args or set(kwargs) != {'ignore_index'} or kwargs['ignore_index'] is None or not len(pred):
            return accuracy(pred, target, *args, **kwargs)
        valid = target != kwargs['ignore_index']
        right = (likeliest(class_logits(pred.detach()))[1] == target) & valid
        eps = torch.finfo(torch.float32).eps  # no valid pixel counts as 100 %, as in mmseg
        return ((right.sum() + eps) * 100 / (valid.sum() + eps)).view(1)

    decode_head.accuracy = top1_accuracy


def patch_binary_cross_entropy() -> None:
    """Let a head with one channel train on images without a label, as scribbles and padding bring them.

    mmseg asserts that the largest valid label is at most 1, which fails where there is no valid label.
    """
    from mmseg.models.losses import cross_entropy_loss

    original = cross_entropy_loss.binary_cross_entropy
    if original.__name__ == 'one_channel_cross_entropy':
        return

    def one_channel_cross_entropy(
        pred: torch.Tensor, label: torch.Tensor, *args: Any, ignore_index: int = -100, **kwargs: Any
    ) -> torch.Tensor:
        if pred.dim() == 4 and pred.shape[1] == 1 < pred.shape[2]:
            if (label.where(label != ignore_index, 0) > 1).any():
                raise ValueError(
                    'A head with one channel is taught the classes 0 and 1, got a mask with class '
                    f'{label.where(label != ignore_index, 0).max()}. tools/check_dataset.py finds the file; for more '
                    'classes drop out_channels=1 and use_sigmoid=True.'
                )
            pred = pred.squeeze(1)  # without its channel, mmseg masks pixels and asserts nothing
        return original(pred, label, *args, ignore_index=ignore_index, **kwargs)

    cross_entropy_loss.binary_cross_entropy = one_channel_cross_entropy


def patch_dpt_levels() -> None:
    """Let ``DPTHead`` read levels that are maps, as backbones without a class token give them, DINOv2's among them.

    mmseg takes every level for a pair of map and token: of a map of two images, one for the map and one for the token.
    """
    from mmseg.models.decode_heads.dpt_head import ReassembleBlocks

    reassemble = ReassembleBlocks.forward
    if reassemble.__name__ == 'reassemble_levels':
        return

    def reassemble_levels(self: Any, inputs: Sequence[Any]) -> List[torch.Tensor]:
        levels = [(level, None) if isinstance(level, torch.Tensor) else level for level in inputs]
        if self.readout_type != 'ignore' and any(token is None for _, token in levels):
            raise ValueError(
                f'DPTHead with readout_type={self.readout_type!r} reads a class token beside each map; the backbone '
                "gives maps alone. Set readout_type='ignore' (the default), or let the backbone return tokens "
                '(VisionTransformer: output_cls_token=True; HuggingFaceBackbone: with_cls_token=True).'
            )
        return reassemble(self, levels)

    ReassembleBlocks.forward = reassemble_levels


def patch_point_sample() -> None:
    """Let PointRend's head run without compiled operators: it needs one of their functions, which is not compiled."""
    from mmseg.models.decode_heads import point_head

    if ops_error():
        point_head.point_sample = point_sample


def point_sample(input: torch.Tensor, points: torch.Tensor, align_corners: bool = False, **kwargs: Any) -> torch.Tensor:
    """Sample maps at points, as ``mmcv.ops.point_sample`` does.

    Args:
        input: ``(B, C, H, W)``.
        points: ``(B, P, 2)``, x and y as shares of width and height.
        align_corners: As in ``F.grid_sample``.
        **kwargs: As for ``F.grid_sample``.

    Returns:
        ``(B, C, P)``.
    """
    return F.grid_sample(input, 2 * points[:, :, None] - 1, align_corners=align_corners, **kwargs).squeeze(3)
