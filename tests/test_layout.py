"""The shape of the project: who may import whom, and that no test is left out."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "components",
    "contracts",
    "infra",
    "monitoring",
    "pipelines",
    "serving",
    "slipway",
    "usecases",
)
MAY_IMPORT = {
    "components": {"contracts", "usecases"},
    "contracts": set(),
    "infra": {"contracts", "monitoring"},
    "monitoring": {"contracts"},
    "pipelines": {"components", "contracts", "usecases"},
    "serving": {"contracts"},
    "slipway": set(ROOMS),
    "usecases": {"contracts"},
}
FORBIDDEN_IN_LOGIC = {"kfp", "pulumi"}


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way(room: str) -> None:
    """A room imports only the rooms it may."""
    wrong = {
        str(path.relative_to(ROOT)): strangers
        for path in sources(room)
        if (strangers := imported(path) & (set(ROOMS) - {room} - MAY_IMPORT[room]))
    }

    assert wrong == {}


def test_logic_knows_neither_kfp_nor_pulumi() -> None:
    """What a step computes can be used without any orchestrator."""
    logic = [*(ROOT / "components").glob("*/logic.py"), *sources("usecases")]

    wrong = {str(path): names for path in logic if (names := imported(path) & FORBIDDEN_IN_LOGIC)}

    assert logic
    assert wrong == {}


def test_every_component_is_logic_and_a_thin_wrapper() -> None:
    """Each step has both files, and the wrapper's function bodies stay under 25 lines."""
    folders = [path for path in (ROOT / "components").iterdir() if (path / "component.py").exists()]
    assert folders
    for folder in folders:
        assert (folder / "logic.py").exists(), folder
        for node in ast.walk(ast.parse((folder / "component.py").read_text())):
            if isinstance(node, ast.FunctionDef):
                body = node.body[-1].end_lineno - node.body[0].lineno + 1
                assert body <= 25, f"{folder.name}: {node.name} has {body} lines"


def test_no_module_hides_one_of_the_standard_library() -> None:
    """`infra/` becomes sys.path[0] when Pulumi runs it."""
    inside = {path.stem for path in (ROOT / "infra").iterdir()} - {"__init__", "__main__"}

    assert inside & sys.stdlib_module_names == set()


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    """Files are named by their subject."""
    names = {path.name for room in ROOMS for path in sources(room)}

    assert names & {"utils.py", "helpers.py", "common.py", "misc.py"} == set()


def test_functions_are_short() -> None:
    """No function has more than 50 lines."""
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": node.end_lineno - node.lineno + 1
        for room in ROOMS
        for path in sources(room)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > 50
    }

    assert long == {}


def test_every_test_file_is_collected() -> None:
    """A test that never runs is no test."""
    listing = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    collected = {line.split("::")[0] for line in listing.splitlines() if "::" in line}
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")}

    assert files - collected == set()


def test_test_files_are_named_apart() -> None:
    """One name, one file: a report's line points at one place."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]

    assert sorted(names) == sorted(set(names))
