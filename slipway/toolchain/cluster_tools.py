"""The tools of clusters, as plain data: for images, for kind, and a control plane for tests.

None of them is brought for a platform of processes.
"""

from __future__ import annotations

from infra.versions import TOOLS as PINS
from slipway.toolchain.tool import GITHUB, GO_PLATFORMS, UNAME_PLATFORMS, GoRecipe, Release, Tool

_CRANE = Tool(
    name="crane",
    pin=PINS["crane"],
    programs=("crane",),
    release=Release(
        site=f"{GITHUB}/google/go-containerregistry/releases/download/v{{version}}",
        archive="go-containerregistry_{platform}.tar.gz",
        checksums="checksums.txt",
        platforms=UNAME_PLATFORMS,
    ),
    go=GoRecipe(
        module="images",
        packages=("github.com/google/go-containerregistry/cmd/crane",),
        variables={"github.com/google/go-containerregistry/cmd/crane/cmd.Version": "{version}"},
    ),
    asks=("version",),
    answers=r"^v?(\d+\.\d+\.\d+\S*)$",
    group="images",
)

_KIND = Tool(
    name="kind",
    pin=PINS["kind"],
    programs=("kind",),
    release=Release(
        site=f"{GITHUB}/kubernetes-sigs/kind/releases/download/v{{version}}",
        archive="kind-{platform}",
        checksums="{archive}.sha256sum",
        platforms=GO_PLATFORMS,
    ),
    go=GoRecipe(module="clusters", packages=("sigs.k8s.io/kind",)),
    answers=r"^kind version (\d+\.\d+\.\d+\S*)",
    group="clusters",
)

_ETCD = Tool(
    name="etcd",
    pin=PINS["etcd"],
    programs=("etcd",),
    release=Release(
        site=f"{GITHUB}/etcd-io/etcd/releases/download/v{{version}}",
        archive="etcd-v{version}-{platform}.tar.gz",
        checksums="SHA256SUMS",
        platforms={"linux/amd64": "linux-amd64", "linux/arm64": "linux-arm64"},
    ),
    go=GoRecipe(
        module="etcd",
        packages=("go.etcd.io/etcd/server/v3",),
        built_as={"etcd": "server"},
    ),
    answers=r"^etcd Version: (\d+\.\d+\.\d+\S*)",
    group="tests",
)

_KUBERNETES_RELEASE = Release(
    site="https://dl.k8s.io/v{version}",
    archive="kubernetes-server-{platform}.tar.gz",
    checksums="{archive}.sha256",
    platforms={"linux/amd64": "linux-amd64", "linux/arm64": "linux-arm64"},
)


def _kubernetes(name: str) -> Tool:
    return Tool(
        name=name,
        pin=PINS[name],
        programs=(name,),
        release=_KUBERNETES_RELEASE,
        go=GoRecipe(
            module="control_plane",
            packages=(f"k8s.io/kubernetes/cmd/{name}",),
            variables={
                "k8s.io/component-base/version.gitVersion": "v{version}",
                "k8s.io/component-base/version.gitMajor": "{major}",
                "k8s.io/component-base/version.gitMinor": "{minor}",
            },
        ),
        answers=r"^Kubernetes v(\d+\.\d+\.\d+\S*)",
        group="tests",
    )


# In the module of Kubernetes it shares most of what is compiled.
_KWOK = Tool(
    name="kwok",
    pin=PINS["kwok"],
    programs=("kwok",),
    go=GoRecipe(module="control_plane", packages=("sigs.k8s.io/kwok/cmd/kwok",)),
    answers=r"^kwok version v(\d+\.\d+\.\d+\S*)",
    group="tests",
)

TOOLS = (
    _CRANE,
    _KIND,
    _ETCD,
    _kubernetes("kube-apiserver"),
    _kubernetes("kube-controller-manager"),
    _kubernetes("kube-scheduler"),
    _KWOK,
)
