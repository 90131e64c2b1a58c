"""PseudoLabel: what is written beforehand is what teaches."""

import copy

import pytest
import tiny
import torch
import torch.nn.functional as F

from mmseg_ssl.models import PseudoLabel


def images(batch=1, height=2, width=3):
    return torch.zeros(batch, 3, height, width)


def sample(label, confidence):
    result = tiny.sample(0)
    maps = torch.tensor([label, confidence], dtype=torch.uint8)
    result.set_data(dict(pseudo_sem_seg=tiny.PixelData(data=maps)))
    return result


def test_target_by_hand():
    """Confidence 51 is 0.2, 255 is 1; below the threshold 0.5 there is no label, and none where the tool left 255."""
    written = sample([[0, 1, 255], [2, 3, 0]], [[255, 51, 255], [204, 128, 127]])
    model = tiny.build('PseudoLabel', threshold=0.5)
    label, _ = model.written_target([written], images())
    assert label.tolist() == [[[0, 255, 255], [2, 3, 255]]]  # 127 / 255 is below a half
    label, weight = tiny.build('PseudoLabel').written_target([written], images())
    assert label.tolist() == [[[0, 1, 255], [2, 3, 0]]]
    assert (weight == 1).all()


def test_smaller_maps_are_padded_with_no_label():
    label, _ = tiny.build('PseudoLabel').written_target([sample([[0, 1]], [[255, 255]])], images())
    assert label.tolist() == [[[0, 1, 255], [255, 255, 255]]]


def test_the_loss_is_the_mean_over_labeled_pixels():
    """A slow loop over the pixels of the strong views: CE, divided by the number of pixels that have a label."""
    model = tiny.build('PseudoLabel', unsup_weight=2.0).eval()
    data = model.data_preprocessor(tiny.batch(), True)
    generator = torch.Generator().manual_seed(0)
    for item in data['data_samples']['weak']:
        item.pseudo_sem_seg.data[1] = torch.randint(0, 256, (32, 32), generator=generator)
    losses = model.loss(data['inputs'], data['data_samples'])
    logits = model.student(data['inputs']['strong']).logits.detach()
    total, count = 0.0, 0
    for one, item in zip(logits, data['data_samples']['weak']):
        label = item.pseudo_sem_seg.data[0]
        for row, col in (label != 255).nonzero().tolist():
            total += F.cross_entropy(one[None, :, row, col], label[row, col][None].long()).item()
            count += 1
    assert losses['unsup.loss_pseudo'].item() == pytest.approx(2 * total / count, rel=1e-4)
    assert losses['unsup.kept'].item() == pytest.approx(count / logits[:, 0].numel())


def test_what_is_written_teaches():
    """Other labels, another loss: the contract tests only see that ground truth is not read."""
    model = tiny.build('PseudoLabel')
    state, data = copy.deepcopy(model.state_dict()), tiny.batch()
    before = tiny.loss_of(model, data)['unsup.loss_pseudo']
    data['data_samples']['weak'][0].pseudo_sem_seg.data[0] = 0
    model.load_state_dict(state)
    assert tiny.loss_of(model, data)['unsup.loss_pseudo'] != before


def test_no_label_at_all_is_zero_with_a_zero_gradient():
    model = tiny.build('PseudoLabel', threshold=1.0)  # the batch is sure to 200 / 255
    losses = tiny.loss_of(model, tiny.batch())
    assert losses['unsup.loss_pseudo'] == 0 and losses['unsup.kept'] == 0
    losses['unsup.loss_pseudo'].backward()
    assert all(p.grad is None or p.grad.abs().max() == 0 for p in model.parameters())


def test_errors_tell_the_fix():
    with pytest.raises(ValueError, match='threshold is a probability'):
        tiny.build('PseudoLabel', threshold=1.5)
    data = tiny.batch()
    del data['data_samples']['weak'][1].pseudo_sem_seg
    with pytest.raises(ValueError, match='PseudoLabeledImages'):
        tiny.loss_of(tiny.build('PseudoLabel'), data)
    assert PseudoLabel.views == ('sup', 'weak', 'strong')
