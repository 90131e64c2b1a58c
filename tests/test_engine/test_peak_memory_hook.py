"""``PeakMemoryHook``: memory in the log of a training on a CPU."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub

from mmseg_ssl.engine.peak_memory_hook import PeakMemoryHook, peak_rss


def test_the_peak_grows_with_what_is_held_and_never_falls():
    before = peak_rss()
    held = np.ones(int(before + 64) * 2**17)  # 8 bytes each: 64 MB more than ever before
    assert held[-1] == 1
    after = peak_rss()
    assert after >= before + 60
    del held
    assert peak_rss() >= after


@pytest.mark.parametrize('cuda', [False, True])
def test_it_logs_on_a_cpu_alone(cuda, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: cuda)
    hub = MessageHub.get_instance(f'peak_memory_{cuda}')
    hook, runner = PeakMemoryHook(), SimpleNamespace(message_hub=hub)
    hook.before_train(runner)
    hook.after_train_iter(runner, 0)
    logged = hub.log_scalars.get('train/peak_rss')
    assert (logged is None) == cuda
    if not cuda:
        assert logged.current() == pytest.approx(peak_rss(), rel=0.1)
