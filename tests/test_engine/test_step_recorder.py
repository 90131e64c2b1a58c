"""What a step is seen as: the first images in their colors, and who says and learns what."""

import tiny
import torch
from mmengine.structures import PixelData

from mmseg_ssl.engine import StepRecorder


def test_a_step_of_fixmatch():
    """Colors come back from their normalization; the mask of what is taught is mixed as its image is; the first
    labeled image is predicted by its own call, not by that of the labels.
    """
    model = tiny.build('FixMatch', cutmix=dict(prob=1.0))
    data, shown, calls = tiny.batch(), [], []
    data['inputs']['weak'][0] = data['inputs']['weak'][0][..., :20]
    for number, sample in enumerate(data['data_samples']['weak']):
        mask = torch.arange(32 * 32).view(1, 32, 32) % 50 + 50 * number
        sample.set_data(dict(hidden_sem_seg=PixelData(data=mask.to(torch.uint8))))
    truth = torch.cat([sample.hidden_sem_seg.data for sample in data['data_samples']['weak']]).long()
    model.onlookers.append(lambda network, parts: shown.append(parts))
    model.student.register_forward_hook(lambda module, inputs, output: calls.append(output.logits.argmax(dim=1)))
    with StepRecorder(model) as recorder:
        tiny.loss_of(model, data)
    sight, learned = recorder.sight, shown[-1]
    seen = sight.networks['student']

    for view in ('sup', 'weak'):
        raw = data['inputs'][view][0].float()
        torch.testing.assert_close(sight.views[view][..., : raw.shape[2]], raw, rtol=0, atol=1e-3)
    assert sight.inside['weak'][:, :20].all() and not sight.inside['weak'][:, 20:].any() and sight.inside['sup'].all()
    assert sight.names == dict(sup='0.png', weak='2.png')
    assert torch.equal(sight.truth, data['data_samples']['sup'][0].gt_sem_seg.data[0])
    assert len(calls) == 2 and torch.equal(sight.labeled['student'], calls[1][0])
    assert torch.equal(seen.says, calls[0][0]) and seen.said_of is None  # the weak view

    moved = learned['mix'](truth)[0]
    assert torch.equal(seen.truth, moved) and not torch.equal(moved, truth[0])
    assert torch.equal(seen.pred, calls[1][2]) and torch.equal(seen.valid, learned['valid'][0])
    assert torch.equal(seen.label, learned['target'].label[0])
    back = model.data_preprocessor.denormalize(learned['image'])[0]
    torch.testing.assert_close(seen.image, back)


def test_a_teacher_that_sees_no_labeled_image_predicts_none():
    model = tiny.build('MeanTeacher')
    with StepRecorder(model) as recorder:
        tiny.loss_of(model, tiny.batch())
    assert set(recorder.sight.labeled) == {'student'}
