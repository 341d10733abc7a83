"""A stack's folder and supervisord, as the state's resource of them comes, moves and goes.

Only the end of the resource that owns a folder removes it: a copied state, a resource that
was replaced and one of another stack find that it is not theirs.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.errors import ServiceFailedError
from infra.home import Home
from infra.targets.processes import identity, supervisor

if TYPE_CHECKING:
    from infra.home import StackDir


def here(path: str) -> StackDir:
    """The folder that the property `stack` of a resource means, in the home that is at work.

    A state is copied and moved with its home, so the path in it may be another home's.
    """
    return Home.of_environment().stack(Path(path).name)


def make(path: str) -> dict[str, Any]:
    """Start the supervisord of a stack, in a new folder or what an earlier one left.

    Raises:
        ServiceFailedError: it did not start.
    """
    return _started(here(path), secrets.token_hex(8))


def settle(former: dict[str, Any], path: str) -> dict[str, Any]:
    """Run the supervisord in the folder `path`, with all that `former` has, where it was moved.

    Raises:
        ServiceFailedError: it did not start, or there is another stack's folder already.
    """
    before, stack = here(former["stack"]), here(path)
    if before.path != stack.path and before.path.exists():
        _rename(before, stack)
    elif os.path.realpath(former["stack"]) != str(stack.path):
        supervisor.stop(stack)
    return _started(stack, former.get("owner") or secrets.token_hex(8))


def remove(props: dict[str, Any]) -> None:
    """End the stack's processes and remove its folder, if it is that of this resource.

    Raises:
        ServiceFailedError: another stack's folder lies there.
    """
    stack = here(props["stack"])
    known = identity.recorded(stack.path)
    if known and props.get("identity") not in {None, known.id, *known.former}:
        raise ServiceFailedError(
            f"{stack.path} is not the folder that this stack was made in, and was not removed:"
            " move it away and run the same command again"
        )
    if known is None or props.get("owner") in {None, known.owner}:
        supervisor.end(stack)


def _started(stack: StackDir, owner: str) -> dict[str, Any]:
    supervisor.start(stack, owner)
    known = identity.claim(stack.path, owner)
    return {
        "stack": str(stack.path),
        "socket": str(stack.socket),
        "identity": known.id,
        "owner": owner,
    }


def _rename(before: StackDir, stack: StackDir) -> None:
    if identity.recorded(stack.path):
        raise ServiceFailedError(
            f"{stack.path} is another stack's folder: nothing was changed; move it away, or give"
            f" the stack its former name, {before.path.name}"
        )
    supervisor.stop(before)
    if stack.ports.exists():  # chosen by the program, before any resource
        stack.ports.replace(before.ports)
    if stack.path.exists():
        stack.path.rmdir()
    before.path.rename(stack.path)
