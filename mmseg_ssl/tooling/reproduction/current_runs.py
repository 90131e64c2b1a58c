"""Tells recorded runs of a config as it is now from those of earlier versions of it."""

from pathlib import Path

from ..config_leaves import Config
from ..run_logs import Run
from ..trainings.job_maker import JobMaker, PlanLine
from .project_configs import first_of, path_of, read_config


def is_current(run: Run, config: Config) -> bool:
    """Check if a run is one of the config as it is now: of its length, and with the digest that it would have today.

    Args:
        run: A recorded run of the config by its name. One that ``tools/run_benchmark.py`` did not make has no digest.
        config: The config.
    """
    path = path_of(config)
    if run.iterations != read_config(path).train_cfg.max_iters:
        return False
    if not run.provenance:
        return True
    first, needs = first_of(config), {}
    line = PlanLine(0, path, '', run.options, run.draw, run.seed)
    lines = [line]
    if first:
        needs[path] = dict(first=path_of(first), options=['load_from={checkpoint}'])
        lines.append(line._replace(config=path_of(first)))
    plan = Path('the plan of a record')  # for messages
    return JobMaker(plan, dict(needs=needs), lines).job(line).digest == run.provenance['digest']
