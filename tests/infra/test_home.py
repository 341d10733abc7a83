"""The home and its tools: one folder however it is spelled, remembered, and told when gone."""

from pathlib import Path

import pytest

from infra import home as home_module
from infra.errors import SettingsError, ToolMissingError
from infra.home import Home, project_name


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose tools are elsewhere."""
    (tmp_path / "tools").mkdir()
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / "h"))
    monkeypatch.setenv("SLIPWAY_TOOLS", str(tmp_path / "tools"))
    return Home.of_environment()


@pytest.mark.parametrize("spelling", ["l", "y/../h", "h/", "./h"])
def test_every_spelling_is_the_same_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    """So there is one lock, one state and one set of processes."""
    for folder in ("h", "y"):
        (tmp_path / folder).mkdir()
    (tmp_path / "l").symlink_to(tmp_path / "h")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLIPWAY_HOME", spelling)
    monkeypatch.setenv("SLIPWAY_TOOLS", spelling)

    assert Home.of_environment() == Home(tmp_path / "h", tmp_path / "h")


def test_a_home_remembers_where_its_tools_are(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SLIPWAY_TOOLS it goes on with them; one that is named counts more."""
    home.remember_tools()
    monkeypatch.delenv("SLIPWAY_TOOLS")
    assert Home.of_environment() == home

    monkeypatch.setenv("SLIPWAY_TOOLS", "/elsewhere")
    assert Home.of_environment().tools == Path("/elsewhere")


def test_tools_in_the_home_move_with_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered of them, nor of others before them."""
    home.remember_tools()
    monkeypatch.delenv("SLIPWAY_TOOLS")
    Home(home.path, home.path / "tools").remember_tools()

    assert not home.tools_record.exists()
    assert Home.of_environment().tools == home.path / "tools"


def test_tools_that_are_gone_are_one_line(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they were, and the two ways on; nothing is built in silence."""
    home.remember_tools()
    home.tools.rmdir()
    monkeypatch.delenv("SLIPWAY_TOOLS")

    with pytest.raises(ToolMissingError) as caught:
        Home.of_environment()

    assert str(caught.value) == (
        f"the tools of {home.path} are in {home.tools}, which is not there: name their folder in"
        f" SLIPWAY_TOOLS, or remove {home.tools_record} to have them brought anew"
    )


def test_the_project_is_called_what_its_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork changes it there and nowhere else."""
    monkeypatch.setattr(home_module, "ROOT", tmp_path)
    (tmp_path / "Pulumi.yaml").write_text("name: acme-ml\n")

    assert project_name.__wrapped__() == "acme-ml"


@pytest.mark.parametrize("text", [None, "", "runtime: python", "a: b: c"])
def test_a_project_without_a_name_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    """The file is named."""
    monkeypatch.setattr(home_module, "ROOT", tmp_path)
    if text is not None:
        (tmp_path / "Pulumi.yaml").write_text(text)

    with pytest.raises(SettingsError, match=r"Pulumi\.yaml names no project"):
        project_name.__wrapped__()


@pytest.mark.parametrize("sign", [":", "\n"])
@pytest.mark.parametrize("variable", ["SLIPWAY_HOME", "SLIPWAY_TOOLS"])
def test_a_sign_that_cannot_be_is_named_with_its_folder(
    home: Home, monkeypatch: pytest.MonkeyPatch, variable: str, sign: str
) -> None:
    """In one line, before anything is done."""
    monkeypatch.setenv(variable, f"{home.path}/a{sign}b")

    with pytest.raises(SettingsError) as caught:
        Home.of_environment()

    assert str(caught.value) == (
        f"{f'{home.path}/a{sign}b'!r}, the folder of {variable}, has the sign {sign!r} in its path,"
        " which cannot be: take another folder"
    )


def test_a_percent_sign_cannot_be_in_the_projects_path_only(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow's migrations lie in the project's environment."""
    monkeypatch.setenv("SLIPWAY_HOME", f"{home.path}/100%")
    assert Home.of_environment().path.name == "100%"

    monkeypatch.setattr(home_module, "ROOT", tmp_path / "100%")
    with pytest.raises(SettingsError, match="the folder of the project, has the sign '%'"):
        Home.of_environment()
