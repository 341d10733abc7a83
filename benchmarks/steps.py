"""What one step of a local pipeline run costs beyond its own work."""

# No `from __future__ import annotations`: kfp reads a component's annotations as types.

import contextlib
import io
import logging
import tempfile
import time
from collections.abc import Callable

from kfp import dsl, local

_REPEATS = 5
_IMAGE = "python"  # kfp wants a name; no image is run
_GOAL_SECONDS = 0.2


@dsl.component(base_image=_IMAGE, install_kfp_package=False)
def nothing() -> int:
    """Do nothing, in the environment that is there: as this project's components do."""
    return 1


@dsl.component(base_image=_IMAGE)
def nothing_installed() -> int:
    """Do nothing, after installing kfp: what kfp does unless told otherwise."""
    return 1


def measure() -> dict[str, float]:
    """Seconds a step: ours, kfp.local's fastest own default, and its default."""
    # kfp.local announces each step on the root logger, at a level that it sets itself.
    logging.disable(logging.INFO)
    warm, default = local.SubprocessRunner(use_venv=False), local.SubprocessRunner()
    return {
        "warm environment, nothing installed (Slipway)": _median(warm, nothing, _REPEATS),
        "kfp.local, use_venv=False, kfp installed": _median(warm, nothing_installed, _REPEATS),
        "kfp.local's default runner": _median(default, nothing_installed, 1),
    }


def _median(runner: local.SubprocessRunner, step: Callable[[], object], repeats: int) -> float:
    seconds = []
    with tempfile.TemporaryDirectory() as root:
        local.init(runner=runner, pipeline_root=root)
        for _ in range(repeats):
            start = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()):  # kfp prints what a step prints
                step()
            seconds.append(time.perf_counter() - start)
    return sorted(seconds)[len(seconds) // 2]


def page(seconds: dict[str, float]) -> str:
    """The part of docs/benchmarks.md."""
    ours = next(iter(seconds.values()))
    table = [f"| {what} | {value:.2f} | {value / ours:.1f}x |" for what, value in seconds.items()]
    return "\n".join(
        [
            "## One step of a local pipeline run\n",
            f"A step that does nothing, by kfp.local, same process; target {_GOAL_SECONDS} s.\n",
            "| runner | seconds | ratio |\n|---|---|---|",
            *table,
            "",
        ]
    )
