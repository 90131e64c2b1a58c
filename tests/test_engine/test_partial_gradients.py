"""A run that ended in the middle of a gradient accumulation goes on from the gradients that it had."""

from types import SimpleNamespace

import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn

from mmseg_ssl.engine.partial_gradients import collect_partial_gradients, restore_partial_gradients

FIRST, SECOND = torch.tensor([[1.0, 2.0]]), torch.tensor([[10.0, 0.0]])


def runner_at(iteration: int) -> SimpleNamespace:
    """A run that steps every second iteration: of weights (0, 0), whose loss is their product with the input."""
    model = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(model.weight)
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.0), accumulative_counts=2)
    wrapper.initialize_count_status(model, iteration, 4)
    return SimpleNamespace(model=model, optim_wrapper=wrapper)


def train(runner: SimpleNamespace, values: torch.Tensor) -> None:
    runner.optim_wrapper.update_params(runner.model(values).sum())


def test_what_waits_is_half_of_the_first_gradient():
    """mmengine divides each loss by the two iterations of a step."""
    runner = runner_at(0)
    train(runner, FIRST)
    assert {name: grad.tolist() for name, grad in collect_partial_gradients(runner).items()} == {'weight': [[0.5, 1]]}
    train(runner, SECOND)
    assert collect_partial_gradients(runner) == {}


def test_the_step_after_a_resume_is_that_of_the_whole_run():
    """-(FIRST + SECOND) / 2 = (-5.5, -1); without the gradients that waited it would be (-5, 0)."""
    runner = runner_at(0)
    train(runner, FIRST)
    resumed = runner_at(1)
    restore_partial_gradients(resumed, collect_partial_gradients(runner))
    for run in (runner, resumed):
        train(run, SECOND)
        assert run.model.weight.tolist() == [[-5.5, -1.0]]


def test_what_was_collected_is_a_copy():
    runner = runner_at(0)
    train(runner, FIRST)
    gradients = collect_partial_gradients(runner)
    runner.model.weight.grad.zero_()
    assert gradients['weight'].tolist() == [[0.5, 1.0]]


def two_optimizers() -> SimpleNamespace:
    """One that steps every second iteration, and one that steps in each."""
    model = nn.ModuleDict({name: nn.Linear(2, 1, bias=False) for name in ('slow', 'fast')})
    wrappers = {}
    for (name, part), counts in zip(model.items(), (2, 1)):
        nn.init.zeros_(part.weight)
        wrappers[name] = OptimWrapper(torch.optim.SGD(part.parameters(), lr=1.0), accumulative_counts=counts)
    hub = MessageHub('two optimizers')  # a checkpoint keeps it
    return SimpleNamespace(model=model, optim_wrapper=OptimWrapperDict(**wrappers), message_hub=hub)


def test_each_of_several_optimizers_goes_on_where_it_was():
    """The host does not count for them: the slow one would begin anew, and step an iteration later, by SECOND alone."""
    whole, resumed = two_optimizers(), two_optimizers()
    resumed.message_hub = whole.message_hub
    for name in whole.model:
        whole.optim_wrapper[name].update_params(whole.model[name](FIRST).sum())
    waiting = collect_partial_gradients(whole)
    assert {name: gradient.tolist() for name, gradient in waiting.items()} == {'slow.weight': [[0.5, 1.0]]}
    restore_partial_gradients(resumed, waiting)
    for run in (whole, resumed):
        for name in run.model:
            run.optim_wrapper[name].update_params(run.model[name](SECOND).sum())
        assert run.model['slow'].weight.tolist() == [[-5.5, -1.0]]
        assert collect_partial_gradients(run) == {}
