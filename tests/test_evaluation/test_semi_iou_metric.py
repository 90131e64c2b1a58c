"""SemiIoUMetric: the host's metric for every network, from one pass."""

import cv2
import pytest
import tiny
import torch
from mmseg.evaluation import IoUMetric

from mmseg_ssl.evaluation import SemiIoUMetric
from mmseg_ssl.evaluation.semi_iou_metric import scores_by_class

CLASSES = ('a', 'b', 'c', 'd')


def predictions(seed, names=()):
    """A sample's dict as the evaluator hands it over; ignored pixels, and a prediction for each name."""
    generator = torch.Generator().manual_seed(seed)

    def labels():
        return dict(data=torch.randint(0, 4, (1, 9, 9), generator=generator))

    result = dict(gt_sem_seg=labels(), pred_sem_seg=labels(), img_path=f'{seed}.png')
    result['gt_sem_seg']['data'][0, 0] = 255
    for index, name in enumerate(names):
        result[f'pred_sem_seg_{name}'] = labels() if index else result['pred_sem_seg']
    return dict(result, predicted_by=names)


def evaluate(metric, samples):
    metric.dataset_meta = dict(classes=CLASSES)
    for sample in samples:
        metric.process({}, [sample])
    return metric.evaluate(len(samples))


def test_metric_of_one_network_is_the_hosts():
    samples = [predictions(seed) for seed in range(3)]
    ours, host = evaluate(SemiIoUMetric(), samples), evaluate(IoUMetric(), samples)
    assert {key: value for key, value in ours.items() if 'IoU.' not in key} == host
    per_class = [ours[f'IoU.{name}'] for name in CLASSES]
    assert sum(per_class) / 4 == pytest.approx(ours['mIoU'], abs=0.02)


def test_metric_of_two_networks_from_one_pass():
    """``student/mIoU`` and ``teacher/mIoU`` are what two passes of the host's metric would give."""
    samples = [predictions(seed, ('teacher', 'student')) for seed in range(3)]
    ours = evaluate(SemiIoUMetric(), samples)
    for name in ('student', 'teacher'):
        own = [dict(sample, pred_sem_seg=sample[f'pred_sem_seg_{name}']) for sample in samples]
        for key, value in evaluate(IoUMetric(), own).items():
            assert ours[f'{name}/{key}'] == value
    assert ours['student/mIoU'] != ours['teacher/mIoU']


def test_the_first_network_has_the_plain_names_too():
    """``save_best='mIoU'`` and early stopping mean the first of ``predict_on``, which need not be first by name."""
    samples = [predictions(seed, ('teacher', 'student')) for seed in range(3)]
    ours = evaluate(SemiIoUMetric(), samples)
    assert {key: value for key, value in ours.items() if '/' not in key} == evaluate(IoUMetric(), samples)
    assert ours['mIoU'] == ours['teacher/mIoU'] != ours['student/mIoU']
    assert next(iter(ours)) == 'aAcc'  # what save_best='auto' takes


def test_the_metric_scores_what_a_model_predicts():
    """Through the samples' own dicts, as the runner's evaluator passes them."""
    model = tiny.build('MeanTeacher', predict_on=('student', 'teacher')).eval()
    samples = [tiny.sample(i, torch.randint(0, 4, (1, 32, 32))) for i in range(2)]
    results = [result.to_dict() for result in model.predict(torch.randn(2, 3, 32, 32), samples)]
    metrics = evaluate(SemiIoUMetric(), results)
    assert {'student/mIoU', 'teacher/mIoU'} <= set(metrics)


def mask(path):
    return torch.from_numpy(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)).long()


def test_files_of_one_name_in_two_folders_stay_apart(tmp_path):
    samples = [dict(predictions(seed), img_path=f'img/{folder}/0.png') for seed, folder in enumerate('ab')]
    evaluate(SemiIoUMetric(output_dir=str(tmp_path), image_root='img'), samples)
    for sample, folder in zip(samples, 'ab'):
        assert torch.equal(mask(tmp_path / folder / '0.png'), sample['pred_sem_seg']['data'][0])
    with pytest.raises(ValueError, match=r'img/a/0.png and img/b/0.png would both be written to 0.png.*image_root'):
        evaluate(SemiIoUMetric(output_dir=str(tmp_path)), samples)


def test_every_network_has_a_folder_of_masks(tmp_path):
    names = ('conservative', 'progressive')
    one = dict(predictions(0, names), reduce_zero_label=True)
    metrics = evaluate(SemiIoUMetric(output_dir=str(tmp_path)), [one])
    for name in names:  # as in the files of the dataset, whose class 0 is void
        assert torch.equal(mask(tmp_path / name / '0.png'), one[f'pred_sem_seg_{name}']['data'][0] + 1)
    assert metrics == evaluate(SemiIoUMetric(), [one])


def test_files_alone_need_no_labels(tmp_path):
    one = predictions(0)
    del one['gt_sem_seg']
    assert not evaluate(SemiIoUMetric(output_dir=str(tmp_path), format_only=True), [one])
    assert torch.equal(mask(tmp_path / '0.png'), one['pred_sem_seg']['data'][0])


def test_scores_by_class_by_hand():
    """Two images: class a is 6 of 10 labeled pixels, 4 of them found, among 5 that are called so; nothing of c."""
    images = [
        [torch.tensor(values) for values in ([3.0, 1.0, 0.0], [5.0, 3.0, 0.0], [4.0, 2.0, 0.0], [4.0, 2.0, 0.0])],
        [torch.tensor(values) for values in ([1.0, 2.0, 0.0], [2.0, 3.0, 0.0], [1.0, 3.0, 0.0], [2.0, 2.0, 0.0])],
    ]
    found = scores_by_class(['a', 'b', 'c'], images)
    assert found['a'] == dict(pixels=60.0, IoU=round(400 / 7, 2), accuracy=round(400 / 6, 2), precision=80.0)
    assert found['b'] == dict(pixels=40.0, IoU=50.0, accuracy=75.0, precision=60.0)
    assert found['c'] == dict(pixels=0.0, IoU=None, accuracy=None, precision=None)
