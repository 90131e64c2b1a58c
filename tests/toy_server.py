"""Imports of the server of :mod:`toy_process`, so that the runs forked from it do not pay for it again."""

import gc

import torch._dynamo  # noqa: F401  (torch's optimizers import it when the first one is built)
import toy_parts  # noqa: F401
from mmengine.config import Config

_ = Config(dict(why='warms up the formatter')).pretty_text
gc.freeze()  # each dataset collects garbage once; nothing of the above ever is
