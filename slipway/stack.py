"""The Pulumi stack, driven through the Automation API on the project's file backend.

It owns the environment that Pulumi's CLI needs here, the state's passphrase, and what a
killed operation leaves in the state. It prints nothing: progress goes to a callback.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import yaml

from infra.errors import SlipwayError, StackLockedError
from infra.home import ROOT, Home, stack_file
from infra.settings import PROJECT
from infra.targets.processes import marker
from infra.targets.processes.files import private_folder, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi import automation

_OPERATION = "SLIPWAY_OPERATION_PID"
_HEADLINE = re.compile(r"^(update|preview|refresh|destroy) failed$|^\d+ errors? occurred")
_ENCRYPTED = re.compile(r"^\s+secure:", re.MULTILINE)
_SALT = re.compile(r"^encryptionsalt:.*\n?", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One thing that Pulumi did to a resource: `create`, `update`, `delete`, `same` ..."""

    resource: str
    operation: str
    done: bool


def environment(home: Home) -> dict[str, str]:
    """What Pulumi's CLI needs to work on this project's stacks."""
    path = os.pathsep.join([str(home.tools / "bin"), os.environ.get("PATH", os.defpath)])
    return {
        "PATH": path,
        "PULUMI_HOME": str(home.pulumi),
        # Without a side file for each file of the state: one that was cut off by a kill would
        # lock everybody out.
        "PULUMI_BACKEND_URL": f"file://{home.state}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(home.passphrase),
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "SLIPWAY_HOME": str(home.path),
        "SLIPWAY_TOOLS": str(home.tools),
    }


def prepare(home: Home) -> None:
    """Make the state's folder, its passphrase, and the `pulumi` wrapper for a person's PATH."""
    private_folder(home.state)
    if not home.passphrase.exists():
        write_atomically(home.passphrase, secrets.token_urlsafe(32))
    _write_wrapper(home)


def up(home: Home, name: str, on_step: Callable[[Step], None]) -> dict[str, Any]:
    """Make the stack what its settings say; its outputs, secrets in plain.

    Raises:
        SlipwayError: Pulumi's own account of what failed, in one line.
    """
    with _opened(home, name) as stack, _told(on_step) as on_event:
        result = stack.up(on_event=on_event, suppress_progress=True, color="never")
        return {key: output.value for key, output in result.outputs.items()}


def destroy(home: Home, name: str, on_step: Callable[[Step], None]) -> None:
    """Destroy everything that the stack holds, and its record."""
    with _opened(home, name) as stack, _told(on_step) as on_event:
        stack.destroy(on_event=on_event, suppress_progress=True, color="never", run_program=False)
        stack.workspace.remove_stack(name)


def outputs(home: Home, name: str) -> dict[str, Any]:
    """Outputs of the stack, secrets in plain; empty if it is not up."""
    if not exists(home, name):
        return {}
    command = [str(home.tools / "bin" / "pulumi"), "stack", "output", "--json", "--show-secrets"]
    answer = subprocess.run(
        [*command, "--stack", name, "--cwd", str(ROOT)],
        env=os.environ | environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise SlipwayError(_cause(answer.stderr))
    values: dict[str, Any] = json.loads(answer.stdout)
    return values


def exists(home: Home, name: str) -> bool:
    """Whether the backend has a state of this stack."""
    return _state_file(home, name).exists()


def clear_leftovers(home: Home, name: str) -> None:
    """Undo what a killed operation left: its processes, its lock on the state.

    Call it with the stack's own lock held: then no other operation of ours is alive.

    Raises:
        StackLockedError: a `pulumi` that somebody runs by hand holds the state.
    """
    _end_orphans(home)
    for lock in _lock_files(home, name):
        holder = _alive(json.loads(lock.read_text() or "{}").get("pid"))
        if holder:
            raise StackLockedError(
                f"stack {name} is locked by {holder.name()} (pid {holder.pid}): wait for it,"
                " or end it; nothing was changed"
            )
        lock.unlink(missing_ok=True)
    _mend_state(home, name)


def _mend_state(home: Home, name: str) -> None:
    """Put the backup in the place of a state that was killed while it was written.

    Without a backup the state was the first; what it knew of is made again, over what runs.
    """
    state = _state_file(home, name)
    if state.exists() and not _is_whole(state):
        backup = state.with_name(f"{state.name}.bak")
        if backup.exists() and _is_whole(backup):
            write_atomically(state, backup.read_text(encoding="utf-8"))
        else:
            state.unlink()


def _is_whole(state: Path) -> bool:
    try:
        return "checkpoint" in json.loads(state.read_text(encoding="utf-8"))
    except (ValueError, TypeError):
        return False


@contextmanager
def _opened(home: Home, name: str) -> Iterator[automation.Stack]:
    # PLC0415: they cost a second, which `slipway status` need not pay.
    from pulumi import automation  # noqa: PLC0415

    from infra.program import deploy  # noqa: PLC0415

    prepare(home)
    _write_project(home, name)
    variables = environment(home) | {_OPERATION: str(os.getpid())}
    options = automation.LocalWorkspaceOptions(
        work_dir=str(home.project),
        pulumi_home=str(home.pulumi),
        env_vars=variables,
        pulumi_command=automation.PulumiCommand(root=str(home.tools)),
    )
    os.environ.update(variables)
    try:
        yield automation.create_or_select_stack(
            name, project_name=PROJECT, program=deploy, opts=options
        )
    except automation.CommandError as error:
        raise SlipwayError(_cause(str(error))) from None


def _write_project(home: Home, name: str) -> None:
    """The project as our own operations see it: a copy of its settings, which Pulumi salts.

    What a killed operation leaves behind is then never in a committed file.
    """
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    inline = {key: project[key] for key in ("name", "description", "options")}
    write_atomically(home.project / "Pulumi.yaml", yaml.safe_dump(inline | {"runtime": "python"}))
    copy = home.project / f"Pulumi.{name}.yaml"
    salt = _SALT.search(copy.read_text(encoding="utf-8")) if copy.exists() else None
    text = unsalted(stack_file(name).read_text(encoding="utf-8"))
    if salt and not _SALT.search(text):
        text = f"{salt[0].rstrip()}\n{text}"
    write_atomically(copy, text)


def unsalted(text: str) -> str:
    """Settings without Pulumi's salt, unless they hold values that were encrypted with it."""
    return text if _ENCRYPTED.search(text) else _SALT.sub("", text)


@contextmanager
def salt_kept_in_state(settings: Path) -> Iterator[None]:
    """Take the salt that Pulumi adds to a stack's settings out again: the state has it, too.

    The passphrase is this machine's own, so its salt in a committed file would be one
    more thing that differs between any two clones.
    """
    try:
        yield
    finally:
        text = settings.read_text(encoding="utf-8") if settings.exists() else ""
        if (without := unsalted(text)) != text:
            mode = settings.stat().st_mode
            write_atomically(settings, without)
            settings.chmod(mode)


@contextmanager
def _told(on_step: Callable[[Step], None]) -> Iterator[Callable[[Any], None]]:
    def on_event(event: Any) -> None:
        before, after = event.resource_pre_event, event.res_outputs_event
        metadata = (before or after) and (before or after).metadata
        if metadata and not metadata.type.startswith("pulumi:"):
            operation = str(getattr(metadata.op, "value", metadata.op))
            on_step(Step(metadata.urn.rsplit("::", 1)[-1], operation, done=after is not None))

    yield on_event


def _cause(account: str) -> str:
    """What went wrong, from all that Pulumi's CLI printed about it."""
    found = re.findall(r"(?:error|Exception): (.*)", account)
    texts = [re.sub(r"^.*(?:Error|Exception|error occurred): ", "", line).strip() for line in found]
    told = dict.fromkeys(text for text in texts if text and not _HEADLINE.match(text))
    return "; ".join(told) or " ".join(account.split())[-2000:]


def _pulumi_folder(home: Home) -> Path:
    return home.state / ".pulumi"


def _state_file(home: Home, name: str) -> Path:
    return _pulumi_folder(home) / "stacks" / PROJECT / f"{name}.json"


def _lock_files(home: Home, name: str) -> list[Path]:
    return sorted((_pulumi_folder(home) / "locks").glob(f"*/{PROJECT}/{name}/*.json"))


def _alive(pid: int | None) -> psutil.Process | None:
    try:
        process = psutil.Process(pid) if pid else None
        return process if process and "pulumi" in process.name() else None
    except psutil.Error:
        return None


def _end_orphans(home: Home) -> None:
    """End the Pulumi processes whose `slipway` is no more."""
    marker.end([process for process in psutil.process_iter() if _is_orphan(process, home)])


def _is_orphan(process: psutil.Process, home: Home) -> bool:
    try:
        variables = process.environ()
    except (psutil.Error, OSError):
        return False
    owner = variables.get(_OPERATION, "")
    ours = variables.get("SLIPWAY_HOME") == str(home.path)
    return ours and owner.isdigit() and process.pid != os.getpid() and int(owner) != os.getpid()


def shell_lines(home: Home) -> list[str]:
    """What a POSIX shell evaluates so that `pulumi` and `slipway` work on these stacks."""
    folders = [home.bin, home.tools / "bin", Path(sys.executable).parent]
    path = os.pathsep.join([*(shlex.quote(str(folder)) for folder in folders), '"$PATH"'])
    others = {name: value for name, value in environment(home).items() if name != "PATH"}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in others.items()]
    return [*lines, f"export PATH={path}"]


def _write_wrapper(home: Home) -> None:
    """`bin/pulumi`: the toolchain's CLI with this project's environment."""
    lines = shell_lines(home)
    program = shlex.join([sys.executable, "-m", "slipway.unsalted", str(home.tools / "bin/pulumi")])
    text = "\n".join(["#!/bin/sh", *lines, f'exec {program} "$@"', ""])
    path = private_folder(home.bin) / "pulumi"
    if not path.exists() or path.read_text() != text:
        write_atomically(path, text)
        path.chmod(0o700)


def remove_home(home: Home) -> None:
    """Remove all that is kept on this machine but the tool cache, once no stack is left."""
    if any((_pulumi_folder(home) / "stacks" / PROJECT).glob("*.json")):
        return
    for path in (
        home.state,
        home.pulumi,
        home.project,
        home.bin,
        home.path / "stacks",
        home.path / "locks",
    ):
        shutil.rmtree(path, ignore_errors=True)
    home.passphrase.unlink(missing_ok=True)
