"""Every version of tools, images and Kubernetes that the platform is pinned to, in one place.

Owns the numbers, which other versions of a tool will do, and the references of images. Does not
own where a tool is published or how it is built (`slipway.toolchain.catalogue`), nor checksums
(`infra/tools.lock`, which `slipway tools lock` writes, and the `go.sum` files in `slipway/gomods`),
nor Python packages (`requirements.lock`).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ToolPin:
    """A tool's version: the one we bring, and which of those found on PATH we accept.

    Accepted is `at_least` <= version < `below`, compared by numbers; a pre-release counts
    as its release.
    """

    version: str
    at_least: str
    below: str

    def accepts(self, version: str) -> bool:
        """Whether a tool of this version may stand in for the pinned one."""
        return numbers(self.at_least) <= numbers(version) < numbers(self.below)

    @property
    def accepted(self) -> str:
        """The accepted versions in words."""
        return f"{self.at_least} or newer, below {self.below}"


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version, three of them: `v3.14.0-rc.1` -> (3, 14, 0).

    Raises:
        ValueError: a part of the version does not begin with a digit.
    """
    core = version.removeprefix("v").split("-")[0].split("+")[0]
    parts = [int(part) for part in core.split(".")[:3]]
    return tuple(parts + [0] * (3 - len(parts)))


# renovate: datasource=go depName=k8s.io/kubernetes
_KUBERNETES = ToolPin("1.36.3", at_least="1.36.0", below="1.37")

TOOLS: Mapping[str, ToolPin] = MappingProxyType(
    {
        # Pulumi's own rule: SDK and CLI of one major work together (the SDK asks for 3.1
        # or newer), and neither writes state that the other cannot read as long as no
        # feature of state schema 4 is used. The floor is about a year of releases: a
        # pair further apart is tested by nobody.
        # renovate: datasource=go depName=github.com/pulumi/pulumi/pkg/v3
        "pulumi": ToolPin("3.245.0", at_least="3.200.0", below="4"),
        # Accepted only beside an accepted CLI, whose version it has.
        "pulumi-language-python": ToolPin("3.245.0", at_least="3.200.0", below="4"),
        # 3.0 renamed flags and settings of 2.x.
        # renovate: datasource=github-releases depName=prometheus/prometheus
        "prometheus": ToolPin("3.14.0", at_least="3.0.0", below="4"),
        # 0.27 brought the matchers that our routes are written in. Newer than 0.31 does not
        # build from its Go module: the web page is not in it.
        # renovate: datasource=github-releases depName=prometheus/alertmanager
        "alertmanager": ToolPin("0.31.1", at_least="0.27.0", below="1"),
        # 3.0 moved the configuration's storage and authentication sections.
        # renovate: datasource=github-releases depName=distribution/distribution
        "registry": ToolPin("3.1.2", at_least="3.0.0", below="4"),
        # Delta tables need its conditional puts; older ones were not tried.
        # renovate: datasource=github-releases depName=versity/versitygw
        "versitygw": ToolPin("1.8.0", at_least="1.8.0", below="2"),
        # Copies images between registries; asked for by `slipway images` alone.
        # renovate: datasource=github-releases depName=google/go-containerregistry
        "crane": ToolPin("0.22.1", at_least="0.20.0", below="1"),
        # renovate: datasource=github-releases depName=grafana/grafana
        "grafana": ToolPin("12.4.6", at_least="11.0.0", below="14"),
        # A node image is made for one kind: newer ones start it, older ones need not.
        # renovate: datasource=github-releases depName=kubernetes-sigs/kind
        "kind": ToolPin("0.33.0", at_least="0.33.0", below="1"),
        # From here on for tests of clusters alone. The parts of a control plane are of
        # one minor version.
        # renovate: datasource=go depName=go.etcd.io/etcd/server/v3
        "etcd": ToolPin("3.7.3", at_least="3.6.0", below="4"),
        "kube-apiserver": _KUBERNETES,
        "kube-controller-manager": _KUBERNETES,
        "kube-scheduler": _KUBERNETES,
        # renovate: datasource=go depName=sigs.k8s.io/kwok
        "kwok": ToolPin("0.8.0", at_least="0.7.0", below="1"),
    }
)

# The oldest Go that all our Go modules build with.
GO_AT_LEAST = "1.26.0"

# The release of Kubeflow Pipelines, and that of Argo Workflows that its own tests run with.
# renovate: datasource=github-releases depName=kubeflow/pipelines
KFP = "2.17.0"
# renovate: datasource=github-releases depName=argoproj/argo-workflows
ARGO = "4.0.5"
# What kind's nodes are, by the digest in the notes of kind's release above.
KIND_NODE = (
    "docker.io/kindest/node:v1.36.4"
    "@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed"
)

# The oldest Kubernetes whose API has every field that we write.
KUBERNETES_AT_LEAST = "1.30.0"
# What runs on Kubernetes only, and so is never a tool on this machine.
# renovate: datasource=github-releases depName=grafana/loki
_LOKI = "3.7.8"
# renovate: datasource=github-releases depName=grafana/alloy
_ALLOY = "1.18.1"
# renovate: datasource=github-releases depName=kubernetes/kube-state-metrics
_KUBE_STATE_METRICS = "2.19.1"

# Container images by the tool in them; the process target needs none of them.
IMAGES: Mapping[str, str] = MappingProxyType(
    {
        "alloy": f"docker.io/grafana/alloy:v{_ALLOY}",
        "alertmanager": f"quay.io/prometheus/alertmanager:v{TOOLS['alertmanager'].version}",
        "argo-controller": f"quay.io/argoproj/workflow-controller:v{ARGO}",
        "argo-executor": f"quay.io/argoproj/argoexec:v{ARGO}",
        "envoy": "docker.io/envoyproxy/envoy:v1.37.0",
        "grafana": f"docker.io/grafana/grafana:{TOOLS['grafana'].version}",
        "kfp-api-server": f"ghcr.io/kubeflow/kfp-api-server:{KFP}",
        "kfp-driver": f"ghcr.io/kubeflow/kfp-driver:{KFP}",
        "kfp-frontend": f"ghcr.io/kubeflow/kfp-frontend:{KFP}",
        "kfp-launcher": f"ghcr.io/kubeflow/kfp-launcher:{KFP}",
        "kfp-persistence-agent": f"ghcr.io/kubeflow/kfp-persistence-agent:{KFP}",
        "kfp-scheduler": f"ghcr.io/kubeflow/kfp-scheduled-workflow-controller:{KFP}",
        # The long-term release; its clients need no plugin that MySQL 9 has lost.
        # renovate: datasource=docker depName=mariadb
        "mariadb": "docker.io/library/mariadb:11.8",
        # The last of its kind: KFP 3 does without it. amd64 only.
        "mlmd": "gcr.io/tfx-oss-public/ml_metadata_store_server:1.14.0",
        "kube-state-metrics": (
            f"registry.k8s.io/kube-state-metrics/kube-state-metrics:v{_KUBE_STATE_METRICS}"
        ),
        "loki": f"docker.io/grafana/loki:{_LOKI}",
        "prometheus": f"quay.io/prometheus/prometheus:v{TOOLS['prometheus'].version}",
        # What our own image is made from; no service runs it.
        "python": "docker.io/library/python:3.11-slim-bookworm",
        "registry": f"docker.io/library/registry:{TOOLS['registry'].version}",
        "slipway": "slipway/slipway:0.1.0",
        "versitygw": f"ghcr.io/versity/versitygw:v{TOOLS['versitygw'].version}",
    }
)
