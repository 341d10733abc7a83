"""A project or stack that was renamed while it was up: found, said in one line, taken along."""

import json
from pathlib import Path

import pytest

from infra import pulumi_state
from infra.errors import SlipwayError
from infra.home import Home
from slipway.exits import NotUpError
from slipway.stack import recovery, renamed, workspace


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home of the project `acme-ml`."""
    for module in (renamed, pulumi_state, workspace):
        monkeypatch.setattr(module, "project_name", lambda: "acme-ml")
    return Home(tmp_path / "home", tmp_path / "tools")


def put(home: Home, project: str, name: str, folder: str = "") -> None:
    """A state, of a stack of processes if it has a folder."""
    supervisor = {
        "type": "pulumi-python:dynamic/processes:Supervisor",
        "outputs": {"stack": f"/somewhere/stacks/{folder}"},
    }
    state = {"checkpoint": {"latest": {"resources": [supervisor] if folder else []}}}
    path = home.state / ".pulumi" / "stacks" / project / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(state))


def test_a_stack_that_nobody_renamed_is_its_own(home: Home) -> None:
    """Beside others, and before it is there."""
    renamed.require_own(home, "local")
    put(home, "acme-ml", "local", "local")
    put(home, "acme-ml", "staging", "staging")
    put(home, "acme-ml", "kind")

    for name in ("local", "staging", "kind", "other"):
        renamed.require_own(home, name)
        renamed.require_settled(home, name)


@pytest.mark.parametrize("folder", ["local", ""], ids=["of processes", "on a cluster"])
def test_a_stack_of_the_former_project_is_found(home: Home, folder: str) -> None:
    """And the command that takes it along is one that can be pasted."""
    put(home, "slipway", "local", folder)

    with pytest.raises(NotUpError) as caught:
        renamed.require_own(home, "local")

    assert str(caught.value) == (
        "stack local is in the state of project slipway, and Pulumi.yaml calls the project acme-ml"
        " now: run `slipway rename --stack local` to take it along"
    )


def test_the_folder_of_a_renamed_stack_is_not_another_ones(home: Home) -> None:
    """Neither `up` nor `down` by the former name reaches it, until the renamed one was up."""
    put(home, "acme-ml", "prod", "local")

    with pytest.raises(
        NotUpError, match="stack local was renamed to prod: run `slipway up --stack"
    ):
        renamed.require_own(home, "local")
    renamed.require_own(home, "prod")
    with pytest.raises(SlipwayError, match="stack prod was renamed from local"):
        renamed.require_settled(home, "prod")


@pytest.mark.parametrize("text", ["", "{", '{"checkpoint": {"latest": null}}', "[]"])
def test_a_state_that_was_cut_off_counts_by_its_name(home: Home, text: str) -> None:
    """It may still be mended by its own project."""
    put(home, "slipway", "local", "local")
    pulumi_state.files_by_project(home)[0].write_text(text)

    with pytest.raises(NotUpError, match="is in the state of project slipway"):
        renamed.require_own(home, "local")


def test_what_is_not_there_cannot_be_taken_along(home: Home) -> None:
    """What there is, is named; a stack that is there is not overwritten."""
    with pytest.raises(SlipwayError, match="no other stack local to rename; there are: none"):
        renamed.take_along(home, "local", "local")
    put(home, "slipway", "local", "local")
    with pytest.raises(SlipwayError, match="there are: local of project slipway"):
        renamed.take_along(home, "local", "prod")
    put(home, "acme-ml", "local", "local")
    with pytest.raises(SlipwayError, match="there is a stack local of project acme-ml already"):
        renamed.take_along(home, "local", "local")


@pytest.mark.parametrize(
    ("former", "full"),
    [("local", "organization/slipway/local"), ("old", "organization/acme-ml/old")],
    ids=["the project", "the stack"],
)
def test_a_stack_is_taken_along(
    home: Home, former: str, full: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the project that had it, or by its own former name."""
    put(home, "slipway", "local", "local")
    put(home, "acme-ml", "old", "old")
    done: list[tuple] = []
    monkeypatch.setattr(workspace, "rename", lambda _home, *names: done.append(names))

    renamed.take_along(home, "local", former)

    assert done == [("local", full)]


def test_the_home_stays_while_another_project_has_a_stack_in_it(home: Home) -> None:
    """`down` of the last stack of one project is not the end of the other's."""
    put(home, "slipway", "local", "local")

    recovery.remove_home(home)

    assert pulumi_state.files_by_project(home)
