"""Rows of the matrix of configs."""

from dataclasses import dataclass, field
from typing import Any, Dict, Tuple

Leaf = Dict[str, Any]
"""Settings of a config file by their top-level name. Texts may contain ``{net}``, ``{data}`` and ``{list}``."""


class Code(str):
    """Python code that is written into a config file as it is, such as ``Code('_base_.localizer')``."""


@dataclass(frozen=True)
class Network:
    """A network by its short name.

    Args:
        base: Its file in ``configs/_base_/networks``.
        title: Its name in tables.
        padded: Pad its crops to the dataset's ``crop_size``; otherwise to a multiple of the stride.
        leaf: Settings of every config with this network.
    """

    base: str
    title: str
    padded: bool = True
    leaf: Leaf = field(default_factory=dict)


@dataclass(frozen=True)
class Data:
    """A dataset with its lists of labeled images (or amounts of scribbles).

    Args:
        title: Its name in tables.
        training: Its name in ``metafile.yml``; none if the dataset cannot be downloaded.
        lists: Names of the lists; the first config is written in full, the others inherit from it.
        select: Setting of ``train_dataloader`` that chooses a list; ``{file}`` is the list's file.
        files: File of each list, in which ``{list}`` is its name.
        full: File of the list ``full``: all images are labeled.
        base_list: The one that the dataset's base has, so that a config need not say it.
    """

    title: str
    training: str
    lists: Tuple[str, ...]
    files: str
    full: str = ''
    select: Leaf = field(default_factory=lambda: dict(dataset=dict(split='{file}')))
    base_list: str = ''


@dataclass(frozen=True)
class Recipe:
    """A dataset with a schedule, as a paper has it.

    Args:
        data: Short name of the data.
        dataset: File in ``configs/_base_/datasets``.
        schedule: File in ``configs/_base_/schedules``.
        batch: Labeled images per step, over all processes.
        networks: Short names.
        only_variants: Networks that some variants have, and no plain config.
        length: Key of the schedule's ``iters``, often ``'{list}'``; without it the schedule has one length.
        group: Name by which a method refers to several recipes.
        leaf: Settings of every config of the recipe.
    """

    data: str
    dataset: str
    schedule: str
    batch: int
    networks: Tuple[str, ...]
    length: str = ''
    group: str = ''
    leaf: Leaf = field(default_factory=dict)
    only_variants: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Variant:
    """Further configs of a method, whose names end in ``_<name>``.

    Args:
        name: The ending.
        leaf: Changed settings.
        data: Short names of its datasets.
        lists: Its lists; all if empty.
        networks: Its networks; those of the recipe if empty.
        of: Name of the variant that it inherits from; the plain config if empty.
        bases: Further files in ``configs/_base_``, by network.
        whole: It is written in full instead; there may be no plain config.
        note: Comment in such a config: what a paper says about it.
        batch: Labeled images per step, if not the recipe's.
    """

    name: str
    leaf: Leaf
    data: Tuple[str, ...]
    lists: Tuple[str, ...] = ()
    networks: Tuple[str, ...] = ()
    of: str = ''
    bases: Dict[str, str] = field(default_factory=dict)
    whole: bool = False
    note: str = ''
    batch: int = 0


@dataclass(frozen=True)
class Method:
    """A method with all of its configs.

    Args:
        folder: Below ``configs``.
        type: Class of the model.
        title: Its name in tables.
        paper: Title and address.
        recipes: Recipes with which it is run.
        leaf: Settings of every config; ``model`` holds the method's options.
        on: Name of a group or of data, or ``<data>_<list>`` -> what configs there say beyond that. Later ones win.
        lists: Data, or ``'<network> <data>'`` -> lists, where they are not the data's.
        bases: Network -> further files in ``configs/_base_``.
        variants: Further configs.
        prefix: Beginning of its configs' names; the folder if empty.
        results: README with our results, from the method's folder.
    """

    folder: str
    type: str
    title: str
    paper: Tuple[str, str]
    recipes: Tuple[Recipe, ...]
    leaf: Leaf = field(default_factory=dict)
    on: Dict[str, Leaf] = field(default_factory=dict)
    lists: Dict[str, Tuple[str, ...]] = field(default_factory=dict)
    bases: Dict[str, str] = field(default_factory=dict)
    variants: Tuple[Variant, ...] = ()
    prefix: str = ''
    results: str = '../README.md'
