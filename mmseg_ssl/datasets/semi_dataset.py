"""One dataset that returns a labeled crop with its unlabeled companions, and the collate function for it."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from mmengine.dataset import BaseDataset
from mmengine.registry import FUNCTIONS
from mmengine.structures import PixelData
from mmseg.registry import DATASETS

from ..errors import DatasetError
from ..utils.random import fold, seeded
from .apply_split import build_labeled, build_unlabeled
from .hidden_masks import HiddenMasks
from .pipelines import find_failed_step, refuse_mask_steps, require_same_orientation
from .splits import find_split

Views = Dict[str, List[Any]]


class Draw(NamedTuple):
    """An item of :class:`SemiSampler`: indices of the images, and the seed of every random choice for them."""

    labeled: int
    unlabeled: Tuple[int, ...]
    seed: int


@DATASETS.register_module()
class SemiDataset:
    """Labeled and unlabeled images behind one index, each decoded once per draw.

    Image ``k`` of a draw (0 is the labeled one, 1 and up the unlabeled ones) runs through its pipeline with all random
    generators seeded by ``fold(draw.seed, k)``. So an item is a function of the draw only: the stream is the same for
    any number of workers and after a resume. The same number becomes the metainfo ``seed``, for the choices that are
    made later on the device (strong views, CutMix boxes).

    Args:
        labeled: Config of an mmseg dataset with masks, or the built dataset.
        unlabeled: Config of a dataset of images, or the built dataset; usually :class:`UnlabeledImages`. ``None``
            trains on labeled images only.
        unlabeled_per_labeled: Unlabeled images per labeled one.
        split: List of labeled ids (see :func:`find_split`). The labeled set holds exactly these images and the
            unlabeled one none of them, so one line in a leaf config changes the labeled subset. It sets
            ``labeled.ann_file`` where that names no list, and ``unlabeled.exclude`` where that is not set. Protocols
            that keep labeled images among the unlabeled ones write ``unlabeled=dict(exclude='')``.
        hidden_masks: Compare what is taught with masks of the unlabeled images (of scribbled images, with their full
            masks): True if they lie where those of the labeled ones do, or their folder. Nothing trains on them; an
            image is decoded twice. See ``TaughtHook``.

    Raises:
        DatasetError: A split or an image folder is missing, a split contradicts the config of the sets or cannot be
            applied to them, a step of the unlabeled pipeline reads masks, or the ratio is negative.
    """

    def __init__(
        self,
        labeled: Union[dict, BaseDataset],
        unlabeled: Optional[Union[dict, BaseDataset]] = None,
        unlabeled_per_labeled: int = 1,
        split: Optional[str] = None,
        hidden_masks: Union[bool, str] = False,
    ) -> None:
        if unlabeled_per_labeled < 0:
            raise DatasetError(f'unlabeled_per_labeled must be 0 or more, got {unlabeled_per_labeled}.')
        self.split = find_split(split) if split else None
        self.labeled = build_labeled(labeled, self.split)
        if not self.labeled.metainfo.get('classes'):
            raise DatasetError(
                'The labeled dataset has no classes. Give their names in the order of the mask values: '
                "labeled=dict(metainfo=dict(classes=('ground', 'wall'), palette=[[0, 0, 0], [128, 0, 0]]), ...), and "
                'the same in val_dataloader and test_dataloader.'
            )
        self.unlabeled = None
        if unlabeled is not None and unlabeled_per_labeled > 0:
            self.unlabeled = build_unlabeled(unlabeled, self.split, self.labeled)
            refuse_mask_steps(self.unlabeled)
            require_same_orientation(self.labeled, self.unlabeled, ('labeled', 'unlabeled'))
        self.unlabeled_per_labeled = unlabeled_per_labeled if self.unlabeled is not None else 0
        self.hidden_masks: Dict[str, HiddenMasks] = {}  # by view
        if hidden_masks:
            view, images = ('sup', self.labeled) if self.unlabeled is None else ('weak', self.unlabeled)
            folder = hidden_masks if isinstance(hidden_masks, str) else ''
            self.hidden_masks[view] = HiddenMasks(images, self.labeled, folder)

    @property
    def metainfo(self) -> dict:
        """Classes and palette of the labeled dataset."""
        return self.labeled.metainfo

    def full_init(self) -> None:
        """Load both lists of images; mmengine calls this before it starts workers."""
        for dataset in (self.labeled, self.unlabeled):
            if dataset is not None:
                dataset.full_init()
        for masks in self.hidden_masks.values():
            masks.require()

    def __len__(self) -> int:
        """Number of labeled images."""
        return len(self.labeled)

    def __getitem__(self, draw: Draw) -> Dict[str, Dict[str, Any]]:
        """Load one draw.

        Args:
            draw: From :class:`SemiSampler`.

        Returns:
            ``{'inputs': {'sup': image, 'weak': [image] * r}, 'data_samples': {'sup': sample, 'weak': [sample] * r}}``
            with images ``(3, H, W)`` uint8 and a mask only on ``'sup'``; no ``'weak'`` without unlabeled images.

        Raises:
            DatasetError: A file cannot be read; names it.
            TypeError: The index is not a :class:`Draw`.
        """
        if not isinstance(draw, Draw):
            raise TypeError(
                f'SemiDataset is indexed by a Draw(labeled, unlabeled, seed), got {draw!r}. Use '
                "sampler=dict(type='SemiSampler') in the dataloader."
            )
        sup = self._load('sup', draw.labeled, fold(draw.seed, 0))
        item = {key: dict(sup=value) for key, value in sup.items()}
        if draw.unlabeled:
            weak = [self._load('weak', index, fold(draw.seed, k)) for k, index in enumerate(draw.unlabeled, start=1)]
            for key in item:
                item[key]['weak'] = [one[key] for one in weak]
        return item

    def _load(self, view: str, index: int, seed: int) -> Dict[str, Any]:
        """Run one image through its pipeline with seeded random choices."""
        dataset: Any = dict(sup=self.labeled, weak=self.unlabeled)[view]
        try:
            with seeded(seed):
                packed = dataset[index]
        except DatasetError:
            raise
        except Exception as error:
            raise DatasetError(_describe(dataset, index, error)) from error
        packed['data_samples'].set_metainfo(dict(seed=seed))
        if view in self.hidden_masks:
            hidden = PixelData(data=self.hidden_masks[view].load(index, seed, packed['inputs']))
            packed['data_samples'].set_data(dict(hidden_sem_seg=hidden))
        return packed


def _describe(dataset: BaseDataset, index: int, error: Exception) -> str:
    """Name the image that could not be loaded, the step that failed, and the fix."""
    info, step = dataset.get_data_info(index), find_failed_step(dataset, error)
    mask, name = info.get('seg_map_path', 'none'), type(step).__name__
    said = f'{info["img_path"]} (mask: {mask}): {type(error).__name__}: {error}.'
    if step is None or name.startswith('Load'):
        fix = 'python tools/check_dataset.py CONFIG --all decodes every file and lists the bad ones.'
        return f'Could not load {said} {fix}'
    return f'Step {name} of the pipeline failed on {said} Note that unlabeled images have no mask to read.'


@FUNCTIONS.register_module()
def semi_collate(items: Sequence[Dict[str, Dict[str, Any]]]) -> Dict[str, Views]:
    """Batch items of :class:`SemiDataset` by view.

    ``'weak'`` is stream-major: the first B entries are every draw's first unlabeled image, the next B every draw's
    second. So ``weak.chunk(r)`` gives ``r`` independent unlabeled batches, as CPCL and CPS need them.

    Args:
        items: B items with r unlabeled images each.

    Returns:
        ``{'inputs': {'sup': [B], 'weak': [r * B]}, 'data_samples': <the same>}``, all of them lists: the preprocessor
        pads and stacks.
    """
    batch: Dict[str, Views] = {}
    for key in ('inputs', 'data_samples'):
        batch[key] = {'sup': [item[key]['sup'] for item in items]}
        if 'weak' in items[0][key]:
            streams = zip(*(item[key]['weak'] for item in items))
            batch[key]['weak'] = [image for stream in streams for image in stream]
    return batch
