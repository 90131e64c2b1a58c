"""Cross-entropy of the hard pixels."""

import math
import os
import socket

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from toy_process import server

from mmseg_ssl.models.losses import HardPixelCrossEntropy
from mmseg_ssl.models.losses.hard_pixels import hard_pixels, smallest_of_all


def two_class(*probs):
    """Logits (1, 2, 1, N) whose class 0 has the given probabilities."""
    return torch.tensor([[[[math.log(p) for p in probs]], [[math.log(1 - p) for p in probs]]]], dtype=torch.float64)


def test_pixels_at_most_the_threshold_are_hard():
    logits, label = two_class(0.9, 0.6, 0.2, 0.8), torch.zeros(1, 1, 4, dtype=torch.int64)
    assert hard_pixels(logits, label, 0.7, 1, 255).tolist() == [[[False, True, True, False]]]
    assert hard_pixels(logits, label, 0.7, 3, 255).tolist() == [[[False, True, True, True]]]  # 0.8 is the third least
    assert hard_pixels(logits, label, 0.7, 99, 255).all()
    label[..., 1] = 255
    assert hard_pixels(logits, label, 0.7, 3, 255).tolist() == [[[True, False, True, True]]]


def test_no_smallest_number_leaves_it_to_the_threshold():
    """On one process it was refused in the first step, on several it worked."""
    logits, label = two_class(0.9, 0.6, 0.8), torch.zeros(1, 1, 3, dtype=torch.int64)
    assert hard_pixels(logits, label, 0.7, 0, 255).tolist() == [[[False, True, False]]]
    assert HardPixelCrossEntropy(0.5, min_kept=0)(logits, label) == 0
    assert smallest_of_all(torch.tensor([0.9, 0.6]), 0) == 0


@pytest.mark.parametrize('options', [dict(threshold=70.0), dict(threshold=float('nan')), dict(min_kept=-1)])
def test_numbers_without_a_meaning(options):
    """With a threshold of NaN, no pixel was hard and nothing was learned."""
    with pytest.raises(ValueError, match='threshold is a probability in .* and min_kept at least 0, got'):
        HardPixelCrossEntropy(**options)


def test_hand_derived_value():
    """Hard are p = 0.5 of class 0 (weight 2) and p = 0.25 of class 1 (weight 1): (2 ln 2 + ln 4) / 3 = (4 / 3) ln 2."""
    logits, label = two_class(0.5, 0.75, 0.99), torch.tensor([[[0, 1, 0]]])
    loss = HardPixelCrossEntropy(threshold=0.7, min_kept=1, class_weight=[2.0, 1.0])(logits, label)
    assert loss.item() == pytest.approx(4 / 3 * math.log(2), rel=1e-6)


def test_keeping_everything_is_torchs_weighted_mean():
    logits, label = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
    label[:, 0] = 255
    weights = [0.5, 1.0, 2.0]
    loss = HardPixelCrossEntropy(min_kept=16, class_weight=weights)(logits, label, ignore_index=255, weight=None)
    torch.testing.assert_close(loss, F.cross_entropy(logits, label, torch.tensor(weights), ignore_index=255))


def test_one_channel_for_two_classes():
    """Logit z of class 1, the log-odds of the pair; both classes have their weight."""
    logits, label = torch.randn(2, 2, 4, 4), torch.randint(0, 2, (2, 4, 4))
    label[:, 0] = 255
    loss = HardPixelCrossEntropy(threshold=0.5, min_kept=6, class_weight=[0.5, 2.0])
    torch.testing.assert_close(loss(logits[:, 1:] - logits[:, :1], label), loss(logits, label))


def test_easy_and_ignored_pixels_get_no_gradient():
    logits, label = two_class(0.9, 0.6, 0.2).requires_grad_(), torch.tensor([[[0, 0, 255]]])
    HardPixelCrossEntropy(min_kept=1)(logits, label).backward()
    assert (logits.grad[0, :, 0] != 0).any(dim=0).tolist() == [False, True, False]


def test_no_label_at_all_is_zero_with_zero_gradient():
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = HardPixelCrossEntropy()(logits, torch.full((1, 4, 4), 255))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


@pytest.mark.parametrize('scale', [100.0, -100.0])
def test_extreme_logits_stay_finite(scale):
    logits = scale * torch.eye(3).expand(1, 3, 3).unsqueeze(2)
    assert torch.isfinite(MODELS.build(dict(type='mmseg.HardPixelCrossEntropy'))(logits, torch.tensor([[[0, 1, 2]]])))


def loss_and_gradient(rank, world_size, port, path, min_kept):
    """Of this rank's share of four images, the rank's own logits through one shared factor, as of a network."""
    torch.set_num_threads(1)
    if world_size > 1:
        os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port))
        torch.distributed.init_process_group('gloo', rank=rank, world_size=world_size)
    mine = slice(rank * 4 // world_size, (rank + 1) * 4 // world_size)
    logits, label = four_images()
    scale = torch.ones(3, requires_grad=True)
    loss = HardPixelCrossEntropy(0.5, min_kept, [0.5, 1.0, 2.0])(logits[mine] * scale.view(1, 3, 1, 1), label[mine])
    loss.backward()
    torch.save((loss.detach(), scale.grad), path)


def four_images():
    """The last two are much easier than the first two, one of which is half ignored."""
    generator = torch.Generator().manual_seed(0)
    logits, label = torch.randn(4, 3, 8, 8, generator=generator), torch.randint(0, 3, (4, 8, 8), generator=generator)
    logits[2:] += 3 * torch.nn.functional.one_hot(label[2:], 3).permute(0, 3, 1, 2)
    label[0, :4] = 255
    return logits, label


@pytest.mark.parametrize('min_kept', [1, 50, 1000])
def test_two_processes_mine_what_one_mines(min_kept, tmp_path):
    """The threshold decides, then the rank, then all pixels are kept; the mean over the ranks is the loss of one
    process, and so are the gradients. Each rank by itself would keep 50 of its own images each."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    cases = [(rank, size, port, str(tmp_path / f'{size}_{rank}'), min_kept) for size in (1, 2) for rank in range(size)]
    processes = [server().Process(target=loss_and_gradient, args=case) for case in cases]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
        assert process.exitcode == 0
    (one, one_grad), *two = (torch.load(case[3]) for case in cases)
    torch.testing.assert_close((two[0][0] + two[1][0]) / 2, one)
    torch.testing.assert_close((two[0][1] + two[1][1]) / 2, one_grad)
    if min_kept == 50:
        halves = [
            HardPixelCrossEntropy(0.5, 50, [0.5, 1.0, 2.0])(*(part[k : k + 2] for part in four_images()))
            for k in (0, 2)
        ]
        assert abs(sum(halves) / 2 - one) > 0.05 * one


@pytest.mark.parametrize('rank', [1, 2, 7, 500, 10**6])
def test_the_value_of_a_rank_to_the_bit(rank):
    values = torch.rand(10, 100) ** 3
    values[0, :50] = values[0, 0]
    values[1] = 2.0
    values[2, :3] = 0.0
    assert smallest_of_all(values, rank) == values.flatten().sort().values[min(rank, 1000) - 1]
