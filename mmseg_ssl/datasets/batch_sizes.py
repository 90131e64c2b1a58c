"""Checks that the sets are large enough for one batch of all processes together."""

import os
from typing import Iterator, Optional

from mmengine.dist import get_world_size, is_distributed


def expected_world_size() -> int:
    """Return the number of processes of this run; before they are connected, from the launcher's environment."""
    if is_distributed():
        return get_world_size()
    names = ('WORLD_SIZE', 'SLURM_STEP_NUM_TASKS', 'OMPI_COMM_WORLD_SIZE')  # torchrun, Slurm, Open MPI
    return next((int(os.environ[name]) for name in names if os.environ.get(name, '').isdigit()), 1)


def size_problems(
    batch_size: int, labeled: int, unlabeled: int, ratio: int, distinct: Optional[int] = None, processes: int = 1
) -> Iterator[str]:
    """Describe what is wrong with the sizes of the two sets.

    Args:
        batch_size: Labeled images per process and step.
        labeled: Size of the labeled set.
        unlabeled: Size of the unlabeled set.
        ratio: Unlabeled images per labeled one; 0 without unlabeled images.
        distinct: Option of the sampler, see :class:`SemiSampler`.
        processes: Number of processes.

    Yields:
        One message per problem, with the fix.
    """
    batch = batch_size * processes
    whole = f'{batch}' if processes == 1 else f'{batch} ({processes} processes with {batch_size} each)'
    if labeled < batch:
        yield (
            f'The labeled set has {labeled} image(s), the batch {whole}: set train_dataloader.batch_size to at most '
            f'{labeled} over all processes, or take a larger list.'
        )
    wanted = batch * ratio
    if unlabeled < wanted:
        yield (
            f'The unlabeled set has {unlabeled} image(s), a batch takes {wanted} of them ({ratio} for each of {whole} '
            'labeled ones), so an image would occur twice in a batch: add unlabeled images, or make '
            'train_dataloader.batch_size or dataset.unlabeled_per_labeled smaller.'
        )
    sure = distinct or unlabeled - unlabeled // 4  # the sampler's default
    if sure < wanted <= unlabeled:
        yield (
            f'A batch takes {wanted} of {unlabeled} unlabeled images, but only {sure} are guaranteed to '
            f'differ: set train_dataloader.sampler.distinct={wanted}.'
        )
