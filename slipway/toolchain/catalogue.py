"""The tools of the platform, as plain data: where they are published, how they are built.

Their versions are `infra.versions`. Nothing here reads, fetches or runs anything.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from infra.versions import TOOLS as PINS
from slipway.toolchain import cluster_tools
from slipway.toolchain.tool import GITHUB, GO_PLATFORMS, UNAME_PLATFORMS, GoRecipe, Release, Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

_PULUMI_RELEASE = Release(
    site=f"{GITHUB}/pulumi/pulumi/releases/download/v{{version}}",
    archive="pulumi-v{version}-{platform}.tar.gz",
    checksums="pulumi-{version}-checksums.txt",
    platforms={
        "linux/amd64": "linux-x64",
        "linux/arm64": "linux-arm64",
        "darwin/amd64": "darwin-x64",
        "darwin/arm64": "darwin-arm64",
    },
)

_PULUMI = Tool(
    name="pulumi",
    pin=PINS["pulumi"],
    programs=("pulumi",),
    release=_PULUMI_RELEASE,
    go=GoRecipe(
        module="platform",
        packages=("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
        variables={"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v{version}"},
    ),
    asks=("version",),
    answers=r"^v(\d+\.\d+\.\d+\S*)$",
)

_PULUMI_LANGUAGE_PYTHON = Tool(
    name="pulumi-language-python",
    pin=PINS["pulumi-language-python"],
    programs=("pulumi-language-python", "pulumi-language-python-exec"),
    release=_PULUMI_RELEASE,
    # 3.78.1 is the last that is in a tagged module; it speaks to newer CLIs. Its executor
    # runs inside the SDK's own process and is therefore that of the SDK's version.
    go=GoRecipe(
        module="language",
        packages=("github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",),
        version="3.78.1",
        variables={"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v{version}"},
        copied={
            "pulumi-language-python-exec": (
                "platform",
                "github.com/pulumi/pulumi/sdk/v3",
                "python/cmd/pulumi-language-python-exec",
            )
        },
    ),
    beside="pulumi",
)

_PROMETHEUS = Tool(
    name="prometheus",
    pin=PINS["prometheus"],
    programs=("prometheus", "promtool"),
    release=Release(
        site=f"{GITHUB}/prometheus/prometheus/releases/download/v{{version}}",
        archive="prometheus-{version}.{platform}.tar.gz",
        checksums="sha256sums.txt",
        platforms=GO_PLATFORMS,
    ),
    go=GoRecipe(
        module="platform",
        packages=(
            "github.com/prometheus/prometheus/cmd/prometheus",
            "github.com/prometheus/prometheus/cmd/promtool",
        ),
        # The process target lists its few targets itself; discovery is half the build.
        tags=("remove_all_sd",),
        variables={"github.com/prometheus/common/version.Version": "{version}"},
    ),
    answers=r"^prometheus, version (\d+\.\d+\.\d+\S*)",
)

_ALERTMANAGER = Tool(
    name="alertmanager",
    pin=PINS["alertmanager"],
    programs=("alertmanager",),
    release=Release(
        site=f"{GITHUB}/prometheus/alertmanager/releases/download/v{{version}}",
        archive="alertmanager-{version}.{platform}.tar.gz",
        checksums="sha256sums.txt",
        platforms=GO_PLATFORMS,
    ),
    go=GoRecipe(
        module="platform",
        packages=("github.com/prometheus/alertmanager/cmd/alertmanager",),
        variables={"github.com/prometheus/common/version.Version": "{version}"},
    ),
    answers=r"^alertmanager, version (\d+\.\d+\.\d+\S*)",
)

_REGISTRY = Tool(
    name="registry",
    pin=PINS["registry"],
    programs=("registry",),
    release=Release(
        site=f"{GITHUB}/distribution/distribution/releases/download/v{{version}}",
        archive="registry_{version}_{platform}.tar.gz",
        checksums="{archive}.sha256",
        platforms={"linux/amd64": "linux_amd64", "linux/arm64": "linux_arm64"},
    ),
    go=GoRecipe(
        module="platform",
        packages=("github.com/distribution/distribution/v3/cmd/registry",),
        variables={"github.com/distribution/distribution/v3/version.version": "v{version}"},
    ),
    answers=r"distribution/v3 v(\d+\.\d+\.\d+\S*)",
)

_VERSITYGW = Tool(
    name="versitygw",
    pin=PINS["versitygw"],
    programs=("versitygw",),
    release=Release(
        site=f"{GITHUB}/versity/versitygw/releases/download/v{{version}}",
        archive="versitygw_v{version}_{platform}.tar.gz",
        checksums="checksums.txt",
        platforms=UNAME_PLATFORMS,
    ),
    go=GoRecipe(
        module="platform",
        packages=("github.com/versity/versitygw/cmd/versitygw",),
        variables={"main.Version": "{version}"},
    ),
    answers=r"^Version\s*: v?(\d+\.\d+\.\d+\S*)",
)

# Its web page is no part of a Go module, so it cannot be built from one.
_GRAFANA = Tool(
    name="grafana",
    pin=PINS["grafana"],
    programs=("grafana",),
    release=Release(
        site="https://dl.grafana.com/oss/release",
        archive="grafana-{version}.{platform}.tar.gz",
        checksums="{archive}.sha256",
        platforms=GO_PLATFORMS,
    ),
    answers=r"[Vv]ersion (\d+\.\d+\.\d+\S*)",
    home=("conf/defaults.ini", "public"),
)

TOOLS: Mapping[str, Tool] = MappingProxyType(
    {
        tool.name: tool
        for tool in (
            _PULUMI,
            _VERSITYGW,
            _REGISTRY,
            _PROMETHEUS,
            _ALERTMANAGER,
            _PULUMI_LANGUAGE_PYTHON,
            _GRAFANA,
            *cluster_tools.TOOLS,
        )
    }
)

_PLATFORM = {name: tool for name, tool in TOOLS.items() if tool.group == "platform"}

# What has no Go recipe cannot be had everywhere, so the platform must do without it.
REQUIRED = tuple(name for name, tool in _PLATFORM.items() if tool.go)
OPTIONAL = tuple(name for name, tool in _PLATFORM.items() if not tool.go)
ALL = (*REQUIRED, *OPTIONAL)

# On a cluster the services come as images.
FOR_CLUSTERS = ("pulumi", "pulumi-language-python")
FOR_KIND = (*FOR_CLUSTERS, "kind")

# A control plane with fake nodes.
FOR_TESTS = tuple(name for name, tool in TOOLS.items() if tool.group == "tests")
