"""From whatever is there to a platform that serves a trained model: what `slipway up` does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from contracts.slots import CHAMPION
from infra.errors import ServiceFailedError, SlipwayError
from infra.targets.processes import ports, supervisor
from slipway.doctor import checks
from slipway.models import served
from slipway.operations import training
from slipway.operations.target import Release, Up, announce_platform
from slipway.stack import lock, recovery, renamed, workspace
from slipway.stack.running import Running

if TYPE_CHECKING:
    from infra.home import Home, StackDir
    from infra.settings.tree import Settings
    from slipway.progress import Progress
    from slipway.stack.running import Champion

_SERVED_SECONDS = 60.0
_POLL_SECONDS = 0.1
_PORT_ATTEMPTS = 3
_PORT_IN_USE = "address already in use"

_TRIED_AGAIN = {"fetch", "cache", "internal"}
"""Reasons of refusals that the server itself expects to pass."""
_OF_TRUST = {"unsigned", "untrusted"}


def provision(
    home: Home, name: str, settings: Settings, progress: Progress, *, train: bool = True
) -> Up:
    """Make the stack what its settings say, and train a first model if none is released.

    Raises:
        SlipwayError: what went wrong and how to mend it; the same command goes on from there.
    """
    _require_attributes(home)
    with lock.hold(home.lock(name), name, "up"):
        renamed.require_own(home, name)
        recovery.clear(home, name)
        bring_tools(home, settings, progress)
        announce_platform(home, name, settings, progress)
        running = Running.of(_outputs(home, name, progress), name)
        supervisor.prune(home.stack(name), set(running.services))
        release = Release(_champion(running, settings), None)
        if release.champion is None and train:
            release = _first_release(home.stack(name), settings, running, progress)
        if release.champion is not None:
            wait_until_served(running, settings.serving.model, release.champion.version)
        return Up(running, release)


def _outputs(home: Home, name: str, progress: Progress) -> dict[str, Any]:
    """What `workspace.up` outputs; once more where a port was lost between choosing and binding.

    Raises:
        SlipwayError: it failed for another reason, or for this one too often.
    """
    for attempt in range(1, _PORT_ATTEMPTS + 1):
        try:
            return workspace.up(home, name, progress.step)
        except SlipwayError as error:
            lost = ports.lost(home.stack(name))
            if attempt == _PORT_ATTEMPTS or not (lost or _PORT_IN_USE in str(error).lower()):
                raise
            whose = ", ".join(lost) or "a port"
            progress.line(f"{whose} was taken by somebody else meanwhile: choosing again")
    raise AssertionError


def _require_attributes(home: Home) -> None:
    finding = checks.home_attributes(home)
    if finding.level == "error":
        raise SlipwayError(f"{finding.summary}: {finding.resolution}")


def bring_tools(home: Home, settings: Settings, progress: Progress) -> None:
    """Find, download or build the tools that the settings ask for."""
    from slipway import toolchain  # noqa: PLC0415 - keeps --help quick

    progress.title("Tools")
    names = toolchain.REQUIRED if settings.monitoring.grafana == "off" else toolchain.ALL
    toolchain.ensure(names, tools_dir=home.tools, progress=progress.tool)
    home.remember_tools()


def _first_release(
    folder: StackDir, settings: Settings, running: Running, progress: Progress
) -> Release:
    progress.title("First training run")
    arguments = {"usecase": settings.training.usecase, "months": settings.training.months}
    env = training.step_environment(running, settings, folder)
    result = training.run("training", arguments, folder, env, progress.event)
    return Release(_champion(running, settings), result)


def _champion(running: Running, settings: Settings) -> Champion | None:
    return running.champion(settings.serving.model, settings.serving.slots.champion)


def wait_until_served(running: Running, model: str, version: str) -> None:
    """Wait until the model server answers with that version of the model.

    Raises:
        ServiceFailedError: it refuses that version, or does not answer with it in a minute; says
            what it answers instead.
    """
    deadline = time.monotonic() + _SERVED_SECONDS
    while True:
        answer = running.ask("serving", f"/v2/models/{model}")
        if answer.is_success and version in answer.json()["versions"]:
            return
        _require_not_refused(running, version)
        if time.monotonic() > deadline:
            raise ServiceFailedError(
                f"serving does not serve version {version} of {model} after {_SERVED_SECONDS:.0f} s"
                f" ({answer.text[:200]}): see `slipway logs serving`"
            )
        time.sleep(_POLL_SECONDS)


def _require_not_refused(running: Running, version: str) -> None:
    """Say at once what the server says of a version that it will not serve.

    Raises:
        ServiceFailedError: it tried it as the champion, and refused it.
    """
    _, slots = served.slots(running)
    for refused in (slot.refused for slot in slots if slot.slot == CHAMPION):
        if refused and refused.version == version and refused.reason not in _TRIED_AGAIN:
            message = f"serving refused version {version} ({refused.reason}): {refused.error}"
            runbook = "see docs/runbooks/ModelRefused.md"
            if refused.reason in _OF_TRUST:
                raise ServiceFailedError(
                    f"{message}: if you trust it, run `slipway models resign {version}`; {runbook}"
                )
            raise ServiceFailedError(f"{message}: {runbook}")


def destroy(home: Home, name: str, progress: Progress) -> None:
    """Destroy the stack: its processes, ports and files; the tool cache stays."""
    with lock.hold(home.lock(name), name, "down"):
        renamed.require_own(home, name)
        recovery.clear(home, name)
        if workspace.exists(home, name):
            workspace.destroy(home, name, progress.step)
        # What no state knows of: a first `up` that was killed before Pulumi wrote one.
        supervisor.end(home.stack(name))
        recovery.remove_home(home)
