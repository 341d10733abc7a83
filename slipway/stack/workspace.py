"""The Pulumi stack, driven through the Automation API on the project's file backend.

It prints nothing: progress goes to a callback. What Pulumi's CLI finds in its environment
is `stack.environment`; what a killed operation leaves in the state is `stack.recovery`.
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

from infra import environment, pulumi_state
from infra.errors import SlipwayError, ToolMissingError
from infra.files import write_atomically
from infra.home import PULUMI_ROOT, ROOT, Home, project_name, stack_file
from infra.settings import reading
from slipway.stack import recovery, salt
from slipway.stack.environment import composed, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pulumi import automation

_HEADLINE = re.compile(r"^(update|preview|refresh|destroy) failed$|^\d+ errors? occurred")
_PREFIX = re.compile(r"^.*(?:Error|Exception|error occurred): |^Exception calling application: ")
# Said once an event, with another file's name each time.
_NO_SPACE = re.compile(r"(\S+?)(?:\.[0-9a-f]+\.tmp)?: no space left on device")
_OTHER_SECRET = "incorrect passphrase"  # noqa: S105 - Pulumi's words, no password


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
    with _opened(home, name) as stack, _events(on_step) as on_event:
        result = stack.up(
            on_event=on_event, suppress_progress=True, color="never", replace=list(replace)
        )
        values = {key: output.value for key, output in result.outputs.items()}
    select(home, name)
    return values


def destroy(home: Home, name: str, on_step: Callable[[Step], None]) -> None:
    """Destroy everything that the stack holds, and its record."""
    with _opened(home, name) as stack, _events(on_step) as on_event:
        stack.destroy(on_event=on_event, suppress_progress=True, color="never", run_program=False)
        stack.workspace.remove_stack(name)


def outputs(home: Home, name: str) -> dict[str, Any]:
    """Outputs of the stack, secrets in plain; empty if it is not up."""
    if not exists(home, name):
        return {}
    text = _ask(home, "stack", "output", "--json", "--show-secrets", "--stack", name)
    values: dict[str, Any] = json.loads(text)
    return values


def rename(home: Home, name: str, former: str) -> None:
    """Give the stack `former`, an ORGANIZATION/PROJECT/STACK, this project's name and `name`.

    Raises:
        SlipwayError: Pulumi's own account of what failed, in one line.
    """
    prepare(home)
    _write_project(home, name)
    new = f"organization/{project_name()}/{name}"
    _ask(home, "stack", "rename", new, "--stack", former, folder=home.project)


def select(home: Home, name: str) -> None:
    """Have plain Pulumi work on the stack where none is named, if there is such a stack."""
    if exists(home, name):
        _ask(home, "stack", "select", name)


def is_any_selected(home: Home) -> bool:
    """Whether plain Pulumi works on some stack where none is named."""
    try:
        return bool(_ask(home, "stack", "--show-name").strip())
    except SlipwayError:
        return False


def resources(home: Home, name: str) -> list[dict[str, Any]]:
    """What the state knows of the stack's resources; empty if it is not up."""
    if not exists(home, name):
        return []
    state = json.loads(pulumi_state.text(pulumi_state.file(home, name)))
    records: list[dict[str, Any]] = state["checkpoint"]["latest"].get("resources", [])
    return records


def exists(home: Home, name: str) -> bool:
    """Whether the backend has a state of this stack."""
    return pulumi_state.file(home, name).exists()


@contextmanager
def _opened(home: Home, name: str) -> Iterator[automation.Stack]:
    # PLC0415: they cost a second, which `slipway status` need not pay.
    from pulumi import automation  # noqa: PLC0415

    from infra.program import deploy  # noqa: PLC0415

    require_pulumi(home)
    prepare(home)
    _write_project(home, name)
    clusters = reading.from_file(stack_file(name)).cluster is not None
    variables = composed(home, clusters=clusters)
    # The Automation API hands on the environment of this process, which the program reads, too.
    with environment.replaced(variables | {recovery.OPERATION: str(os.getpid())}):
        options = automation.LocalWorkspaceOptions(
            work_dir=str(home.project),
            pulumi_home=str(home.pulumi),
            pulumi_command=automation.PulumiCommand(root=str(PULUMI_ROOT)),
        )
        try:
            yield automation.create_or_select_stack(
                name, project_name=project_name(), program=deploy, opts=options
            )
        except automation.CommandError as error:
            raise SlipwayError(_cause(str(error))) from None


def require_pulumi(home: Home) -> Path:
    """Pulumi's CLI.

    Raises:
        ToolMissingError: it is not among the tools.
    """
    program = home.tools / "bin" / "pulumi"
    if not program.exists():
        raise ToolMissingError(
            f"there is no {program}: run `slipway tools install`, or set SLIPWAY_TOOLS to the"
            " folder that the tools are in"
        )
    return program


def _ask(home: Home, *arguments: str, folder: Path = ROOT) -> str:
    """What Pulumi's CLI says of the project in a folder.

    Raises:
        SlipwayError: it refuses, or is not there.
    """
    answer = subprocess.run(
        [str(require_pulumi(home)), *arguments, "--cwd", str(folder), "--non-interactive"],
        env=composed(home, clusters=False),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise SlipwayError(_cause(answer.stderr))
    return answer.stdout


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
def _events(on_step: Callable[[Step], None]) -> Iterator[Callable[[Any], None]]:
    def on_event(event: Any) -> None:
        before, after = event.resource_pre_event, event.res_outputs_event
        metadata = (before or after) and (before or after).metadata
        if metadata and not metadata.type.startswith("pulumi:"):
            operation = str(getattr(metadata.op, "value", metadata.op))
            on_step(Step(_resource_name(metadata), operation, done=after is not None))

    yield on_event


def _resource_name(metadata: Any) -> str:
    """A resource's name; a service's objects on a cluster share one, so with their kind."""
    name = str(metadata.urn.rsplit("::", 1)[-1])
    of_cluster = metadata.type.startswith("kubernetes:")
    return f"{name} {metadata.type.rpartition(':')[2]}" if of_cluster else name


def _cause(account: str) -> str:
    """What went wrong, from all that Pulumi's CLI printed about it."""
    if full := _NO_SPACE.search(account):
        return f"{full[1]}: no space left on device"
    if _OTHER_SECRET in account:
        return (
            "the state's secrets were encrypted with another passphrase than this home's, perhaps"
            " the PULUMI_CONFIG_PASSPHRASE of an earlier `up`: write that one into the file"
            " `passphrase` of SLIPWAY_HOME"
        )
    errors = re.findall(r"(?:error|Exception): (.*)", account)
    texts = [_PREFIX.sub("", error).strip() for error in errors]
    causes = dict.fromkeys(text for text in texts if text and not _HEADLINE.match(text))
    return "; ".join(causes) or " ".join(account.split())[-2000:]
