"""What a plan's trainings reach on classes with few labels: groups of each list's own, by hand."""

import cv2
import numpy as np
import pytest
from load_tool import load_tool
from test_comparison import DUEB, FULL, SUPERVISED, run_of
from test_results import block
from test_run_benchmark import write_plan

from mmseg_ssl.tooling.class_groups import class_group_report, groups_of
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.run_records import add_records
from mmseg_ssl.tooling.trainings.plan import read_plan

MASKS = {  # two lists of three images of four pixels; 255 is no class
    'a': ([0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 2, 255]),
    'b': ([2, 2, 2, 2], [2, 2, 2, 3], [2, 3, 3, 0]),
}
IOUS = {  # of four classes, on list a and on list b
    'supervised_mbv2_camvid_8': ([80, 60, 40, 20], [10, 30, 70, 50]),
    'dueb_mbv2_camvid_8': ([82, 66, 50, 20], [20, 30, 74, 52]),
    'mean_teacher_mbv2_camvid_8': ([80, 60, 41, 20], [10, 30, 70, 50]),
    'dueb_mbv2_camvid_8+control': ([1, 1, 1, 1], [1, 1, 1, 1]),
    'supervised_mbv2_camvid_full': ([90, 90, 80, 70],),
    'supervised_mbv2_camvid_full+control': ([1, 1, 1, 1],),  # a variant is no row, nor a reason for a table
}


@pytest.fixture
def plan(tmp_path):
    (tmp_path / 'masks').mkdir()
    for name, masks in MASKS.items():
        (tmp_path / f'{name}_draw0.txt').write_text('\n'.join(f'{name}{k}' for k in range(len(masks))))
        for k, mask in enumerate(masks):
            cv2.imwrite(str(tmp_path / 'masks' / f'{name}{k}.png'), np.array(mask, np.uint8).reshape(2, 2))
    mean_teacher = DUEB.replace('dueb', 'mean_teacher')
    table = dict(trainings=[SUPERVISED, DUEB, f'{DUEB} + control', mean_teacher], seeds=[0], ceiling=FULL)
    table['lists'] = [str(tmp_path / f'{name}_draw0.txt') for name in MASKS]
    ceiling = dict(trainings=[FULL, f'{FULL} + control'], lists=['camvid/train.txt'], seeds=[0])
    return write_plan(tmp_path / 'plan.toml', ceiling, table)


def made(plan):
    runs, seen = [], {}
    for job in read_plan(plan):
        values = IOUS[job.training][seen.setdefault(job.training, 0)]
        seen[job.training] += 1
        network = f'{job.networks[0]}/' if len(job.networks) > 1 else ''
        scores = {f'{network}IoU.c{k}': float(value) for k, value in enumerate(values)}
        # another network's scores beside them, which do not count
        runs.append(run_of(job, 50.0, 50.0)._replace(metrics=dict(mIoU=50.0, **{'other/IoU.c0': 0.0}, **scores)))
    return runs


def rows(text):
    return [[cell.strip() for cell in line.split('|')[2:-1]] for line in text.splitlines() if line.startswith('| ')]


def test_the_table_by_hand(plan, tmp_path):
    """List a: class 0 is in three images, 1 in two, 2 in one, 3 in none. List b: 0 in one, 1 in none, 2 in three, 3 in
    two. Of four classes the rarest third are two: by pixels 3 and 2 of a (none, one), 1 and 0 of b (none, one).

    Supervised, one image: (40 + 20 + 10 + 30) / 4 = 25; two: (60 + 50) / 2; more: (80 + 70) / 2. DUEB on the rarest
    third: 35 - 30 and 25 - 20; on a, mean teacher is half a point above supervised. All labels, in the groups of both
    lists: (80 + 70 + 90 + 90) / 4.
    """
    text = class_group_report(made(plan), plan, tmp_path / 'masks', 'mean_teacher')
    head, *lines = rows(text)
    groups = ['in one image (2)', 'in two (1)', 'in more (1)', 'rarest third (2)']
    assert head == ['method', 'runs', *groups, 'minus Supervised', 'minus Mean teacher (student)']
    half = '0.25 ± 0.25: too few runs'
    assert lines == [
        ['Supervised', '2', '25.00', '55.00', '75.00', '25.00', '', f'-{half}'],
        ['DUEB (conservative)', '2', '30.00', '59.00', '78.00', '30.00']
        + ['+5.00 ± 0.00: too few runs', '+4.75 ± 0.25: too few runs'],
        ['Mean teacher (student)', '2', '25.25', '55.00', '75.00', '25.25', f'+{half}', ''],
        ['Supervised', '1', '82.50', '80.00', '85.00', '82.50', '', ''],
    ]


def test_groups():
    """Ties in pixels go by the index, so that the table never changes by itself."""
    images, pixels = np.array([0, 1, 2, 3, 9, 2, 1]), np.array([0, 5, 5, 5, 5, 5, 4])
    groups = groups_of(images, pixels, np.ones(7, bool))
    assert [list(group) for group in groups] == [[0, 1, 6], [2, 5], [3, 4], [0, 6, 1]]
    groups = groups_of(images, pixels, images > 0)  # of six classes the rarest third are two
    assert [list(group) for group in groups] == [[1, 6], [2, 5], [3, 4], [6, 1]]


def test_a_class_without_an_iou_is_left_out(plan, tmp_path):
    """It is in no image of the test set, and a network that never predicts it has none.

    Nobody has one of class 1: the rarest third of three classes is one, class 3 of a (20 and 20) and 0 of b (20 and
    10). If only supervised has one on b, the rarest third of b is two, classes 1 and 0, of which DUEB has one: 20
    against (10 + 30) / 2. DUEB has none of class 3 on b either: none of those in two images.
    """
    draws = [str(tmp_path / f'{name}_draw0.txt') for name in MASKS]

    def table(*absent):
        runs = []
        for run in made(plan):
            gone = [f'IoU.c{k}' for draw, method, k in absent if (draw, method) == (run.draw, run.method)]
            scores = {key: np.nan if key.split('/')[-1] in gone else value for key, value in run.metrics.items()}
            runs.append(run._replace(metrics=scores))
        return {line[0]: line[2:7] for line in rows(class_group_report(runs, plan, tmp_path / 'masks'))}

    methods = 'supervised', 'dueb', 'mean_teacher'
    found = table(*((draw, method, 1) for draw in draws for method in methods))['DUEB (conservative)']
    assert found == ['30.00', '52.00', '78.00', '20.00', '+5.00 ± 5.00: too few runs']
    rest = [(draws[0], method, 1) for method in methods]
    found = table(*rest, (draws[1], 'dueb', 1), (draws[1], 'dueb', 3))['DUEB (conservative)']
    assert found == ['30.00', '-', '78.00', '20.00', '+0.00 ± 0.00: too few runs']


def test_without_runs_or_masks(plan, tmp_path):
    assert not rows(class_group_report([], plan, tmp_path / 'masks'))
    only_the_other = [run for run in made(plan) if 'control' in run.provenance['variant']]
    assert only_the_other and not rows(class_group_report(only_the_other, plan, tmp_path / 'masks'))
    with pytest.raises(UserError, match='nowhere: no folder of masks.* Get the data first'):
        class_group_report([], plan, tmp_path / 'nowhere')


def test_the_block_of_a_readme_names_plan_and_masks(plan, tmp_path):
    records, readme = tmp_path / 'runs.jsonl', tmp_path / 'README.md'
    add_records(records, made(plan))
    readme.write_text(block('groups', '').replace(':begin', f':begin plan={plan} masks={tmp_path / "masks"}'))
    load_tool('results').main(['--records', str(records), '--readme', str(readme)])
    assert class_group_report(made(plan), plan, tmp_path / 'masks') in readme.read_text()
