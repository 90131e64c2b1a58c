"""Methods that know nothing of scribbles train on them: everything without a label is 255 to their losses."""

import copy

import pytest
import tiny
import torch
import torch.nn.functional as F
from mmengine.optim import OptimWrapper
from mmengine.structures import PixelData

from mmseg_ssl.structures import IGNORE_INDEX


def scribble(data: dict, keep: slice) -> dict:
    """Leave the labels of some columns; the void rows of ``tiny`` stay void."""
    for sample in data['data_samples']['sup']:
        mask = sample.gt_sem_seg.data
        unlabeled = mask != IGNORE_INDEX
        unlabeled[..., keep] = False
        mask[unlabeled] = IGNORE_INDEX
        sample.set_data(dict(unlabeled_mask=PixelData(data=unlabeled)))
    return data


def test_the_supervised_loss_is_the_mean_over_the_scribbles():
    """Partial cross-entropy: -mean over S of ln sigma^ybar, by hand."""
    model = tiny.build('Supervised').eval()  # no dropout
    data = model.data_preprocessor(scribble(tiny.batch(ratio=0), slice(4, 7)), True)
    losses = model(**data, mode='loss')
    truth = torch.stack([sample.gt_sem_seg.data[0] for sample in data['data_samples']['sup']])
    logits = model.student(data['inputs']['sup']).logits
    seeds = truth != IGNORE_INDEX
    assert seeds.sum() == 2 * 28 * 3  # 28 rows are not void
    expected = -logits.log_softmax(1).gather(1, truth.clamp(max=3)[:, None])[:, 0][seeds].mean()
    torch.testing.assert_close(losses['sup.loss_ce'], expected)
    torch.testing.assert_close(expected, F.cross_entropy(logits, truth, ignore_index=IGNORE_INDEX))


@pytest.mark.parametrize('method', ['Supervised', 'MeanTeacher', 'CPCL'])
@pytest.mark.parametrize('keep', [slice(4, 7), slice(0, 0)], ids=['scribbles', 'none in the crop'])
def test_a_step_on_scribbles_and_unlabeled_images(method, keep):
    model = tiny.build(method)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.05))
    before = copy.deepcopy(model.state_dict())
    logs = model.train_step(scribble(tiny.batch(), keep), wrapper)
    assert all(value.isfinite().all() for value in logs.values())
    assert all(value.isfinite().all() for value in model.state_dict().values())
    if keep.stop or method != 'Supervised':
        assert any(not torch.equal(before[key], value) for key, value in model.named_parameters())
