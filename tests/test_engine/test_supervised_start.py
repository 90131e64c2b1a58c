"""A first part of the run on labeled images alone, and a rate that begins again."""

from types import SimpleNamespace

import pytest
import tiny
import torch
from mmengine.logging import MessageHub
from mmengine.optim import PolyLR
from mmengine.optim.scheduler import LinearLR

from mmseg_ssl.engine import RestartedPolyLR, SupervisedStartHook


def optimizer(*rates):
    return torch.optim.SGD([dict(params=[torch.nn.Parameter(torch.zeros(1))], lr=rate) for rate in rates])


def rates_of(schedule, steps, base=(1.0,), **options):
    """The rates of each iteration, as the loop sees them."""
    optim = optimizer(*base)
    schedulers = [one(optim) for one in schedule]
    seen = []
    for _ in range(steps):
        seen.append([group['lr'] for group in optim.param_groups])
        optim.step()
        for scheduler in schedulers:
            scheduler.step()
    return torch.tensor(seen, dtype=torch.float64)


def restarted(restarts, **options):
    return lambda optim: RestartedPolyLR(optim, restarts=restarts, by_epoch=False, **options)


def test_the_rate_begins_again():
    """Six iterations in two parts of three, power 1: 1, 1/2, 0, and once more, in every group from its own rate."""
    seen = rates_of([restarted([0.5], end=6)], 6, base=(1.0, 4.0))
    torch.testing.assert_close(seen, torch.tensor([1, 0.5, 0, 1, 0.5, 0])[:, None].double() * torch.tensor([[1, 4]]))
    cubed = rates_of([restarted([3], end=7, power=3, eta_min=0.1)], 7)[:, 0]
    parts = [(1 - t / (length - 1)) ** 3 for length in (3, 4) for t in range(length)]
    torch.testing.assert_close(cubed, 0.1 + 0.9 * torch.tensor(parts, dtype=torch.float64))


def test_without_restarts_it_is_the_host_s():
    options = dict(power=0.9, eta_min=1e-4, begin=3, end=20, by_epoch=False)
    warmup = lambda optim: LinearLR(optim, 0.1, begin=0, end=3, by_epoch=False)  # noqa: E731
    host = rates_of([warmup, lambda optim: PolyLR(optim, **options)], 24)
    options.pop('by_epoch')
    assert torch.equal(rates_of([warmup, restarted([], **options)], 24), host)
    again = rates_of([warmup, restarted([10], **options)], 24)
    assert torch.equal(again[:4], host[:4]) and again[13] == 1  # counted since begin


def test_epochs_become_iterations():
    options = dict(end=4, epoch_length=5, power=1, by_epoch=True)
    build = RestartedPolyLR.build_iter_from_epoch
    for restarts in ([2], [0.5]):
        seen = rates_of([lambda optim, restarts=restarts: build(optim, restarts=restarts, **options)], 20)
        assert torch.equal(seen, rates_of([restarted([10], end=20)], 20))


@pytest.mark.parametrize('restarts', [[0], [0.0], [10], [1.0], [0.5, 0.2], [3, 3], [-1], [2.5]])
def test_parts_without_an_iteration(restarts):
    with pytest.raises(ValueError, match='RestartedPolyLR'):
        RestartedPolyLR(optimizer(1.0), restarts=restarts, end=10, by_epoch=False)


def runner_of(model, length=8):
    logger = SimpleNamespace(info=lambda text: None, warning=lambda text: None)
    return SimpleNamespace(max_iters=length, model=model, iter=0, logger=logger, message_hub=MessageHub('start'))


def test_a_part_of_the_run_is_on_labeled_images_alone():
    """The teacher is a copy of the student where it ends, and nowhere else; a resumed run is in the same part."""
    model = tiny.build('MeanTeacher')
    runner, hook, alone, starts = runner_of(model), SupervisedStartHook(0.5), [], []
    hook.before_train(runner)
    before = model.teacher.starts
    for runner.iter in range(8):
        hook.before_train_iter(runner, 0)
        alone.append(model.labeled_alone)
        starts.append(model.teacher.starts - before)
        with torch.no_grad():
            next(model.student.parameters()).add_(1)
        if runner.iter == 4:
            ahead = next(model.student.parameters()) - next(model.teacher.network.parameters())
            torch.testing.assert_close(ahead, torch.ones_like(ahead))
    assert alone == [True] * 4 + [False] * 4 and starts == [0] * 4 + [1] * 4
    resumed = runner_of(tiny.build('MeanTeacher'), 80)  # longer, and past the part
    resumed.message_hub, resumed.iter, again = runner.message_hub, 5, SupervisedStartHook(0.5)
    again.before_train(resumed)
    again.before_train_iter(resumed, 0)
    assert not resumed.model.labeled_alone and again.end == 4


def test_where_it_means_nothing():
    for end, said in ((8, 'the run ends at iteration 8: unlabeled'), (1.0, 'the run ends at iteration 8')):
        with pytest.raises(ValueError, match=said):
            SupervisedStartHook(end).before_train(runner_of(tiny.build('CPS')))
    for model, said in (
        (torch.nn.Linear(1, 1), 'without stages of its own, got Linear'),
        (tiny.build('ELN'), 'without stages of its own, got ELN'),
        (tiny.build('LocatedCPS'), 'trains more than its networks, such as localizer'),
    ):
        with pytest.raises(ValueError, match=said):
            SupervisedStartHook(0.5).before_train(runner_of(model))
    with pytest.raises(ValueError, match='SupervisedStartHook: end is a number of iterations'):
        SupervisedStartHook(1.5)
