"""Where the stack of a command stands: found once, from its settings."""

# PLC0415: neither target pays for the other's imports.
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.home import Home, stack_file

if TYPE_CHECKING:
    from slipway.operations.target import Target


def of_stack(stack: str) -> Target:
    """The target of a stack, whether it is up or not.

    Raises:
        SettingsError: there are no such settings, or they are wrong.
    """
    from infra.settings import reading

    home, settings = Home.of_environment(), reading.from_file(stack_file(stack))
    if settings.cluster is None:
        from slipway.operations.processes.target import ProcessTarget

        return ProcessTarget(home, stack, settings)
    from slipway.operations.cluster.target import ClusterTarget

    return ClusterTarget(home, stack, settings, settings.cluster)
