"""The program: the settings' target decides what is stood up, and is all that is loaded."""

import subprocess
import sys

import pytest

from infra import program
from infra.cluster import Cluster
from infra.clusters import existing
from infra.errors import ClusterError
from infra.settings.reading import parse
from infra.settings.target import Existing


def test_an_existing_cluster_is_what_the_settings_say() -> None:
    """Every field of the setting arrives; nothing is asked of the cluster."""
    settings = Existing(
        context="home",
        kubeconfig="/k",
        namespace="mlops",
        storage_class="fast",
        api_servers="10.0.0.0/28",
    )

    assert existing.cluster(settings) == Cluster(
        context="home",
        kubeconfig="/k",
        namespace="mlops",
        storage_class="fast",
        api_servers="10.0.0.0/28",
    )


@pytest.mark.parametrize(
    ("target", "chosen"),
    [({}, "_on_this_machine"), ({"kind": "existing", "context": "home"}, "_on_a_cluster")],
)
def test_the_kind_of_target_decides(
    target: dict, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One kind, one way to stand up."""
    for name in ("_on_this_machine", "_on_a_cluster"):
        monkeypatch.setattr(program, name, lambda _settings, _target, name=name: name)

    assert program._platform(parse({"target": target}, source="S")) == chosen


def test_a_laptop_does_not_pay_for_kubernetes() -> None:
    """The process target loads nothing of pulumi-kubernetes."""
    code = (
        "import sys, infra.program, infra.targets.processes.target;"
        " print('pulumi_kubernetes' in sys.modules)"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert said == "False\n"


def test_plain_pulumi_up_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    """The program examines the cluster before it describes a single resource."""
    monkeypatch.setattr("infra.clusters.of", lambda _target: pytest.fail("a cluster was made"))
    target = {"kind": "existing", "context": "home", "kubeconfig": str(tmp_path / "none")}
    chosen = parse({"target": target}, source="S")

    with pytest.raises(ClusterError, match=r"no kubeconfig .*\(nothing was changed\)$"):
        program._on_a_cluster(chosen, chosen.target)
