"""Which tests should notice an error in which file."""

from pathlib import Path
from typing import Dict, Tuple

SEGMENTORS = 'mmseg_ssl/models/segmentors'
VALUES: Dict[str, Tuple[str, ...]] = {
    'base': ('fixmatch', 'cps', 'cpcl'),
    'cpcl': ('cpcl',),
    'cps': ('cps',),
    'cutmix_seg': ('teacher',),
    'dueb': ('cpcl',),
    'eln': ('eln',),
    'eln_warmup': ('eln',),
    'energy_margins': ('cpcl',),
    'farcluss': ('farcluss',),
    'fixmatch': ('fixmatch',),
    'hard_self_labeling': ('graph_cut',),
    'located_cps': ('cps',),
    'mean_teacher': ('teacher', 'self_labeling'),
    'potts_regularized': ('potts',),
    'pseudo_label': ('teacher',),
    'scribble_mean_teacher': ('self_labeling',),
    'scribble_supervised': ('potts', 'tree_energy'),
    'self_labeling': ('self_labeling', 'graph_cut'),
    'soft_self_labeling': ('self_labeling',),
    'supervised': ('teacher',),
    'tree_energy': ('tree_energy',),
    'unimatch_v1': ('fixmatch',),
    'unimatch_v2': ('fixmatch',),
}
"""Value tests by file; of the cases of its own method, if it is one."""
SHARED = ('base', 'energy_margins', 'scribble_supervised', 'self_labeling')
"""Files whose value tests are those of other methods."""
OTHERS: Dict[str, Tuple[str, ...]] = {
    'cpcl': ('test_mean_teacher', 'test_predict'),
    'cps': ('test_cps',),
    'cutmix_seg': ('test_cutmix_seg',),
    'eln': ('test_eln',),
    'eln_warmup': ('test_eln',),
    'farcluss': ('test_farcluss',),
    'fixmatch': ('test_fixmatch', 'test_unimatch'),
    'located_cps': ('test_cps',),
    'mean_teacher': ('test_mean_teacher',),
    'pseudo_label': ('test_pseudo_label_method',),
    'unimatch_v1': ('test_unimatch',),
    'unimatch_v2': ('test_unimatch',),
}
"""Further tests of the models by file; those of the scribble methods if not given."""
UNUSED = ('forward', 'predict', 'predictors', 'with_neck', 'branch', 'inference_of', 'extract_feat', 'encode_decode')
"""Functions that no loss comes from."""


def path_of(root: Path, name: str) -> Path:
    """A method's file, or that of a part in ``models``."""
    path = root / SEGMENTORS / f'{name}.py'
    return path if path.is_file() else path.parents[1] / path.name
