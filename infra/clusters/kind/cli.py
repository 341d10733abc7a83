"""Clusters of kind's, made and deleted with its command line: plain functions.

Pulumi's side of it is in `kind`. A kubeconfig of the user's is never touched.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra import programs
from infra.clusters.kind import plan as kind_plan
from infra.errors import ClusterError
from infra.home import Home
from infra.programs import last_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.clusters.kind.plan import Plan

_READY = "300s"
_SECONDS = 1200
_ADMIN = "--kubeconfig=/etc/kubernetes/admin.conf"
_ERROR = re.compile(r"^ERROR: (?P<error>.*?)(?:: command \".*)?$", re.MULTILINE)
_OUTPUT = re.compile(r"^Command Output: (?P<output>.*)\Z", re.MULTILINE | re.DOTALL)
_EXIT = re.compile(r"failed with error: (?P<why>.*)$", re.MULTILINE)
_REMEDIES = (
    ('"docker": executable file not found', "install Docker"),
    ("Docker daemon", "start Docker"),
    ("pull image", "let this machine reach the image's registry, or `docker load` the image"),
    ("port is already allocated", "free the port"),
)
_ELSE = "the same command by hand, with --retain, keeps its nodes and logs"


def create(plan: Plan) -> str:
    """Make the cluster with its nodes told of the registry; the kubeconfig of it.

    Raises:
        ClusterError: kind or Docker says why not, and nothing is left; or there is a cluster
            of that name that this project did not make.
    """
    marker = _marker(plan)
    if plan.name in names():
        if not marker.exists():
            raise ClusterError(
                f"kind has a cluster {plan.name!r} already, which this stack did not make: choose"
                f" another slipway:target.cluster, or `kind delete cluster --name {plan.name}`"
            )
        delete(plan.name)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    with _deleted_on_error(plan.name):
        _create(plan)
        for node in _nodes(plan.name):
            _tell_of_registry(node, plan)
        found = kubeconfig(plan.name)
    marker.unlink(missing_ok=True)
    return found


def names() -> list[str]:
    """The clusters that kind has on this machine."""
    return _run("kind", "get", "clusters").split()


def kubeconfig(name: str) -> str:
    """The kubeconfig of a cluster, with its administrator's credentials."""
    return _run("kind", "get", "kubeconfig", "--name", name)


def delete(name: str) -> None:
    """Delete a cluster; it may be gone already."""
    with tempfile.TemporaryDirectory() as folder:
        _run("kind", "delete", "cluster", "--name", name, f"--kubeconfig={folder}/kubeconfig")


def _create(plan: Plan) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cluster.yaml"
        path.write_text(kind_plan.configuration(plan), encoding="utf-8")
        _run(
            *("kind", "create", "cluster", "--name", plan.name, "--config", str(path)),
            *(f"--kubeconfig={folder}/kubeconfig", "--wait", _READY),
        )


def _nodes(name: str) -> list[str]:
    return _run("kind", "get", "nodes", "--name", name).split()


def _tell_of_registry(node: str, plan: Plan) -> None:
    target = f"{plan.hosts_folder}/hosts.toml"
    _run("docker", "exec", node, "mkdir", "-p", plan.hosts_folder)
    _run(
        "docker",
        "exec",
        "-i",
        node,
        "cp",
        "/dev/stdin",
        target,
        stdin=kind_plan.hosts_file(plan),
    )
    if node == f"{plan.name}-control-plane":
        apply = ("kubectl", _ADMIN, "apply", "-f", "-")
        _run("docker", "exec", "-i", node, *apply, stdin=kind_plan.registry_hosting(plan))


def _marker(plan: Plan) -> Path:
    """There while the cluster is being made: who finds it was killed meanwhile."""
    return Home.of_environment().path / "kind" / f"{plan.name}.making"


@contextmanager
def _deleted_on_error(name: str) -> Iterator[None]:
    try:
        yield
    except ClusterError:
        delete(name)
        raise


def _run(*command: str, stdin: str = "") -> str:
    try:
        done = programs.run(
            command,
            stdin=stdin,
            timeout=_SECONDS,
            env=os.environ | {"PATH": Home.of_environment().search_path},
        )
    except FileNotFoundError:
        raise ClusterError(
            f"{command[0]} is not on PATH: `slipway doctor` says how to get it"
        ) from None
    except subprocess.TimeoutExpired:
        line = f"{' '.join(command[:3])} did not end in {_SECONDS} s: {_ELSE}"
        raise ClusterError(line) from None
    if done.returncode:
        raise ClusterError(f"{' '.join(command[:3])}: {cause(done.stderr)}")
    return done.stdout


def cause(stderr: str) -> str:
    """Why kind or Docker failed, and the remedy, in one line."""
    error, output, exit_ = _ERROR.search(stderr), _OUTPUT.search(stderr), _EXIT.search(stderr)
    parts = [error["error"]] if error else [last_line(stderr)]
    if output:
        parts.append(last_line(output["output"]))
    elif exit_:
        parts.append(exit_["why"])
    text = ": ".join(part for part in parts if part)
    remedy = next((remedy for sign, remedy in _REMEDIES if sign in stderr), _ELSE)
    return f"{text}; {remedy}"
