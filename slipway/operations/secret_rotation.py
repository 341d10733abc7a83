"""The generated secrets of a stack: which there are, and new ones in their place.

A new secret is a replaced resource like any other: all that reads it is changed with it, and
restarted. What somebody chose in the settings is theirs to change there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.errors import SettingsError
from infra.wiring import signing
from slipway.exits import NotUpError
from slipway.stack import lock, recovery, workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.home import Home
    from slipway.progress import Progress

_TYPE = "pulumi-python:dynamic/processes:Secret"


def names(home: Home, name: str) -> list[str]:
    """The names of the secrets that the stack generated.

    Raises:
        NotUpError: the stack is not up.
    """
    return sorted(_urns(home, name))


def text(home: Home, name: str, wanted: str) -> str:
    """What a generated secret is.

    Raises:
        NotUpError: the stack is not up.
        SettingsError: there is no secret of that name.
    """
    known = names(home, name)
    if wanted not in known:
        raise _unknown([wanted], name, known)
    secrets: dict[str, str] = workspace.outputs(home, name)["secrets"]
    return secrets[wanted]


def rotate(home: Home, name: str, wanted: Sequence[str], progress: Progress) -> list[str]:
    """Make these secrets anew, or all if none is named; the names of those that were.

    Raises:
        NotUpError: the stack is not up.
        SettingsError: a name is not that of a generated secret.
        SlipwayError: Pulumi's account of what failed; run again, it goes on from there.
    """
    with lock.hold(home.lock(name), name, "secrets rotate"):
        recovery.clear(home, name)
        known = _urns(home, name)
        if signing.PRIVATE_KEY in wanted:
            raise SettingsError(
                f"{signing.PRIVATE_KEY}: count slipway:serving.signing.key up by one and run"
                " `slipway up`: the key before it stays trusted, so that what is released stays"
                " servable"
            )
        if unknown := sorted(set(wanted) - set(known)):
            raise _unknown(unknown, name, sorted(known))
        renewed = sorted(wanted) or sorted(known)
        progress.title("New secrets")
        workspace.up(home, name, progress.step, replace=[known[secret] for secret in renewed])
        return renewed


def _unknown(wanted: Sequence[str], name: str, known: Sequence[str]) -> SettingsError:
    return SettingsError(
        f"{', '.join(wanted)}: no secret that stack {name} generated; those are {', '.join(known)}"
    )


def _urns(home: Home, name: str) -> dict[str, str]:
    """The identity in the state of each generated secret, by its name."""
    if not workspace.exists(home, name):
        raise NotUpError(f"stack {name} is not up: run `slipway up`")
    return {
        resource["id"]: resource["urn"]
        for resource in workspace.resources(home, name)
        if resource["type"] == _TYPE
    }
