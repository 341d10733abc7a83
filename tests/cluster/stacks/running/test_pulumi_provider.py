"""The project's own program, with Pulumi's real provider for Kubernetes, on a real API server.

The provider comes from Pulumi's download site, and where it cannot be had these tests are
skipped: it is looked for on PATH and in Pulumi's own folder of plugins.
"""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from infra.home import Home
from slipway.stack import workspace as pulumi_stack
from slipway.stack.environment import environment

# All share one life of a stack, and whichever is first waits for it.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

PROVIDER = "pulumi-resource-kubernetes"
STACK = "live"
SETTING, BEFORE, AFTER = "retention", "7d", "30d"


@dataclass
class Life:
    """A stack from its first `up` to its `destroy`: what each did to which resource."""

    there_before: set[str]
    namespace: str
    done: dict[str, dict[str, str]] = field(default_factory=dict)
    objects: dict[str, dict[str, dict]] = field(default_factory=dict)
    outputs: dict[str, object] = field(default_factory=dict)

    def changed(self, operation: str) -> dict[str, str]:
        """The resources that were not left as they are."""
        kept = {"same", "read", "refresh"}
        return {name: what for name, what in self.done[operation].items() if what not in kept}


@pytest.fixture(scope="module")
def life(control_plane, stack_of, tmp_path_factory) -> Life:
    """Up, up again, a changed setting, back again, destroyed."""
    home = Home(tmp_path_factory.mktemp("home"), Home.of_environment().tools)
    require(home)
    described = stack_of("default")
    control_plane.apply_all(described.volumes)
    life = Life(control_plane.everything(), described.namespace)
    file = home.path / f"Pulumi.{STACK}.yaml"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(home).items():
            patch.setenv(name, value)
        patch.setattr(pulumi_stack, "stack_file", lambda name: file)
        for operation, retention in (
            ("up", BEFORE),
            ("second up", BEFORE),
            ("upgrade", AFTER),
            ("rollback", BEFORE),
        ):
            write(file, described, control_plane.kubeconfig, retention)
            steps: list[pulumi_stack.Step] = []
            life.outputs = pulumi_stack.up(home, STACK, steps.append)
            life.done[operation] = {step.resource: step.operation for step in steps if step.done}
            life.objects[operation] = control_plane.read_all(described.objects)
        steps = []
        pulumi_stack.destroy(home, STACK, steps.append)
        life.done["destroy"] = {step.resource: step.operation for step in steps if step.done}
    return life


def test_an_up_makes_every_object_and_waits_for_every_pod(life) -> None:
    """What the plain builders describe is there, by the provider's own hand."""
    workloads = [each for path, each in life.objects["up"].items() if "/apps/v1/" in path]

    assert set(life.changed("up").values()) == {"create"}
    assert all(each["status"]["availableReplicas"] > 0 for each in workloads)
    assert len(workloads) > 5


def test_a_second_up_changes_nothing(life) -> None:
    """Neither by Pulumi's account nor by the API server's."""
    assert life.changed("second up") == {}
    assert versions(life.objects["second up"]) == versions(life.objects["up"])


def test_an_upgrade_changes_what_the_setting_is_about_and_no_more(life) -> None:
    """How long metrics are kept is Prometheus' own matter."""
    assert life.changed("upgrade") == {"prometheus StatefulSet": "update"}
    assert AFTER in str(prometheus(life, "upgrade"))


def test_a_rollback_is_what_was_there_before(life) -> None:
    """The same settings make the same pods."""
    assert life.changed("rollback") == {"prometheus StatefulSet": "update"}
    assert specs(life.objects["rollback"]) == specs(life.objects["up"])


def test_a_destroy_leaves_nothing(life, control_plane, eventually) -> None:
    """Of all kinds that the API server has, in all namespaces."""
    assert set(life.changed("destroy").values()) == {"delete"}
    eventually(lambda: control_plane.everything() - life.there_before)


def require(home: Home) -> None:
    """Skip the test, by name, where Pulumi or its provider is not there."""
    if not (home.tools / "bin" / "pulumi").exists():
        pytest.skip(f"{home.tools}/bin has no pulumi: `make tools` brings it")
    plugins = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi") / "plugins"
    installed = sorted(plugins.glob(f"resource-kubernetes-v*/{PROVIDER}"))
    if not (installed or shutil.which(PROVIDER)):
        pytest.skip(f"{PROVIDER} is neither on PATH nor in {plugins}")


def write(file: Path, described, kubeconfig: Path, retention: str) -> None:
    """The stack's settings."""
    settings = described.settings.model_dump(mode="json", exclude_unset=True)
    reached = {"context": "control-plane", "kubeconfig": str(kubeconfig)}
    config = {f"slipway:{name}": value for name, value in settings.items()} | {
        "slipway:target": settings["target"] | reached,
        "slipway:monitoring": {SETTING: retention},
        # The pods are played: none takes a pipeline.
        "slipway:pipelines": {"upload": False},
    }
    file.write_text(yaml.safe_dump({"config": config}))


def prometheus(life: Life, operation: str) -> dict:
    return next(
        each
        for path, each in life.objects[operation].items()
        if path.endswith("/statefulsets/prometheus")
    )


def versions(objects: dict[str, dict]) -> dict[str, object]:
    """What changes when somebody changes what an object is meant to be."""
    return {path: each["metadata"].get("generation") for path, each in objects.items()}


def specs(objects: dict[str, dict]) -> dict[str, object]:
    return {path: each.get("spec", each.get("data")) for path, each in objects.items()}
