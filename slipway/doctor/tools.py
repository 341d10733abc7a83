"""What `slipway doctor` says of the tools. Pure: how a tool was resolved -> a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.diagnosis import Diagnosis
from infra.versions import GO_AT_LEAST
from slipway.toolchain.catalogue import TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.toolchain.resolution import Resolution

_CATEGORY = "tools"
_CAME = {
    "path": "found on PATH",
    "cache": "in the project's cache",
    "release": "just fetched from its release",
    "go": "just built with Go",
}


def diagnose(name: str, resolution: Resolution | None) -> Diagnosis:
    """One line on one tool of the catalogue, None being a tool that is not here."""
    if resolution:
        return _present(resolution)
    return _absent(name) if TOOLS[name].go else _optional(name)


def diagnose_all(resolutions: Mapping[str, Resolution | None]) -> list[Diagnosis]:
    """One line a tool, in the order of the catalogue."""
    return [diagnose(name, resolutions[name]) for name in TOOLS if name in resolutions]


def _present(resolution: Resolution) -> Diagnosis:
    summary = f"{resolution.name} {resolution.version} {_CAME[resolution.source]}"
    return Diagnosis("ok", _CATEGORY, summary, detail=str(resolution.path))


def _absent(name: str) -> Diagnosis:
    return Diagnosis(
        "error",
        _CATEGORY,
        f"{name} is not here yet",
        detail=f"accepted on PATH: {TOOLS[name].pin.accepted}",
        resolution=(
            f"`slipway tools install` brings {TOOLS[name].pin.version} from its release, or "
            f"builds it with Go {GO_AT_LEAST} or newer"
        ),
    )


def _optional(name: str) -> Diagnosis:
    return Diagnosis(
        "warning",
        _CATEGORY,
        f"{name} is not here; the platform does without it",
        detail=f"accepted on PATH: {TOOLS[name].pin.accepted}",
        resolution=(
            f"`slipway tools install` brings {TOOLS[name].pin.version} where its release can "
            f"be reached; it cannot be built from a Go module"
        ),
    )
