"""The platform's pods before a real API server that enforces Pod Security."""

import pytest

from infra.description import describe
from infra.service import PolicyRule, Resources, Scaling, Service
from infra.services import all_services, object_store
from infra.settings.reading import parse
from infra.settings.tree import Settings
from infra.targets.kubernetes import objects
from infra.targets.kubernetes.render_context import RenderContext
from infra.wiring import signing

pytestmark = [pytest.mark.cluster]

PLACE = RenderContext(namespace="slipway-test", instance="test")
SECRETS = {
    object_store.ACCESS_KEY: "a" * 40,
    object_store.SECRET_KEY: "b" * 40,
    signing.PUBLIC_KEYS: "PEM",
}


def platform() -> list[dict]:
    services = all_services(Settings(), grafana_at_hand=True)
    return objects.of_platform(services, PLACE, SECRETS)


def test_every_pod_is_admitted_under_restricted(api_server) -> None:
    """The templates of all workloads, as pods of the namespace that enforces the standard."""
    manifests = platform()
    for manifest in manifests:
        api_server.apply(manifest)

    refused = {}
    for manifest in manifests:
        if manifest["kind"] in {"Deployment", "StatefulSet"}:
            answer = api_server.apply(pod_of(manifest), dry_run=True)
            if not answer.is_success:
                refused[manifest["metadata"]["name"]] = answer.json()["message"]

    assert refused == {}


def test_every_pod_that_only_a_cluster_has_is_admitted_under_restricted(api_server) -> None:
    """Logs, states and rights in the cluster, with a tenant: accepted, and their pods admitted."""
    settings = parse(
        {
            "target": {"kind": "existing", "context": "c", "namespace": PLACE.namespace},
            "tenants": [{"name": "red"}],
        },
        source="S",
    )
    described = describe(settings)
    services = list(described.services)
    secrets = dict.fromkeys(described.secrets, "a" * 40)
    manifests = objects.of_platform(services, PLACE, secrets, described.steps)

    answers = [api_server.apply(manifest) for manifest in manifests]
    pods = [
        api_server.apply(pod_of(manifest), dry_run=True)
        for manifest in manifests
        if manifest["kind"] in {"Deployment", "Job", "StatefulSet"}
    ]

    assert [answer.text for answer in (*answers, *pods) if not answer.is_success] == []
    assert len(pods) == len(services)


def test_a_pod_that_is_not_hardened_is_refused(api_server) -> None:
    """The standard is really enforced: without its security context a pod is turned away."""
    manifests = platform()
    for manifest in manifests:
        api_server.apply(manifest)
    workload = next(m for m in manifests if m["kind"] in {"Deployment", "StatefulSet"})
    pod = pod_of(workload)
    del pod["spec"]["containers"][0]["securityContext"]

    answer = api_server.apply(pod, dry_run=True)

    assert answer.status_code == 403
    assert "violates PodSecurity" in answer.json()["message"]


def test_rights_budgets_and_several_copies_are_accepted(api_server) -> None:
    """What no service of ours uses yet is valid all the same."""
    example = next(iter(all_services(Settings())))
    changed = {
        "name": "example",
        "scaling": Scaling(min=2, max=4),
        "rights": (PolicyRule(("",), ("pods",), ("get", "list")),),
        "resources": Resources(10, 16, 32),
    }
    service = Service(**{**vars(example), **changed})
    api_server.apply(objects.of_namespace(PLACE)[0])

    manifests = objects.of_platform([service], PLACE, SECRETS)

    refused = [answer.text for m in manifests if not (answer := api_server.apply(m)).is_success]
    assert refused == []
    assert {"Role", "RoleBinding", "PodDisruptionBudget", "HorizontalPodAutoscaler"} <= {
        manifest["kind"] for manifest in manifests
    }


def pod_of(workload: dict) -> dict:
    """A pod as the workload's controller would make it, its own claims among its volumes."""
    template = workload["spec"]["template"]
    metadata = template["metadata"] | {
        "name": workload["metadata"]["name"],
        "namespace": workload["metadata"]["namespace"],
    }
    claims = [
        {"name": name, "persistentVolumeClaim": {"claimName": f"{name}-{metadata['name']}-0"}}
        for claim in workload["spec"].get("volumeClaimTemplates", [])
        if (name := claim["metadata"]["name"])
    ]
    spec = template["spec"] | {"volumes": [*template["spec"]["volumes"], *claims]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
