"""Lands a use case's source tables in the lake, as the source gave them.

Owns the order: read all, then write all, so that an unreadable file changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components import lake

if TYPE_CHECKING:
    import polars as pl

    from usecases.contract import UseCase


def ingest(usecase: UseCase, root: str, source: str, months: str) -> dict[str, Any]:
    """Return the version label of what this run reads, and each table's snapshot.

    Raises:
        StepError: see `land`.
    """
    _, snapshots = land(usecase, root, source, months)
    return described(snapshots)


def land(
    usecase: UseCase, root: str, source: str, months: str
) -> tuple[dict[str, pl.DataFrame], dict[str, lake.Snapshot]]:
    """Bring the source's tables to the lake; return each one's rows and snapshot.

    `root` is the lake's root, `source` a folder ("" for the use case's own).

    Raises:
        StepError: see `UseCase.read` and `lake.land`.
    """
    tables = usecase.read(source, months)
    place = f"{root.rstrip('/')}/{usecase.model}"
    snapshots = {name: lake.land(f"{place}/{name}", table) for name, table in tables.items()}
    return {name: table.frame for name, table in tables.items()}, snapshots


def described(snapshots: dict[str, lake.Snapshot]) -> dict[str, Any]:
    """Return snapshots as the step passes them on, with their version label."""
    return {
        "version": version_label(snapshots),
        "tables": {name: snapshot.as_json() for name, snapshot in snapshots.items()},
    }


def version_label(snapshots: dict[str, lake.Snapshot]) -> str:
    """Return e.g. `flights@3,planes@0,weather@3`: enough to read the same rows again."""
    return ",".join(f"{name}@{snapshots[name].version}" for name in sorted(snapshots))
