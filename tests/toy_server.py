"""What the server of :mod:`toy_run` imports, so that the runs forked from it do not pay for it again."""
import gc

import kornia  # noqa: F401
import torch._dynamo  # noqa: F401  (torch's optimizers import it when the first one is built)
from mmengine.config import Config

import toy_run  # noqa: F401

_ = Config(dict(why='warms up the formatter')).pretty_text
gc.freeze()  # each dataset collects garbage once; nothing of the above ever is
