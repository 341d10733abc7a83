"""Provider plugins: which, where they are looked for, and what is said of one that is not."""

from importlib.metadata import version
from pathlib import Path

import pytest

from infra.errors import ToolMissingError
from infra.home import Home
from infra.settings import reading
from slipway.stack import plugins
from slipway.stack.plugins import Plugin


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home, with no tools either."""
    return Home(tmp_path / "home", tmp_path / "tools")


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ({}, []),
        ({"kind": "existing", "context": "home"}, ["kubernetes"]),
        ({"kind": "kind"}, ["kubernetes", "docker", "docker-build"]),
        ({"kind": "kind", "images": {"ours": {"kind": "released"}}}, ["kubernetes", "docker"]),
    ],
)
def test_a_stack_needs_the_plugins_of_what_it_makes(target: dict, names: list[str]) -> None:
    """In the versions of the packages that speak to them."""
    chosen = reading.parse({"target": target}, source="S")

    assert plugins.of_stack(chosen) == [Plugin(name, version(f"pulumi-{name}")) for name in names]


def test_a_plugin_is_found_in_pulumi_s_home_and_on_path(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only in its own version there."""
    plugin = Plugin("kubernetes", "4.1.0")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    assert plugins.find(plugin, home) is None
    for folder in ("resource-kubernetes-v4.1.0", "resource-kubernetes-v4.0.0"):
        program = home.pulumi / "plugins" / folder / "pulumi-resource-kubernetes"
        program.parent.mkdir(parents=True)
        program.touch()

    assert plugins.find(plugin, home) == home.pulumi / "plugins" / "resource-kubernetes-v4.1.0"
    assert plugins.find(Plugin("kubernetes", "4.2.0"), home) is None
    on_path = tmp_path / "path" / "pulumi-resource-kubernetes"
    on_path.parent.mkdir()
    on_path.touch(mode=0o755)
    assert plugins.find(Plugin("kubernetes", "4.2.0"), home) == str(on_path)


def test_a_plugin_that_cannot_be_had_is_one_line(home: Home) -> None:
    """Whatever Pulumi's own words are, with the command that gets it."""
    pulumi = home.tools / "bin" / "pulumi"
    pulumi.parent.mkdir(parents=True)
    pulumi.write_text("#!/bin/sh\necho 'warning: x' >&2\necho 'error: no route' >&2\nexit 255\n")
    pulumi.chmod(0o755)
    said: list[tuple[str, str]] = []

    with pytest.raises(ToolMissingError) as told:
        plugins.ensure([Plugin("nobody", "1.2.3")], home, lambda *words: said.append(words))

    assert str(told.value) == (
        "pulumi-resource-nobody 1.2.3 is not here: no route: where Pulumi's download site can be"
        " reached, run"
        " `pulumi plugin install resource nobody 1.2.3`; or put the program on PATH"
    )
    assert said == [("pulumi-resource-nobody", "fetching 1.2.3")]


def test_a_plugin_that_is_not_here_is_a_warning_of_doctor() -> None:
    """It may yet be fetched."""
    found = plugins.diagnose(Plugin("kubernetes", "4.1.0"), None)

    assert (found.level, found.summary) == (
        "warning",
        "pulumi-resource-kubernetes 4.1.0 is not here yet",
    )
    assert "pulumi plugin install resource kubernetes 4.1.0" in found.resolution
