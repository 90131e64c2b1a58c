"""Check of the host's losses where few pixels are labeled."""

from mmseg.models.losses import CrossEntropyLoss
from torch import nn


def require_mean_over_labeled(network: nn.Module) -> None:
    """Refuse the host's default mean over all pixels, where 3 % of them are labeled.

    Args:
        network: Module that holds the losses.

    Raises:
        ValueError: If a ``CrossEntropyLoss`` lacks ``avg_non_ignore=True``.
    """
    for name, module in network.named_modules():
        of_images = name.endswith('loss_se_decode')  # EncNet's: which classes an image shows
        if isinstance(module, CrossEntropyLoss) and not module.avg_non_ignore and not of_images:
            raise ValueError(
                f'{name} averages over all pixels, but scribbles label a few of them: the loss would depend on their '
                'number. Set loss_decode=dict(avg_non_ignore=True).'
            )
