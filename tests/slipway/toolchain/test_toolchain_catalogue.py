"""The catalogue: pins, Go modules and release addresses agree with one another."""

import re

import pytest

from infra.versions import GO_AT_LEAST, TOOLS, ToolPin, numbers
from slipway import toolchain
from slipway.toolchain import find
from slipway.toolchain.host import Host

GO_MODULES = Host(path="", platform="").go_modules
REQUIRED = re.compile(r"^(?:require )?\s*(?P<module>\S+\.\S+) (?P<version>v\S+)", re.MULTILINE)
REPLACED = re.compile(r"^replace \S+ => (?P<module>\S+) (?P<version>v\S+)$", re.MULTILINE)


def pinned(module: str) -> dict[str, str]:
    """What one of our Go modules requires, or puts in its place."""
    text = (GO_MODULES / module / "go.mod").read_text()
    found = [*REQUIRED.finditer(text), *REPLACED.finditer(text)]
    return {match["module"]: match["version"] for match in found}


def test_the_go_modules_build_what_is_pinned() -> None:
    """One number is not changed without the other. Prometheus counts 3.14 as 0.314 there."""
    platform, language, clusters = pinned("platform"), pinned("language"), pinned("clusters")
    _, minor, patch = numbers(TOOLS["prometheus"].version)

    assert {
        "pulumi": platform["github.com/pulumi/pulumi/pkg/v3"],
        "its executor": platform["github.com/pulumi/pulumi/sdk/v3"],
        "language host": language["github.com/pulumi/pulumi/sdk/v3"],
        "prometheus": platform["github.com/prometheus/prometheus"],
        "alertmanager": platform["github.com/prometheus/alertmanager"],
        "registry": platform["github.com/distribution/distribution/v3"],
        "versitygw": platform["github.com/versity/versitygw"],
        "crane": pinned("images")["github.com/google/go-containerregistry"],
        "kind": clusters["sigs.k8s.io/kind"],
    } == {
        "pulumi": f"v{TOOLS['pulumi'].version}",
        "its executor": f"v{TOOLS['pulumi'].version}",
        "language host": f"v{toolchain.TOOLS['pulumi-language-python'].version_by('go')}",
        "prometheus": f"v0.3{minor:02}.{patch}",
        "alertmanager": f"v{TOOLS['alertmanager'].version}",
        "registry": f"v{TOOLS['registry'].version}",
        "versitygw": f"v{TOOLS['versitygw'].version}",
        "crane": f"v{TOOLS['crane'].version}",
        "kind": f"v{TOOLS['kind'].version}",
    }


def test_the_go_modules_of_cluster_tests_build_what_is_pinned() -> None:
    """What Kubernetes asks its own tree for is of the same release: v1.36.3 is v0.36.3 there."""
    plane, etcd = pinned("control_plane"), pinned("etcd")
    text = (GO_MODULES / "control_plane" / "go.mod").read_text()
    kubernetes = TOOLS["kube-apiserver"].version

    assert plane["k8s.io/kubernetes"] == f"v{kubernetes}"
    assert plane["sigs.k8s.io/kwok"] == f"v{TOOLS['kwok'].version}"
    assert etcd["go.etcd.io/etcd/server/v3"] == f"v{TOOLS['etcd'].version}"
    replaced = re.findall(r"^\tk8s\.io/\S+ => k8s\.io/\S+ (v\S+)$", text, re.MULTILINE)
    assert set(replaced) == {f"v0.{kubernetes.partition('.')[2]}"}


def test_a_control_plane_is_of_one_version() -> None:
    """Its parts are built and released together."""
    parts = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")

    assert len({TOOLS[part] for part in parts}) == 1


def test_the_linker_is_told_a_version_and_its_parts() -> None:
    """A client that asks the API server for its version reads major and minor by themselves."""
    told = toolchain.TOOLS["kube-apiserver"].go.linking("1.36.3").split(" -X ")[1:]

    assert [each.rpartition(".")[2] for each in (text.partition("=")[0] for text in told)] == [
        "gitVersion",
        "gitMajor",
        "gitMinor",
    ]
    assert [text.partition("=")[2] for text in told] == ["v1.36.3", "1", "36"]


@pytest.mark.parametrize(
    "module", ["platform", "language", "clusters", "images", "control_plane", "etcd"]
)
def test_the_go_modules_ask_for_no_newer_go_than_we_say(module: str) -> None:
    """The floor is what a person is told to install."""
    directive = re.search(r"^go (\S+)$", (GO_MODULES / module / "go.mod").read_text(), re.MULTILINE)

    assert numbers(directive[1]) <= numbers(GO_AT_LEAST)


def test_the_go_modules_compile_the_same_of_what_they_share() -> None:
    """Then the second build finds it compiled; but each has its own Pulumi SDK."""
    platform, language = pinned("platform"), pinned("language")
    shared = (platform.keys() & language.keys()) - {"github.com/pulumi/pulumi/sdk/v3"}

    assert {name: language[name] for name in shared} == {name: platform[name] for name in shared}


def test_every_recipe_has_a_module_with_sums() -> None:
    """Without go.sum nothing would be verified, and nothing is built."""
    modules = {tool.go.module for tool in toolchain.TOOLS.values() if tool.go}

    assert {path.parent.name for path in GO_MODULES.glob("*/go.sum")} == modules


def test_tools_are_needed_when_they_can_be_built_anywhere() -> None:
    """Grafana cannot, so the platform does without it."""
    assert toolchain.REQUIRED == (
        "pulumi",
        "versitygw",
        "registry",
        "prometheus",
        "alertmanager",
        "pulumi-language-python",
    )
    assert toolchain.OPTIONAL == ("grafana",)
    assert toolchain.FOR_KIND == ("pulumi", "pulumi-language-python", "kind")
    assert (*toolchain.REQUIRED, *toolchain.OPTIONAL) == toolchain.ALL


def test_no_stack_brings_what_only_tests_of_clusters_need() -> None:
    """A control plane takes minutes to build, and no user of the platform runs one of ours."""
    assert toolchain.FOR_TESTS == (
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kwok",
    )
    assert not set(toolchain.FOR_TESTS) & set(toolchain.ALL)


GITHUB = "https://github.com"
PULUMI = f"{GITHUB}/pulumi/pulumi/releases/download/v3.245.0"


@pytest.mark.parametrize(
    ("name", "platform", "archive", "checksums"),
    [
        (
            "pulumi",
            "linux/amd64",
            f"{PULUMI}/pulumi-v3.245.0-linux-x64.tar.gz",
            f"{PULUMI}/pulumi-3.245.0-checksums.txt",
        ),
        (
            "pulumi-language-python",
            "darwin/arm64",
            f"{PULUMI}/pulumi-v3.245.0-darwin-arm64.tar.gz",
            f"{PULUMI}/pulumi-3.245.0-checksums.txt",
        ),
        (
            "prometheus",
            "darwin/amd64",
            f"{GITHUB}/prometheus/prometheus/releases/download/v3.14.0/prometheus-3.14.0.darwin-amd64.tar.gz",
            f"{GITHUB}/prometheus/prometheus/releases/download/v3.14.0/sha256sums.txt",
        ),
        (
            "alertmanager",
            "linux/arm64",
            f"{GITHUB}/prometheus/alertmanager/releases/download/v0.31.1/alertmanager-0.31.1.linux-arm64.tar.gz",
            f"{GITHUB}/prometheus/alertmanager/releases/download/v0.31.1/sha256sums.txt",
        ),
        (
            "registry",
            "linux/amd64",
            f"{GITHUB}/distribution/distribution/releases/download/v3.1.2/registry_3.1.2_linux_amd64.tar.gz",
            f"{GITHUB}/distribution/distribution/releases/download/v3.1.2/registry_3.1.2_linux_amd64.tar.gz.sha256",
        ),
        (
            "versitygw",
            "linux/amd64",
            f"{GITHUB}/versity/versitygw/releases/download/v1.8.0/versitygw_v1.8.0_Linux_x86_64.tar.gz",
            f"{GITHUB}/versity/versitygw/releases/download/v1.8.0/checksums.txt",
        ),
        (
            "crane",
            "linux/arm64",
            f"{GITHUB}/google/go-containerregistry/releases/download/v0.22.1/go-containerregistry_Linux_arm64.tar.gz",
            f"{GITHUB}/google/go-containerregistry/releases/download/v0.22.1/checksums.txt",
        ),
        (
            "grafana",
            "linux/arm64",
            "https://dl.grafana.com/oss/release/grafana-12.4.6.linux-arm64.tar.gz",
            "https://dl.grafana.com/oss/release/grafana-12.4.6.linux-arm64.tar.gz.sha256",
        ),
        (
            "kind",
            "darwin/arm64",
            f"{GITHUB}/kubernetes-sigs/kind/releases/download/v0.33.0/kind-darwin-arm64",
            f"{GITHUB}/kubernetes-sigs/kind/releases/download/v0.33.0/kind-darwin-arm64.sha256sum",
        ),
        (
            "etcd",
            "linux/amd64",
            f"{GITHUB}/etcd-io/etcd/releases/download/v3.7.3/etcd-v3.7.3-linux-amd64.tar.gz",
            f"{GITHUB}/etcd-io/etcd/releases/download/v3.7.3/SHA256SUMS",
        ),
        (
            "kube-scheduler",
            "linux/arm64",
            "https://dl.k8s.io/v1.36.3/kubernetes-server-linux-arm64.tar.gz",
            "https://dl.k8s.io/v1.36.3/kubernetes-server-linux-arm64.tar.gz.sha256",
        ),
    ],
)
def test_releases_are_looked_for_where_they_are(
    name: str, platform: str, archive: str, checksums: str
) -> None:
    """Each project has its own names for files and machines."""
    tool = toolchain.TOOLS[name]

    assert tool.release.archive_url(tool.pin.version, platform) == archive
    assert tool.release.checksums_url(tool.pin.version, platform) == checksums


def test_a_machine_without_a_release_has_no_address() -> None:
    """Distribution publishes none for macOS."""
    registry = toolchain.TOOLS["registry"]

    assert registry.release.archive_url(registry.pin.version, "darwin/arm64") is None


@pytest.mark.parametrize(
    ("name", "answer", "expected"),
    [
        ("pulumi", "v3.245.0", "3.245.0"),
        ("pulumi", "v3.250.0-alpha.1", "3.250.0-alpha.1"),
        ("prometheus", "prometheus, version 3.14.0 (branch: , revision: unknown)", "3.14.0"),
        ("alertmanager", "alertmanager, version 0.31.1 (branch: HEAD, revision: 1)", "0.31.1"),
        ("registry", "./registry github.com/distribution/distribution/v3 v3.1.2", "3.1.2"),
        ("registry", "registry github.com/docker/distribution v2.8.3", ""),
        ("versitygw", "Version  : 1.8.0\nBuild    : norev", "1.8.0"),
        ("versitygw", "Version  : git", ""),
        ("grafana", "grafana version 12.4.6", "12.4.6"),
        ("kind", "kind version 0.33.0", "0.33.0"),
        ("etcd", "etcd Version: 3.7.3\nGit SHA: Not provided", "3.7.3"),
        ("kube-apiserver", "Kubernetes v1.36.3", "1.36.3"),
        ("kube-scheduler", "Kubernetes v0.0.0-master+$Format:%H$", "0.0.0-master+$Format:%H$"),
        ("kwok", "kwok version v0.8.0 go1.26.8 (linux/amd64)", "0.8.0"),
        ("grafana", "Version 12.4.6 (commit: abc, branch: HEAD)", "12.4.6"),
    ],
)
def test_the_tools_answers_are_understood(tmp_path, name: str, answer: str, expected: str) -> None:
    """As the real ones print them."""
    program = tmp_path / name
    program.write_text(f"#!/bin/sh\ncat <<'.'\n{answer}\n.\n")
    program.chmod(0o755)

    assert find.ask(toolchain.TOOLS[name], program) == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.1.0", True), ("1.0.99", False), ("1.10", True), ("1.9.9-rc.1", True), ("2.0.0", False)],
)
def test_versions_are_compared_by_numbers(version: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    """The floor is in, the ceiling is out."""
    assert ToolPin("1.2.0", at_least="1.1.0", below="2").accepts(version) is expected


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_the_pinned_version_is_accepted(name: str) -> None:
    """What we bring would do on PATH, too."""
    assert TOOLS[name].accepts(TOOLS[name].version)
