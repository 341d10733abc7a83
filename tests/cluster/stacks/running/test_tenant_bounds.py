"""What a tenant's namespace holds its pods to, as a running cluster enforces it."""

import pytest

from infra.targets.kubernetes.hardening import container_security

pytestmark = [pytest.mark.cluster]


@pytest.fixture
def tenants(control_plane, stack_of, eventually):
    """A stack with two tenants whose quotas are counted; red's is 1.5 cores and 3 pods."""
    described = stack_of("tenants")
    control_plane.apply_all([*described.of_cluster, *described.objects])
    eventually(lambda: uncounted(control_plane, described.namespaces[1:]))
    yield described
    for namespace in described.namespaces:
        control_plane.delete(f"/api/v1/namespaces/{namespace}")


def uncounted(control_plane, namespaces: list[str]) -> list[str]:
    """The namespaces without an account for pods, or whose quota is not known yet."""
    return [
        namespace
        for namespace in namespaces
        if not quota(control_plane, namespace).get("used")
        or not control_plane.items(f"/api/v1/namespaces/{namespace}/serviceaccounts")
    ]


def quota(control_plane, namespace: str) -> dict:
    """How much of the quota is used."""
    path = f"/api/v1/namespaces/{namespace}/resourcequotas/tenant"
    return control_plane.get(path).get("status", {})


def pod(namespace: str, name: str, **resources: dict) -> dict:
    """A pod of a tenant's, as Pod Security wants it."""
    security = {"runAsNonRoot": True, "runAsUser": 65532}
    container = {
        "name": "step",
        "image": "example.org/step:1",
        "resources": resources,
        "securityContext": container_security(),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "serviceAccountName": "pipeline-runner",
            "securityContext": security | {"seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
        },
    }


def test_quotas_are_the_settings(control_plane, tenants) -> None:
    """As the server counts them, in units of its own."""
    _, red, blue = tenants.namespaces

    assert quota(control_plane, red)["hard"] == {
        "requests.cpu": "1500m",
        "requests.memory": "2Gi",
        "limits.memory": "2Gi",
        "requests.storage": "50Gi",
        "pods": "3",
    }
    assert quota(control_plane, blue)["hard"]["requests.cpu"] == "8"


def test_a_pod_that_says_nothing_of_its_size_gets_the_defaults(control_plane, tenants) -> None:
    """It is admitted, and counted by them."""
    _, red, _ = tenants.namespaces

    [made] = control_plane.apply_all([pod(red, "small")]).values()

    assert made["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "100m", "memory": "128Mi"},
        "limits": {"memory": "512Mi"},
    }
    assert quota(control_plane, red)["used"]["requests.cpu"] == "100m"


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"requests": {"cpu": "2"}}, "requested: requests.cpu=2, used: requests.cpu=0"),
        ({"limits": {"memory": "3Gi"}}, "limited: limits.memory=2Gi"),
    ],
)
def test_a_pod_over_quota_is_refused(control_plane, tenants, resources: dict, said: str) -> None:
    """By what it asks for, and by what it may take."""
    _, red, blue = tenants.namespaces

    refused = control_plane.apply(pod(red, "large", **resources))

    assert refused.status_code == 403
    assert "exceeded quota: tenant" in refused.text
    assert said in refused.text
    assert control_plane.apply(pod(blue, "large", **resources)).is_success


def test_one_pod_too_many_is_refused(control_plane, tenants) -> None:
    """Red may have three."""
    _, red, _ = tenants.namespaces

    answers = [control_plane.apply(pod(red, f"pod-{number}")) for number in range(4)]

    assert [answer.is_success for answer in answers] == [True, True, True, False]
    assert "exceeded quota: tenant" in answers[-1].text


def test_a_pod_that_is_not_restricted_is_refused(control_plane, tenants) -> None:
    """Pod Security holds for what tenants bring as for what is ours."""
    _, red, _ = tenants.namespaces
    bold = pod(red, "bold")
    bold["spec"]["containers"][0]["securityContext"] = {"allowPrivilegeEscalation": True}

    refused = control_plane.apply(bold)

    assert refused.status_code == 403
    assert 'violates PodSecurity "restricted' in refused.json()["message"]


def test_deleting_a_stack_with_tenants_leaves_nothing(control_plane, stack_of, eventually) -> None:
    """The tenants' namespaces go with all that is in them, pods of theirs included."""
    there_before = control_plane.everything()
    described = stack_of("tenants")
    control_plane.apply_all([*described.of_cluster, *described.objects])
    eventually(lambda: uncounted(control_plane, described.namespaces[1:]))
    control_plane.apply_all([pod(described.namespaces[1], "left")])

    for each in [*described.objects, *described.of_cluster]:
        if "namespace" not in each["metadata"]:
            control_plane.delete(control_plane.path(each))

    eventually(lambda: control_plane.everything() - there_before)
