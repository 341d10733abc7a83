"""The doctor's findings on the machine: pure functions of facts."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from infra.diagnosis import Diagnosis
from infra.home import Home
from slipway.doctor import checks

GIB = 2**30
OK, WARNING = Diagnosis("ok", "disk", "room"), Diagnosis("warning", "memory", "small", "", "more")
ERROR = Diagnosis("error", "python", "old [3]", "3.9", "have 3.13")


@pytest.mark.parametrize(
    ("version", "level"),
    [((3, 10), "error"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "error")],
)
def test_a_python_that_the_lock_was_not_made_for_is_an_error(version, level) -> None:
    """With the way to another one."""
    finding = checks.python(version)

    assert (finding.level, bool(finding.resolution)) == (level, level == "error")
    assert finding.summary.startswith(f"Python {version[0]}.{version[1]}")


@pytest.mark.parametrize(("free", "level"), [(6 * GIB, "ok"), (6 * GIB - 1, "warning")])
def test_a_disk_with_little_room_is_a_warning(free, level) -> None:
    """A platform without data fits all the same."""
    finding = checks.disk(Path("/data"), free)

    assert finding.level == level
    assert finding.summary == "6.0 GiB free for /data"


@pytest.mark.parametrize(("size", "level"), [(2 * GIB, "ok"), (GIB, "warning")])
def test_little_memory_is_a_warning(size, level) -> None:
    """It may be slow."""
    assert checks.memory(size).level == level


def test_settings_that_are_not_there_are_an_error() -> None:
    """The other findings are told all the same."""
    assert checks.settings("local").level == "ok"
    finding = checks.settings("no-such-stack")
    assert (finding.level, finding.category) == ("error", "settings")
    assert "no-such-stack" in finding.summary


def test_a_stack_on_this_machine_is_checked_for_all_that_it_needs(tmp_path: Path) -> None:
    """Settings, Python, disk, file system, memory, tools; commands can be pasted."""
    findings = checks.examine(Home(tmp_path / "home", tmp_path / "tools"), "local")

    assert {each.category for each in findings} >= {
        *("settings", "python", "disk", "attributes", "memory", "tools")
    }
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("findings", "healthy"), [([], True), ([OK, WARNING], True), ([OK, ERROR], False)]
)
def test_only_errors_must_be_mended(findings, healthy) -> None:
    """A warning leaves the exit code 0."""
    assert checks.healthy(findings) == healthy


def test_each_finding_is_a_line_with_its_remedy_below() -> None:
    """Words in brackets are no markup."""
    text = io.StringIO()

    checks.show(Console(file=text, width=200), [OK, ERROR])

    lines = [" ".join(line.split()) for line in text.getvalue().splitlines()]
    assert lines == ["ok room", "error old [3] 3.9", "have 3.13"]
    assert checks.as_json(OK)["summary"] == "room"
