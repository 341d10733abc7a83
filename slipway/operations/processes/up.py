"""From whatever is there to a platform that serves a trained model: what `slipway up` does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra import settings as settings_tree
from infra.errors import ServiceFailedError
from infra.home import Home, stack_file
from infra.targets.processes import supervisor
from slipway.operations import training
from slipway.stack import lock, recovery, workspace
from slipway.stack.running import Running

if TYPE_CHECKING:
    from slipway.progress import Progress
    from slipway.runs.run import RunResult
    from slipway.stack.running import Champion

_SERVED_SECONDS = 60.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Up:
    """What `up` brought: the platform, its champion if there is one, the first training run."""

    running: Running
    champion: Champion | None
    first_run: RunResult | None


def bring_up(home: Home, name: str, progress: Progress, *, train: bool = True) -> Up:
    """Make the stack what its settings say, and train a first model if none is released.

    Raises:
        SlipwayError: what went wrong and how to mend it; the same command goes on from there.
    """
    chosen = settings_tree.from_file(stack_file(name))
    with lock.hold(home.lock(name), name, "up"):
        recovery.clear(home, name)
        bring_tools(home, chosen, progress)
        progress.title("Platform")
        running = Running.of(workspace.up(home, name, progress.step), name)
        supervisor.prune(home.stack(name), set(running.services))
        champion = running.champion(chosen.serving.model, chosen.serving.slots.champion)
        brought = Up(running, champion, None)
        if champion is None and train:
            brought = _with_model(home, name, chosen, running, progress)
        if brought.champion is not None:
            wait_until_served(running, chosen.serving.model, brought.champion.version)
        return brought


def bring_tools(home: Home, chosen: settings_tree.Settings, progress: Progress) -> None:
    """Find, download or build the tools that the settings ask for."""
    from slipway import toolchain  # noqa: PLC0415 - keeps --help quick

    progress.title("Tools")
    names = toolchain.REQUIRED if chosen.monitoring.grafana == "off" else toolchain.ALL
    toolchain.ensure(names, tools_dir=home.tools, progress=progress.tool)


def bring_test_tools(home: Home, progress: Progress) -> None:
    """Find, download or build what only tests of clusters need."""
    from slipway import toolchain  # noqa: PLC0415 - keeps --help quick

    progress.title("Tools for tests of clusters")
    toolchain.ensure(toolchain.FOR_TESTS, tools_dir=home.tools, progress=progress.tool)


def _with_model(
    home: Home, name: str, chosen: settings_tree.Settings, running: Running, progress: Progress
) -> Up:
    model, alias = chosen.serving.model, chosen.serving.slots.champion
    progress.title("First training run")
    arguments = {"usecase": chosen.training.usecase, "months": chosen.training.months}
    result = training.run("training", arguments, running, home.stack(name), progress.event)
    return Up(running, running.champion(model, alias), result)


def wait_until_served(running: Running, model: str, version: str) -> None:
    """Wait until the model server answers with that version of the model.

    Raises:
        ServiceFailedError: it does not in a minute; says what it answers instead.
    """
    deadline = time.monotonic() + _SERVED_SECONDS
    while True:
        answer = running.ask("serving", f"/v2/models/{model}")
        if answer.is_success and version in answer.json()["versions"]:
            return
        if time.monotonic() > deadline:
            raise ServiceFailedError(
                f"serving does not serve version {version} of {model} after {_SERVED_SECONDS:.0f} s"
                f" ({answer.text[:200]}): see `slipway logs serving`"
            )
        time.sleep(_POLL_SECONDS)


def take_down(home: Home, name: str, progress: Progress) -> None:
    """Destroy the stack: its processes, ports and files; the tool cache stays."""
    with lock.hold(home.lock(name), name, "down"):
        recovery.clear(home, name)
        if workspace.exists(home, name):
            workspace.destroy(home, name, progress.step)
        # What no state knows of: a first `up` that was killed before Pulumi wrote one.
        supervisor.end(home.stack(name))
        recovery.remove_home(home)
