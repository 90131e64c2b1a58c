"""Configs of the public codes: the options that they set are those whose loss is compared with the public equation."""

from pathlib import Path
from typing import Any, Dict

import pytest
from mmengine.config import Config
from plain_cases import CASES

FOLDER = Path(__file__).resolve().parents[2] / 'configs'
RELEASES = sorted(path for path in FOLDER.glob('*/*_release*.py') if path.parent.name != '_base_')
VALUES = {
    'dueb_r50_voc_1-8_release': 'DUEB-ReleaseAleatoric-ReleaseEnergyTerm',
    'dueb_r50_voc_1-8_release_uncertainty': 'DUEB-ReleaseAleatoric-None',
    'dueb_r50_voc_1-8_release_energy': 'DUEB-None-ReleaseEnergyTerm',
    'eln_r50_voc-eln_1-20_release': 'ELN-release',
    'mean_teacher_r50_voc_1-8_release': 'MeanTeacher-release',
    'cpcl_r50_voc_1-8_release': 'CPCL',
    'cps_r50_voc_1-8_release': 'CPS-cutmix',
}
"""The case of ``tests/plain_cases.py`` whose value is the public code's."""
# the plain network has no BatchNorm to see it by; drawn fewer times, or gated at other losses, for the batch at hand
ELSEWHERE = {'batch_statistics', 'aleatoric.num_samples', 'slack', 'unsup_weight', 'projection', 'cutmix'}


def flat(options: Dict[str, Any], prefix: str = '') -> Dict[str, Any]:
    """Options by their dotted path; networks and views are not options of the step."""
    result = {}
    for key, value in options.items():
        if (
            key in ('segmentor', 'data_preprocessor', 'backbone', 'decode_head', 'predict_on')
            or not prefix
            and key == 'type'
        ):
            continue
        nested = isinstance(value, dict) and value
        result.update(flat(value, f'{prefix}{key}.') if nested else {f'{prefix}{key}': value})
    return result


def comparable(options: Dict[str, Any]) -> Dict[str, Any]:
    """Options of the step but those that are looked at elsewhere."""
    skipped = ('localizer.type', 'predict_correctness')
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in flat(options).items()
        if key not in skipped and key not in ELSEWHERE and key.split('.')[0] not in ELSEWHERE
    }


def test_every_release_has_a_value():
    assert {path.stem for path in RELEASES} == set(VALUES)


@pytest.mark.parametrize('path', RELEASES, ids=lambda path: path.stem)
def test_its_options_are_those_whose_value_is_known(path):
    case = CASES[VALUES[path.stem]]
    model = Config.fromfile(str(path), import_custom_modules=False).model.to_dict()
    assert model['type'] == case.method
    assert comparable(model) == comparable(case.options)


@pytest.mark.parametrize('path', RELEASES, ids=lambda path: path.stem)
def test_every_batch_has_its_own_statistics(path):
    """The public codes call a network per batch, and running statistics follow all of them."""
    assert Config.fromfile(str(path), import_custom_modules=False).model.batch_statistics == 'separate'


def test_both_networks_of_mean_teacher_see_one_crop():
    (path,) = (path for path in RELEASES if path.stem.startswith('mean_teacher'))
    strong = Config.fromfile(str(path), import_custom_modules=False).model.data_preprocessor.strong
    assert strong.jitter_prob == strong.grayscale_prob == strong.blur_prob == 0


def test_the_student_of_eln_is_overwritten_every_epoch():
    (path,) = (path for path in RELEASES if path.stem.startswith('eln'))
    hooks = {hook.type: hook for hook in Config.fromfile(str(path), import_custom_modules=False).custom_hooks}
    assert hooks['ELNStageHook'].reset_interval == 266
    assert 'semi' in hooks['ELNStageHook'].starts
