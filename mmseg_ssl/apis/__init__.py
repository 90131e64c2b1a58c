"""Python API of trained networks: ``model = load('work_dirs/my_config'); result = model('photo.jpg')``."""

from .classes import dataset_meta
from .load import load, load_model
from .network import TrainedNetwork
from .run_folder import find_run
from .segmentation import Segmentation

__all__ = ['Segmentation', 'TrainedNetwork', 'dataset_meta', 'find_run', 'load', 'load_model']
