"""Writes the two config files of a project: its choices with their reasons, and its data."""

from typing import Any, Dict, List, Optional, Tuple

from ..config_text import WIDTH, statement
from ..matrix import Code
from .labels import Labels
from .lists import by_folder, list_name, mixed
from .network_settings import segmentor_of
from .recipe import Recipe
from .sides import Sides

HERE = '{{ fileDirname }}'
BASE = 'mmseg_ssl::_base_/'
STEPS = """resize = dict(type='RandomResize', {resize}scale=scale, ratio_range={ratio}, keep_ratio=True)
shape = [resize, dict(type='RandomCrop', crop_size=crop_size), dict(type='RandomFlip', prob=0.5)]
labeled_pipeline = [load, labels, *shape, dict(type='PackSemiInputs')]
unlabeled_pipeline = [load, *shape, dict(type='PackSemiInputs')]
# Labels after Resize: the prediction is resized to the mask, never the mask to the prediction.
test_pipeline = [load, dict(type='Resize', scale=scale, keep_ratio=True), labels, {pack}]
sizes = [(int(scale[0] * share), int(scale[1] * share)) for share in (0.75, 1.0, 1.25)]
views = [[dict(type='Resize', scale=size, keep_ratio=True) for size in sizes]]
views += [[dict(type='RandomFlip', prob=prob, direction='horizontal') for prob in (0.0, 1.0)]]
tta_pipeline = [load, dict(type='TestTimeAug', transforms=[*views, [labels], [{pack}]])]
"""
LOADERS = """train_dataloader = dict(
    batch_size={batch},
    num_workers={workers},
    persistent_workers={persistent},
    sampler=dict(type='SemiSampler'),
    collate_fn=dict(type='semi_collate'),
    dataset=dict(
        type='SemiDataset',
        split='{here}/splits/labeled.txt',
        labeled=dict(masked, pipeline=labeled_pipeline),
        unlabeled={unlabeled},
        unlabeled_per_labeled={per_labeled},
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers={workers},
    persistent_workers={persistent},
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(masked, ann_file='{here}/splits/val.txt', pipeline=test_pipeline),
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='SemiIoUMetric', iou_metrics=['mIoU']), dict(type='CalibrationMetric')]
test_evaluator = val_evaluator
"""
METHODS = dict(
    DUEB=[
        "terms = dict(unsup_weight={weight}, aleatoric=dict(sample_stride=2), energy=dict(type='EnergyWeighting'))",
        "model = dict(terms, type='DUEB', segmentor=_base_.segmentor, predict_on=('conservative', 'progressive'))",
        "custom_hooks = [dict(type='UnsupRampHook', begin=0.1625, end=0.325)]",
    ],
    UniMatchV2=[
        "strong = dict(strong1=dict(type='StrongAugment'), strong2=dict(type='StrongAugment'))",
        'options = dict(threshold=0.95, data_preprocessor=dict(size=_base_.crop_size, strong=strong))',
        "model = dict(options, type='UniMatchV2', segmentor=_base_.segmentor, predict_on=('student', 'teacher'))",
        "custom_hooks = [dict(type='MeanTeacherHook', momentum=0.004)]",
    ],
    SoftSelfLabeling=[
        'solved = dict(only_seeded_classes=True)  # False if images show classes that they have no scribble of',
        "solved.update(eta=1.0, potts_weight=400.0, bandwidth=50.0, solver='multiplicative')",
        "model = dict(type='SoftSelfLabeling', segmentor=_base_.segmentor, self_labeling=solved)",
        "custom_hooks = [dict(type='StageHook', starts=dict(pretrain=0, full=0.2))]  # scribbles alone come first",
    ],
    Supervised=["model = dict(type='Supervised', segmentor=_base_.segmentor)"],
)


def config_text(recipe: Recipe, sides: Sides, labels: Labels) -> str:
    """Return ``config.py``: what was chosen, and why, in at most 15 lines.

    Args:
        recipe: The choices.
        sides: The images.
        labels: The classes.
    """
    width, height = recipe.scale.value
    size = f'{width}x{height}, crops {recipe.crop.value[1]}x{recipe.crop.value[0]}: {recipe.scale.why}'
    lines = [
        f'# {recipe.method.value}, {len(labels.classes)} classes: {recipe.method.why}',
        '_base_ = [',
        f"    '{BASE}networks/{recipe.network.value}',  # {recipe.network.why}",
        f"    './data.py',  # {size}",
        f"    '{BASE}schedules/{recipe.schedule}',",
        f"    '{BASE}default_runtime.py',",
        ']',
        f'# {recipe.loss.why}; {recipe.norm.value}: {recipe.norm.why}',
        *(line.replace('{weight}', str(recipe.unsup_weight)) for line in METHODS[recipe.method.value]),
        f'train_dataloader = dict(batch_size={recipe.batch.value})  # {recipe.batch.why}',
        f'train_cfg = dict(max_iters={recipe.iterations.value}, val_interval=0.25)  # {recipe.iterations.why}',
        f"work_dir = '{HERE}/run'",
    ]
    if 'dinov2' in recipe.network.value:
        lines[1:1] = ["custom_imports = dict(imports=['mmseg_ssl', 'mmpretrain.models'])"]
    return '\n'.join(lines) + '\n'


def data_text(
    recipe: Recipe, sides: Sides, labels: Labels, masks: Tuple[str, str], deep: Optional[int], workers: int, found: bool
) -> str:
    """Return ``data.py``: folders, lists, classes, and what is made of an image.

    Args:
        recipe: The choices.
        sides: The images.
        labels: The classes.
        masks: Folder of the masks, and what follows an image's id in their names.
        deep: Largest value of images with more than 8 bits; None if there are none.
        workers: Processes that load images.
        found: True if the weights that the network's config names are on this machine.
    """
    photo = sides.labeled[0]
    suffix = photo.suffix if not mixed([*sides.labeled, *sides.val]) else ''
    prefix = dict(img_path=str(photo.folder), seg_map_path=masks[0])
    masked = dict(img_suffix=suffix, seg_map_suffix=masks[1], data_prefix=prefix, metainfo=Code('names'))
    weights = (recipe.loss.value or {}).get('class_weight')
    sets = unlabeled_sets(sides)
    unlabeled = sets[0] if len(sets) == 1 else dict(type='ConcatDataset', datasets=sets)
    loaders = LOADERS.format(
        batch=recipe.batch.value, workers=workers, persistent=workers > 0, here=HERE, per_labeled=recipe.per_labeled,
        unlabeled='without_masks' if recipe.per_labeled else 'None',
    )  # fmt: skip
    lines = [
        '# The data as `mmseg-ssl new` found them; config.py has the choices, data.html shows everything.',
        f'scale, crop_size = {recipe.scale.value}, {recipe.crop.value}  # {recipe.crop.why}',
        *packed('classes', [repr(name) for name in labels.classes]),
        *packed('palette', [repr(color) for color in labels.palette]),
        *statement('names', dict(classes=Code('classes'), palette=Code('palette'))),
        *statement('masked', dict(type='BaseSegDataset', **masked)),
        *(packed('class_weight', [str(weight) for weight in weights]) if weights else []),
        *statement('segmentor', segmentor_of(recipe, labels, found)),
        '',
        *_steps(recipe, labels, deep),
        *(statement('without_masks', unlabeled) if recipe.per_labeled else []),
        loaders,
    ]
    return '\n'.join(lines)


def _steps(recipe: Recipe, labels: Labels, deep: Optional[int]) -> List[str]:
    """Return the pipelines."""
    scribbled = labels.loader is not None
    load = dict(type='LoadDeepImage', max_value=deep) if deep else dict(type='LoadImageFromFile')
    loader = dict(type='LoadScribbles' if scribbled else 'LoadAnnotations', **(labels.loader or {}))
    steps = STEPS.format(
        pack="dict(type='PackSemiInputs')" if scribbled else "dict(type='PackSegInputs')",
        resize="resize_type='ResizeScribbles', " if scribbled else '',
        ratio=recipe.ratio,
    )
    return [*statement('load', load), *statement('labels', loader), steps]


def unlabeled_sets(sides: Sides) -> List[Dict[str, Any]]:
    """Return the datasets of images without masks, one per folder."""
    sets = []
    for number, some in enumerate(by_folder(sides.unlabeled)):
        sets.append(
            dict(
                type='UnlabeledImages',
                img_suffix='' if mixed(some) else some[0].suffix,
                data_prefix=dict(img_path=str(some[0].folder)),
                ann_file=f'{HERE}/splits/{list_name(number)}',
                pipeline=Code('unlabeled_pipeline'),
            )
        )
    return sets


def packed(name: str, items: List[str]) -> List[str]:
    """Write the assignment of a list with as many items per line as fit."""
    lines = ['    ']
    for item in items:
        if len(lines[-1]) + len(item) > WIDTH - 2:
            lines.append('    ')
        lines[-1] += f'{item}, '
    inside = [line.rstrip() for line in lines]
    whole = f'{name} = [{", ".join(items)}]'
    return [whole] if len(whole) <= WIDTH else [f'{name} = [', *inside, ']']
