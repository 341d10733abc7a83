"""Policies as code: what no object of the platform may be, whatever made it.

Pure: plain objects in, violations out. It reads built objects as it reads those of a
preview. It trusts nothing that made them; `targets.kubernetes.hardening` is what keeps
to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.steps import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Manifest = dict[str, Any]

_WORKLOADS = frozenset({"DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"})
_ROLES = frozenset({"ClusterRole", "Role"})
_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
_ASKED = (("requests", "cpu"), ("requests", "memory"), ("limits", "memory"))


@dataclass(frozen=True)
class Violation:
    """One object that breaks one rule, and how."""

    rule: str
    kind: str
    name: str
    detail: str


@dataclass(frozen=True)
class Allowed:
    """One exception: an object that may break a rule, and why."""

    rule: str
    kind: str
    name: str
    reason: str


def violations(manifests: Iterable[Manifest], allowed: Iterable[Allowed] = ()) -> list[Violation]:
    """What breaks a rule and is not allowed to, in the order of the objects.

    Raises:
        ValueError: an exception gives no reason, or names a rule that there is not.
    """
    excused = {_checked(exception) for exception in allowed}
    return [
        Violation(rule, manifest["kind"], manifest["metadata"]["name"], detail)
        for manifest in manifests
        for rule, check in RULES.items()
        if (rule, manifest["kind"], manifest["metadata"]["name"]) not in excused
        for detail in check(manifest)
    ]


def exceptions(namespace: str) -> tuple[Allowed, ...]:
    """What the platform in `namespace` is allowed, and why; there is nothing else."""
    reason = (
        "nodes are in no namespace, so to read their kubelets' metrics is a right in the cluster:"
        " nodes get, list, watch and nodes/metrics get; `monitoring.node_metrics: false` is without"
    )
    reported = (
        "Argo's executor reports a step's result by the token, and neither Argo nor Kubeflow"
        " Pipelines asks for it by name; it may report, and read where artifacts go"
    )
    return (
        *(
            Allowed("namespaced-rights", kind, f"{namespace}-prometheus", reason)
            for kind in ("ClusterRole", "ClusterRoleBinding")
        ),
        Allowed("own-account", "ServiceAccount", ACCOUNT, reported),
    )


def of_preview(document: Manifest) -> list[Manifest]:
    """The Kubernetes objects that will be there, from what `pulumi preview --json` wrote."""
    states = [step.get("newState") or {} for step in document.get("steps", [])]
    return [state["inputs"] for state in states if state.get("type", "").startswith("kubernetes:")]


def _checked(exception: Allowed) -> tuple[str, str, str]:
    if exception.rule not in RULES:
        raise ValueError(f"no rule {exception.rule}: known are {', '.join(RULES)}")
    if not exception.reason.strip():
        raise ValueError(f"{exception.kind} {exception.name} breaks {exception.rule}: say why")
    return exception.rule, exception.kind, exception.name


def _pod(manifest: Manifest) -> Manifest:
    """The pod that an object runs; nothing if it runs none."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if manifest["kind"] in _WORKLOADS | {"CronJob"}:
        spec = spec["template"]["spec"]
    elif manifest["kind"] != "Pod":
        return {}
    return dict(spec)


def _containers(manifest: Manifest) -> list[Manifest]:
    pod = _pod(manifest)
    return [*pod.get("initContainers", []), *pod.get("containers", [])]


def _security(container: Manifest) -> Manifest:
    return dict(container.get("securityContext", {}))


def _privileged(manifest: Manifest) -> Iterator[str]:
    for container in _containers(manifest):
        security = _security(container)
        if security.get("privileged"):
            yield f"{container['name']} is privileged"
        if security.get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']} may gain privileges"


def _host(manifest: Manifest) -> Iterator[str]:
    pod = _pod(manifest)
    yield from (f"{field} is on" for field in _HOST_NAMESPACES if pod.get(field))
    for volume in pod.get("volumes", []):
        if "hostPath" in volume:
            yield f"volume {volume['name']} is a folder of the node"
    for container in _containers(manifest):
        for port in container.get("ports", []):
            if port.get("hostPort"):
                yield f"{container['name']} takes port {port['hostPort']} of the node"


def _capabilities(manifest: Manifest) -> Iterator[str]:
    for container in _containers(manifest):
        capabilities = _security(container).get("capabilities", {})
        if "ALL" not in capabilities.get("drop", []):
            yield f"{container['name']} does not drop all capabilities"
        if added := capabilities.get("add"):
            yield f"{container['name']} adds {', '.join(added)}"


def _root(manifest: Manifest) -> Iterator[str]:
    pod = _pod(manifest).get("securityContext", {})
    for container in _containers(manifest):
        security = {**pod, **_security(container)}
        if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
            yield f"{container['name']} may run as root: a user by number is needed"


def _seccomp(manifest: Manifest) -> Iterator[str]:
    pod = _pod(manifest).get("securityContext", {})
    for container in _containers(manifest):
        profile = {**pod, **_security(container)}.get("seccompProfile", {}).get("type")
        if profile not in {"RuntimeDefault", "Localhost"}:
            yield f"{container['name']} runs without a seccomp profile"


def _writable(manifest: Manifest) -> Iterator[str]:
    for container in _containers(manifest):
        if _security(container).get("readOnlyRootFilesystem") is not True:
            yield f"{container['name']} may write to its root file system"


def _images(manifest: Manifest) -> Iterator[str]:
    for container in _containers(manifest):
        name, _, digest = container["image"].partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if not digest and tag in {"", "latest"}:
            yield f"{container['name']} runs {container['image']}: a version is needed"


def _resources(manifest: Manifest) -> Iterator[str]:
    for container in _containers(manifest):
        resources = container.get("resources", {})
        for group, what in _ASKED:
            if what not in resources.get(group, {}):
                yield f"{container['name']} has no {what} in {group}"


def _tokens(manifest: Manifest) -> Iterator[str]:
    if manifest["kind"] == "ServiceAccount" and (
        manifest.get("automountServiceAccountToken") is not False
    ):
        yield "its token is mounted by default"
    if (pod := _pod(manifest)) and pod.get("serviceAccountName", "default") == "default":
        yield "it has no account of its own"


def _wildcards(manifest: Manifest) -> Iterator[str]:
    if manifest["kind"] not in _ROLES:
        return
    for rule in manifest.get("rules") or []:
        for field in ("apiGroups", "resources", "verbs", "nonResourceURLs"):
            if any("*" in entry for entry in rule.get(field, [])):
                yield f"a rule has a wildcard in {field}"


def _cluster_wide(manifest: Manifest) -> Iterator[str]:
    if manifest["kind"] in {"ClusterRole", "ClusterRoleBinding"}:
        yield "its rights reach beyond the namespace"


def _plain_secrets(manifest: Manifest) -> Iterator[str]:
    for container in _containers(manifest):
        for variable in container.get("env", []):
            name = variable["name"].upper()
            if "value" in variable and name.endswith(("PASSWORD", "SECRET", "SECRET_KEY", "TOKEN")):
                yield f"{container['name']} gets {variable['name']} in plain text"


RULES: dict[str, Callable[[Manifest], Iterator[str]]] = {
    "no-privilege": _privileged,
    "no-host": _host,
    "no-capabilities": _capabilities,
    "no-root": _root,
    "seccomp": _seccomp,
    "read-only-root": _writable,
    "pinned-image": _images,
    "requests-and-limits": _resources,
    "own-account": _tokens,
    "no-wildcard": _wildcards,
    "namespaced-rights": _cluster_wide,
    "no-plain-secret": _plain_secrets,
}
