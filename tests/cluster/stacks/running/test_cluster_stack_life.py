"""`slipway up`, `status` and `down` of a cluster's stack, with Pulumi's real provider.

Pods are played, so none answers: what is asked of one is one line.
"""

from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from infra.errors import ClusterError, SlipwayError
from infra.home import Home
from infra.settings import reading
from slipway.operations.cluster import logs, status, up
from slipway.progress import Progress
from slipway.stack import plugins
from slipway.stack import workspace as pulumi_stack
from slipway.stack.environment import own
from slipway.stack.plugins import Plugin

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

STACK = "command-line"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of its own, with the tools of all."""
    home = Home(tmp_path / "home", Home.of_environment().tools)
    if not (home.tools / "bin" / "pulumi").exists():
        pytest.skip(f"{home.tools}/bin has no pulumi: `make tools` brings it")
    if not plugins.find(Plugin("kubernetes", version("pulumi-kubernetes")), home):
        pytest.skip("pulumi-resource-kubernetes is not on PATH")
    for name, value in own(home).items():
        monkeypatch.setenv(name, value)
    return home


def test_a_stack_goes_up_is_looked_at_and_goes_down(
    control_plane, stack_of, eventually, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One life by the command line's own functions, in a cluster that is left as it was."""
    described = stack_of("default")
    control_plane.apply_all(described.volumes)
    before = control_plane.everything()
    file = home.path / f"Pulumi.{STACK}.yaml"
    file.parent.mkdir(parents=True)
    target = described.settings.target.model_dump(mode="json", exclude_unset=True)
    target |= {"context": "control-plane", "kubeconfig": str(control_plane.kubeconfig)}
    file.write_text(
        yaml.safe_dump(
            {"config": {"slipway:target": target, "slipway:pipelines": {"upload": False}}}
        )
    )
    monkeypatch.setattr(pulumi_stack, "stack_file", lambda _name: file)
    chosen = reading.from_file(file)
    progress = Progress(Console(quiet=True))

    running = up.provision(home, STACK, chosen, progress)

    assert running.cluster["context"] == "control-plane"
    found = status.states(running)
    assert [(each.name, each.state) for each in found] == [(n, "up") for n in running.services]
    with pytest.raises(ClusterError, match="no log of serving"):
        list(logs.lines(running, "serving", 5))
    with pytest.raises(SlipwayError, match="tracking"):
        running.champion("flight-delays", "champion")

    up.destroy(home, STACK, chosen, progress)

    assert not pulumi_stack.exists(home, STACK)
    eventually(lambda: control_plane.everything() - before)
