"""A stack whose project or own name was changed: found in the state, said, and taken along.

The state knows a stack by both names, and a folder on this machine carries the stack's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra import pulumi_state
from infra.errors import SlipwayError
from infra.home import project_name
from slipway.exits import NotUpError
from slipway.stack import lock, workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.home import Home


@dataclass(frozen=True)
class StackState:
    """A stack that the state has; `folder` is the name of its folder, "" on a cluster."""

    project: str
    name: str
    folder: str


def require_own(home: Home, name: str) -> None:
    """Refuse to take what another stack has under the name of this one.

    Raises:
        NotUpError: the stack is in the state by another project's name, or its folder is that
            of a stack which was renamed; says how to go on.
    """
    own = (project_name(), name)
    others = [state for state in _states(home) if (state.project, state.name) != own]
    for other in others:
        if other.name == name and (other.folder == name or not workspace.exists(home, name)):
            raise NotUpError(
                f"stack {name} is in the state of project {other.project}, and Pulumi.yaml calls"
                f" the project {own[0]} now: run `slipway rename --stack {name}` to take it along"
            )
        if other.folder == name:
            raise NotUpError(
                f"stack {name} was renamed to {other.name}: run `slipway up --stack {other.name}`,"
                f" which takes along what is its; then {name} can be another stack"
            )


def require_settled(home: Home, name: str) -> None:
    """Refuse to look for the services of a renamed stack where they do not run yet.

    Raises:
        SlipwayError: they still run by the former name.
    """
    for state in _states(home):
        if (state.project, state.name) == (project_name(), name) and state.folder not in {"", name}:
            raise SlipwayError(
                f"stack {name} was renamed from {state.folder}, by which its services still run:"
                f" `slipway up --stack {name}` takes them along"
            )


def take_along(home: Home, name: str, former: str) -> StackState:
    """Give the stack that was `former`, maybe of another project, this project's and that name.

    Returns what it was. Its services go on as they are; the next `up` brings them along.

    Raises:
        SlipwayError: there is no such stack, or already one of the new name.
    """
    with lock.hold(home.lock(name), name, "rename"):
        state = _former(home, name, former)
        if workspace.exists(home, name):
            raise SlipwayError(f"there is a stack {name} of project {project_name()} already")
        workspace.rename(home, name, f"organization/{state.project}/{state.name}")
    return state


def _former(home: Home, name: str, former: str) -> StackState:
    own = (project_name(), name)
    others = [state for state in _states(home) if (state.project, state.name) != own]
    # A stack of this project before one of the same name of another.
    for state in sorted(others, key=lambda state: state.project != own[0]):
        if state.name == former:
            return state
    there = ", ".join(f"{state.name} of project {state.project}" for state in others)
    raise SlipwayError(f"there is no other stack {former} to rename; there are: {there or 'none'}")


def _states(home: Home) -> Iterator[StackState]:
    for file in pulumi_state.files_by_project(home):
        try:
            checkpoint = json.loads(file.read_text(encoding="utf-8"))["checkpoint"]
            resources = checkpoint["latest"].get("resources") or []
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            resources = []  # was cut off; what it was is still said by its name
        folders = [
            Path(resource["outputs"]["stack"]).name
            for resource in resources
            if resource["type"].endswith(":Supervisor") and "stack" in resource.get("outputs", {})
        ]
        yield StackState(file.parent.name, file.stem, folders[0] if folders else "")
