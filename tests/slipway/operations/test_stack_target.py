"""Where a stack stands: found once from its settings, the same interface for both."""

import inspect
from pathlib import Path

import pytest

from infra.errors import SettingsError
from infra.home import StackDir
from infra.settings.tree import Settings
from slipway.commands import target
from slipway.operations import training
from slipway.operations.cluster.target import ClusterTarget
from slipway.operations.processes.target import ProcessTarget
from slipway.operations.target import Target
from slipway.stack.running import Running

OPERATIONS = sorted(name for name in vars(Target) if not name.startswith("_"))


@pytest.mark.parametrize(
    ("stack", "kind"),
    [("local", ProcessTarget), ("existing", ClusterTarget), ("kind", ClusterTarget)],
)
def test_a_stack_s_settings_name_its_target(stack: str, kind: type) -> None:
    """With those very settings in it."""
    found = target.of_stack(stack)

    assert type(found) is kind
    assert (found.stack, found.settings.target.kind == "processes") == (stack, stack == "local")


def test_a_stack_without_settings_has_no_target() -> None:
    """As no command has anything to do with it."""
    with pytest.raises(SettingsError, match=r"no stack file Pulumi\.nothing\.yaml"):
        target.of_stack("nothing")


@pytest.mark.parametrize("kind", [ProcessTarget, ClusterTarget])
@pytest.mark.parametrize("name", OPERATIONS)
def test_both_targets_have_every_operation(kind: type, name: str) -> None:
    """With the parameters that commands call it with."""
    here, there = (getattr(each, name, None) for each in (Target, kind))
    if not callable(here):
        assert name in {*vars(kind), *inspect.signature(kind).parameters}
        return
    names = [
        [parameter.lstrip("_") for parameter in inspect.signature(each).parameters]
        for each in (here, there)
    ]
    assert names[0] == names[1]


def test_steps_find_what_the_stack_s_own_settings_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not what the defaults would."""
    monkeypatch.setenv("PASSED_ON", "yes")
    monkeypatch.setenv("KEPT_BACK", "no")
    services = {name: {"url": f"http://{name}:1"} for name in ("tracking", "registry")}
    s3 = {"kind": "s3", "bucket_prefix": "ours", "access_key": "a", "secret_key": "b"}
    cluster = Settings.model_validate(
        {"target": {"kind": "existing", "context": "c", "object_store": s3}}
    )
    local = Settings.model_validate({"target": {"step_variables": ["PASSED_ON"]}})
    keys = {"object-store-access-key": "a", "object-store-secret-key": "b"}
    running = Running(services | {"object-store": {"url": "http://object-store:2"}}, keys)
    folder = StackDir(tmp_path)

    here = training.step_environment(running, local, folder)
    there = running.step_environment(cluster)

    assert (here["PASSED_ON"], here["HOME"]) == ("yes", str(tmp_path / "home"))
    assert "KEPT_BACK" not in here
    assert (here["SLIPWAY_LAKE"], there["SLIPWAY_LAKE"]) == ("s3://lake", "s3://ours-lake")
    assert here["AWS_ENDPOINT_URL"] == "http://object-store:2"
    assert there["AWS_ENDPOINT_URL"] == "https://s3.amazonaws.com"
