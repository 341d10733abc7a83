"""kind's command line, the real one where it is at hand, and a Docker that is not there."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.clusters.kind import cli, plan
from infra.clusters.kind.plan import Plan
from infra.errors import ClusterError
from infra.home import Home

PLAN = Plan(name="slipway-test", image=plan.KIND_NODE, workers=1, registry_port=5001)
NO_DOCKER = """\
ERROR: failed to create cluster: failed to get docker info: command "docker info" failed with \
error: exit status 1

Command Output: {"ID":""}
Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?
"""
NO_IMAGE = """\
Creating cluster "slipway" ...
 x Ensuring node image (kindest/node:v1.36.4)
ERROR: failed to create cluster: failed to pull image "kindest/node:v1.36.4": command "docker \
pull kindest/node:v1.36.4" failed with error: exit status 1

Command Output: Error response from daemon: dial tcp: lookup registry-1.docker.io: unreachable
"""
WRONG_ROLE = 'ERROR: failed to create cluster: [node 0: "boss" is not a valid node role]\n'


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            NO_DOCKER,
            "failed to create cluster: failed to get docker info: Cannot connect to the Docker"
            " daemon at unix:///var/run/docker.sock. Is the docker daemon running?; start Docker",
        ),
        (
            NO_IMAGE,
            'failed to create cluster: failed to pull image "kindest/node:v1.36.4": Error response'
            " from daemon: dial tcp: lookup registry-1.docker.io: unreachable; let this machine"
            " reach the image's registry, or `docker load` the image",
        ),
        (
            WRONG_ROLE,
            'failed to create cluster: [node 0: "boss" is not a valid node role]; the same command'
            " by hand, with --retain, keeps its nodes and logs",
        ),
        (
            'ERROR: failed to list clusters: command "docker ps" failed with error: exec:'
            ' "docker": executable file not found in $PATH\n',
            'failed to list clusters: exec: "docker": executable file not found in $PATH;'
            " install Docker",
        ),
        (
            "first\nError: No such container: x\n",
            "Error: No such container: x; the same command by hand, with --retain, keeps its"
            " nodes and logs",
        ),
    ],
)
def test_what_kind_says_becomes_one_line(said: str, line: str) -> None:
    """Its own reason, and what to do; as it really prints them."""
    assert cli.cause(said) == line


@pytest.fixture
def kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real kind on PATH, and a home of its own."""
    folder = Home.of_environment().tools / "bin"
    found = shutil.which("kind", path=f"{folder}{os.pathsep}{os.environ['PATH']}")
    if not found:
        pytest.skip("kind is not here: `slipway tools install --stack kind` brings it")
    if not shutil.which("docker"):
        pytest.skip("docker's command line is not here")
    monkeypatch.setenv("PATH", f"{Path(found).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLIPWAY_HOME", str(tmp_path / "home"))


@pytest.fixture
def no_docker(kind: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Docker whose daemon does not run."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")


def test_a_docker_that_does_not_run_is_one_line(no_docker: None, tmp_path: Path) -> None:
    """The real kind is asked; nothing is begun that a next run would have to undo."""
    with pytest.raises(ClusterError, match=r"^kind get clusters: .*; start Docker$") as told:
        cli.create(PLAN)

    assert "\n" not in str(told.value)
    assert not (tmp_path / "home").exists()


def test_a_missing_kind_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And who says how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SLIPWAY_TOOLS", str(tmp_path))

    with pytest.raises(ClusterError, match=r"^kind is not on PATH: `slipway doctor` says how"):
        cli.names()


@pytest.fixture
def docker(kind: None, tmp_path_factory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A real Docker daemon of the test's own, in a network that leads nowhere."""
    if os.geteuid() != 0 or not shutil.which("dockerd") or not shutil.which("unshare"):
        pytest.skip("no dockerd that this test may start: it takes root")
    folder = tmp_path_factory.mktemp("d")
    address = f"unix://{folder}/docker.sock"
    places = [f"--{name}={folder}/{name}" for name in ("data-root", "exec-root", "pidfile")]
    options = ["--iptables=false", "--ip6tables=false", "--storage-driver=vfs", f"--host={address}"]
    with (folder / "log").open("w") as log:
        daemon = subprocess.Popen(
            ["unshare", "--net", "dockerd", *places, *options], stdout=log, stderr=log
        )
    monkeypatch.setenv("DOCKER_HOST", address)
    deadline = time.monotonic() + 60
    while subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        if daemon.poll() is not None or time.monotonic() > deadline:
            daemon.kill()
            pytest.skip(f"dockerd does not start here: {(folder / 'log').read_text()[-300:]}")
        time.sleep(0.2)
    yield
    daemon.terminate()
    daemon.wait(60)


def test_kind_takes_the_configuration_and_wants_its_node_image(docker: None) -> None:
    """The real kind, a real Docker: it gets as far as the image, and leaves nothing."""
    assert cli.names() == []

    with pytest.raises(ClusterError, match=r"failed to pull image .*; let this machine") as told:
        cli.create(PLAN)

    assert "\n" not in str(told.value)
    assert PLAN.image.removeprefix("docker.io/") in str(told.value)
    containers = subprocess.run(["docker", "ps", "-aq"], capture_output=True, check=True)
    assert containers.stdout == b""


def node(name: str, cluster: str) -> None:
    """A container that kind takes for a node of a cluster: of an empty image, never started."""
    subprocess.run(
        ["docker", "import", "-", "empty:1"], input=b"\0" * 10240, capture_output=True, check=True
    )
    label = f"io.x-k8s.kind.cluster={cluster}"
    role = "io.x-k8s.kind.role=control-plane"
    command = ["docker", "create", "--name", name, "--label", label, "--label", role]
    subprocess.run([*command, "empty:1", "/none"], capture_output=True, check=True)


def test_a_cluster_of_somebody_else_is_left_alone(docker: None) -> None:
    """Its name is taken, and it stays."""
    node("slipway-test-control-plane", PLAN.name)

    with pytest.raises(ClusterError, match=r"has a cluster 'slipway-test' already, which this"):
        cli.create(PLAN)

    assert cli.names() == [PLAN.name]


def test_what_a_killed_create_left_is_removed_first(docker: None) -> None:
    """The next `up` begins anew, and says what it then lacks."""
    node("slipway-test-control-plane", PLAN.name)
    marker = cli._marker(PLAN)
    marker.parent.mkdir(parents=True)
    marker.touch()

    with pytest.raises(ClusterError, match="failed to pull image"):
        cli.create(PLAN)

    assert cli.names() == []


def test_a_deleted_cluster_is_gone_and_may_be_deleted_again(docker: None) -> None:
    """By kind's own account."""
    node("slipway-test-control-plane", PLAN.name)

    cli.delete(PLAN.name)
    cli.delete(PLAN.name)

    assert cli.names() == []
