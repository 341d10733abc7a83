"""The Pulumi stack, driven through the Automation API on the project's file backend.

It prints nothing: progress goes to a callback. What Pulumi's CLI finds in its environment
is `pulumi_environment`; what a killed operation leaves in the state is `leftovers`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from infra.errors import SlipwayError
from infra.files import write_atomically
from infra.home import ROOT, Home, stack_file
from infra.settings import PROJECT
from slipway.stack import recovery, salt
from slipway.stack.environment import environment, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pulumi import automation

_HEADLINE = re.compile(r"^(update|preview|refresh|destroy) failed$|^\d+ errors? occurred")


@dataclass(frozen=True)
class Step:
    """One thing that Pulumi did to a resource: `create`, `update`, `delete`, `same` ..."""

    resource: str
    operation: str
    done: bool


def up(
    home: Home, name: str, on_step: Callable[[Step], None], *, replace: Sequence[str] = ()
) -> dict[str, Any]:
    """Make the stack what its settings say; its outputs, secrets in plain.

    `replace` are the URNs of resources to make anew though nothing about them changed.

    Raises:
        SlipwayError: Pulumi's own account of what failed, in one line.
    """
    with _opened(home, name) as stack, _told(on_step) as on_event:
        result = stack.up(
            on_event=on_event, suppress_progress=True, color="never", replace=list(replace)
        )
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


def resources(home: Home, name: str) -> list[dict[str, Any]]:
    """What the state knows of the stack's resources; empty if it is not up."""
    if not exists(home, name):
        return []
    state = json.loads(recovery.state_file(home, name).read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = state["checkpoint"]["latest"].get("resources", [])
    return found


def exists(home: Home, name: str) -> bool:
    """Whether the backend has a state of this stack."""
    return recovery.state_file(home, name).exists()


@contextmanager
def _opened(home: Home, name: str) -> Iterator[automation.Stack]:
    # PLC0415: they cost a second, which `slipway status` need not pay.
    from pulumi import automation  # noqa: PLC0415

    from infra.program import deploy  # noqa: PLC0415

    prepare(home)
    _write_project(home, name)
    variables = environment(home) | {recovery.OPERATION: str(os.getpid())}
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
    former = copy.read_text(encoding="utf-8") if copy.exists() else ""
    write_atomically(copy, salt.carried_over(former, stack_file(name).read_text(encoding="utf-8")))


@contextmanager
def _told(on_step: Callable[[Step], None]) -> Iterator[Callable[[Any], None]]:
    def on_event(event: Any) -> None:
        before, after = event.resource_pre_event, event.res_outputs_event
        metadata = (before or after) and (before or after).metadata
        if metadata and not metadata.type.startswith("pulumi:"):
            operation = str(getattr(metadata.op, "value", metadata.op))
            on_step(Step(_called(metadata), operation, done=after is not None))

    yield on_event


def _called(metadata: Any) -> str:
    """A resource's name; a service's objects on a cluster share one, so with their kind."""
    name = str(metadata.urn.rsplit("::", 1)[-1])
    of_cluster = metadata.type.startswith("kubernetes:")
    return f"{name} {metadata.type.rpartition(':')[2]}" if of_cluster else name


def _cause(account: str) -> str:
    """What went wrong, from all that Pulumi's CLI printed about it."""
    found = re.findall(r"(?:error|Exception): (.*)", account)
    texts = [re.sub(r"^.*(?:Error|Exception|error occurred): ", "", line).strip() for line in found]
    told = dict.fromkeys(text for text in texts if text and not _HEADLINE.match(text))
    return "; ".join(told) or " ".join(account.split())[-2000:]
