"""Tests that should notice an error, by its file."""

from pathlib import Path
from typing import Dict, List, Optional, Tuple

FOLDERS = ('segmentors', '', 'losses')
"""Folders in which a file of a name is looked for, in ``mmseg_ssl/models``."""
VALUES: Dict[str, Tuple[str, ...]] = {
    'aleatoric_terms': ('cpcl',),
    'auxiliary_decoders': ('eln',),
    'base': ('fixmatch', 'cps', 'cpcl', 'farcluss'),
    'collaborative_labels': ('cpcl',),
    'confident_labels': ('fixmatch',),
    'consistency': ('teacher',),
    'cpcl': ('cpcl',),
    'cps': ('cps',),
    'cutmix_seg': ('teacher',),
    'dueb': ('cpcl',),
    'eln': ('eln',),
    'eln_warmup': ('eln',),
    'energy_margins': ('cpcl',),
    'energy_terms': ('cpcl',),
    'farcluss': ('farcluss',),
    'fixmatch': ('fixmatch',),
    'hard_self_labeling': ('graph_cut',),
    'located_cps': ('cps',),
    'mean_teacher': ('teacher', 'self_labeling'),
    'potts_regularized': ('potts',),
    'pseudo_label': ('teacher',),
    'scribble_mean_teacher': ('self_labeling',),
    'scribble_supervised': ('potts', 'tree_energy'),
    'scribble_labels': ('self_labeling', 'graph_cut'),
    'soft_self_labeling': ('self_labeling',),
    'supervised': ('teacher',),
    'tree_energy': ('tree_energy',),
    'unimatch_v1': ('fixmatch',),
    'unimatch_v2': ('fixmatch',),
}
"""Value tests by file; a method's own cases, or all if it is a part of several."""
CONTRACTS = tuple(f'tests/contracts/test_{name}.py' for name in ('unsup_scale', 'kept_statistics', 'what_is_shown'))
"""Tried next on a method's file."""
PARTS: Dict[str, Tuple[str, ...]] = {
    'branch': ('test_models/test_branch.py', '-k', 'corners'),
    'data_preprocessor': ('test_models/test_preprocessing.py', '-k', 'ordinary'),
    'datasets/checks/scale_rules': ('test_datasets/test_checks_views.py',),
    'datasets/checks/view_rules': ('test_datasets/test_checks_views.py',),
    'datasets/data_summary': ('test_datasets/test_data_summary.py', '-k', 'without_a_list'),
    'energy': ('test_losses/test_energy.py', '-k', 'reliability'),
    'energy_loss': ('test_losses/test_head_losses.py', '-k', 'by_hand'),
    'engine/bf16_optim_wrapper': ('test_models/test_bf16.py',),
    'engine/check_run_hook': ('test_engine/test_check_run_hook.py', '-k', 'stages or method or resumed or at_once'),
    'engine/layer_decay': ('test_engine/test_layer_decay.py', '-k', 'by_name'),
    'engine/mean_teacher_hook': ('test_models/test_mean_teacher.py', '-k', 'steps'),
    'engine/merged_optim_wrapper': ('test_engine/test_merged_optim_wrapper.py', '-k', 'checkpoint_goes'),
    'engine/paramwise_rules': ('test_engine/test_run_rules.py', '-k', 'rates or keys'),
    'engine/partial_gradients': ('test_engine/test_sharded_parts.py', '-k', 'wait'),
    'engine/run_length': ('test_engine/test_check_run_hook.py', '-k', 'within'),
    'engine/run_rules': ('test_engine/test_run_rules.py',),
    'engine/sharded_model': ('test_engine/test_sharded_parts.py',),
    'engine/restarted_poly': ('test_engine/test_supervised_start.py', '-k', 'rate'),
    'engine/step_recorder': ('test_engine/test_step_recorder.py',),
    'engine/supervised_start_hook': ('test_engine/test_supervised_start.py', '-k', 'part'),
    'engine/taught_counts': ('test_engine/test_taught_hook.py', '-k', 'by_hand'),
    'engine/taught_hook': ('test_engine/test_taught_hook.py', '-k', 'not a_run'),
    'engine/weights_hook': ('test_engine/test_weights_hook.py',),
    'evaluation/calibration_metric': ('test_evaluation/test_calibration_metric.py', '-k', 'bins'),
    'evaluation/error_localization_metric': ('test_evaluation/test_error_localization_metric.py', '-k', 'exceed'),
    'evaluation/known_classes_metric': ('test_evaluation/test_known_classes_metric.py',),
    'evaluation/uncertainty_metric': (
        'test_ops/test_by_hand.py',
        'tests/test_evaluation/test_uncertainty_metric.py',
        '-k',
        'doubts or choice or kept',
    ),
    'frozen_teacher': ('test_models/test_frozen_teacher.py', '-k', 'not a_run'),
    'hard_pixels': ('test_losses/test_hard_pixels.py',),
    'heteroscedastic_loss': ('test_losses/test_head_losses.py', '-k', 'variance'),
    'judge': ('test_models/test_error_localizer.py', '-k', 'within_each'),
    'label_modes': ('test_models/test_label_modes.py',),
    'loss_dicts': (
        'contracts/test_methods.py',
        'tests/test_models/test_fixmatch_values.py',
        '-k',
        'labeled_images_alone or FixMatch',
    ),
    'ops/affinity': ('test_ops/test_by_hand.py', '-k', 'color'),
    'ops/dense_neighborhood': ('test_ops/test_by_hand.py', '-k', 'cells'),
    'ops/potts': ('test_ops/test_by_hand.py', '-k', 'potts'),
    'ops/precision': ('contracts/test_autocast.py', '-k', 'Soft'),
    'ops/trust': ('test_ops/test_trust.py',),
    'potts_cost': ('test_losses/test_potts_cost.py', '-k', 'diagonals or cells'),
    'potts_loss': ('test_models/test_potts_loss.py', '-k', 'hands'),
    'prototype_contrast': ('test_models/test_prototype_contrast.py', '-k', 'repelled'),
    'side_heads/variance_head': ('test_models/test_branch.py', '-k', 'teaches'),
    'targets/dense_self_labeling': ('test_targets/test_dense_self_labeling.py', '-k', 'two_cells'),
    'targets/graph_cut_labels': ('test_targets/test_graph_cut_labels.py',),
    'teacher_networks': ('test_models/test_frozen_teacher.py', '-k', 'checkpoint or learned'),
    'tooling/class_table': ('test_tools/test_class_table.py',),
    'tooling/communication': ('test_tools/test_communication.py',),
    'tooling/label_run': ('test_tools/test_pseudo_label.py', '-k', 'parts'),
    'tooling/option_names': ('test_tools/test_option_names.py',),
    'tooling/paired': ('test_tools/test_comparison.py', '-k', 'gap'),
    'tooling/pseudo_labeler': ('test_tools/test_pseudo_label.py', '-k', 'trust'),
    'tooling/trainings/plan': ('test_tools/test_run_benchmark.py', '-k', 'follow_the_seed'),
    'unread_settings': ('test_models/test_unread_settings.py',),
    'visualization/step_panels': ('test_visualization',),
}
"""Fast tests of what is no method, by file in ``mmseg_ssl/models`` or ``mmseg_ssl``; only errors by hand are made."""
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
UNUSED = ('predict', 'predictors', 'with_neck', 'branch', 'inference_of', 'extract_feat', 'encode_decode')
"""Functions that no loss comes from."""


def path_of(root: Path, name: str) -> Optional[Path]:
    """The file of a method, of a part or of a loss, or one with its folder; None if there is none."""
    package = root / 'mmseg_ssl'
    paths = [*(package / 'models' / folder / f'{name}.py' for folder in FOLDERS), package / f'{name}.py']
    return next((path for path in paths if path.is_file()), None)


def methods_of(path: Path) -> List[str]:
    """Methods that a file defines; none if it is a part."""
    if path.parent.name != 'segmentors' or path.stem == 'base':
        return []
    return [line.split('(')[0].split()[-1] for line in path.read_text().split('\n') if line.startswith('class ')]
