"""Loads trained networks."""

import copy
from pathlib import Path
from typing import Any, Optional, Union

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.runner import CheckpointLoader
from mmseg.registry import MODELS

from ..compat.quiet_host import without_useless_warnings
from ..structures import IGNORE_INDEX
from ..utils.nested import nested_dicts
from ..utils.weights import load_weights
from .classes import dataset_meta
from .network import TrainedNetwork, segmentor_of
from .run_folder import find_run


def load(
    run: Union[str, Path],
    checkpoint: Union[str, Path, None] = None,
    network: Optional[str] = None,
    device: Optional[str] = None,
) -> TrainedNetwork:
    """Load a trained network, ready to predict.

    Only plain values of the checkpoint are read. The run's config is a program: load only runs that you trust.

    Args:
        run: Work dir of a training, an exported folder, or a config (then with ``checkpoint``).
        checkpoint: Another checkpoint than the run's last.
        network: Which network of the method, e.g. ``'teacher'``, or ``'mean'`` of several that train. Default: the
            first of ``predict_on``.
        device: ``'cpu'``, ``'cuda:0'``, ... Default: a GPU if there is one.

    Returns:
        The network: ``result = load('work_dirs/my_config')('photo.jpg')``, see :class:`TrainedNetwork`.

    Raises:
        UserError: A file is missing, or the checkpoint does not fit the config.
        ValueError: There is no such network.
    """
    files = find_run(run, checkpoint)
    cfg = Config.fromfile(str(files.config))
    init_default_scope(cfg.get('default_scope') or 'mmseg')
    where = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    return TrainedNetwork(load_model(cfg, str(files.checkpoint), network, where), cfg, dataset_meta(cfg))


def load_model(cfg: Config, checkpoint: str, network: Optional[str], device: str, allow_missing: bool = False) -> Any:
    """Build the model of a config and load the weights of a checkpoint.

    Raises:
        ValueError: If there is no such network, or it has more than 255 classes.
        WeightsError: If the checkpoint lacks weights.
    """
    config = copy.deepcopy(cfg.model)
    for part in nested_dicts(config):
        part.pop('init_cfg', None)  # the checkpoint has the weights
    with without_useless_warnings():
        model = revert_sync_batchnorm(MODELS.build(config))
    if hasattr(model, 'predictors'):
        model.predict_on = network or model.predictors[0]
        model.predict_on = model.predictors[0]  # raises an error if there is no such network
    elif network:
        raise ValueError(f'the config has one plain mmseg network, so there is no network {network!r}.')
    saved = CheckpointLoader.load_checkpoint(checkpoint, 'cpu', logger='silent')
    load_weights(model, saved, checkpoint, 'predict', allow_missing)
    channels = segmentor_of(model).out_channels
    if channels > IGNORE_INDEX:
        raise ValueError(f'8-bit masks hold {IGNORE_INDEX} classes, the network has {channels}.')
    return model.to(device).eval()
