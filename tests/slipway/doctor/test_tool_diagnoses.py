"""One line of the doctor for every way a tool can be, or not be, here."""

from pathlib import Path

import pytest

from infra.diagnosis import Diagnosis
from slipway.doctor.tools import diagnose, diagnose_all
from slipway.toolchain import TOOLS, Resolution

PATH = Path("/opt/bin/registry")


@pytest.mark.parametrize(
    ("source", "came"),
    [
        ("path", "found on PATH"),
        ("cache", "in the project's cache"),
        ("release", "just fetched from its release"),
        ("go", "just built with Go"),
    ],
)
def test_a_tool_that_is_here_is_well(source: str, came: str) -> None:
    """Its version, how it came, and where it is."""
    resolution = Resolution("registry", PATH, "3.1.2", source)

    assert diagnose("registry", resolution) == Diagnosis(
        "ok", "tools", f"registry 3.1.2 {came}", detail="/opt/bin/registry"
    )


def test_a_tool_that_is_missing_is_an_error() -> None:
    """What would do, and how to get it."""
    assert diagnose("registry", None) == Diagnosis(
        "error",
        "tools",
        "registry is not here yet",
        detail="accepted on PATH: 3.0.0 or newer, below 4",
        resolution=(
            "`slipway tools install` brings 3.1.2 from its release, or builds it with "
            "Go 1.26.0 or newer"
        ),
    )


def test_a_tool_that_can_be_done_without_is_a_warning() -> None:
    """Nothing is broken, something is less."""
    assert diagnose("grafana", None) == Diagnosis(
        "warning",
        "tools",
        "grafana is not here; the platform does without it",
        detail="accepted on PATH: 11.0.0 or newer, below 14",
        resolution=(
            "`slipway tools install` brings 12.4.6 where its release can be reached; "
            "it cannot be built from a Go module"
        ),
    )


def test_tools_are_reported_in_the_catalogue_s_order() -> None:
    """One line each, whatever the order they were looked up in."""
    resolutions = dict.fromkeys(reversed(TOOLS))

    found = diagnose_all(resolutions)

    assert [diagnosis.summary.split()[0] for diagnosis in found] == list(TOOLS)
