"""A tenant's objects: its bounds, its doors, its people; and how Pulumi is told of them."""

import json
from dataclasses import replace

import pytest

from infra.cluster import Cluster
from infra.description import describe
from infra.policies import exceptions, violations
from infra.settings.reading import parse
from infra.targets.kubernetes import objects
from infra.targets.kubernetes.render_context import Manifest, RenderContext
from infra.targets.kubernetes.target import KubernetesPlatform
from tests.pulumi_recorder import Recorder

RED = {"name": "red", "cpu": 1.5, "memory_gib": 4, "storage_gib": 7, "pods": 9, "members": ["ada"]}
BLUE = {"name": "blue"}


def described(*tenants: dict):
    target = {"kind": "existing", "context": "home", "namespace": "mlops"}
    return describe(parse({"target": target, "tenants": list(tenants)}, source="S"))


def built(*tenants: dict) -> dict[tuple[str, str, str], Manifest]:
    """All objects of a stack by namespace, kind and name."""
    stack = described(*tenants)
    secrets = {name: f"value of {name}" for name in stack.secrets}
    manifests = objects.of_platform(
        list(stack.services), RenderContext("mlops", "stack"), secrets, stack.steps, stack.tenants
    )
    return {
        (each["metadata"].get("namespace", ""), each["kind"], each["metadata"]["name"]): each
        for each in manifests
    }


def names(namespace: str) -> dict:
    """The selector of a namespace by the name that nobody else can give it."""
    label = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [namespace]}
    return {"matchExpressions": [label]}


def test_a_tenants_namespace_is_restricted_closed_and_bounded() -> None:
    """Pod Security, default-deny, a quota by the settings, and limits for what says none."""
    made = built(RED)
    quota = made["mlops-red", "ResourceQuota", "tenant"]["spec"]["hard"]
    [limits] = made["mlops-red", "LimitRange", "tenant"]["spec"]["limits"]

    labels = made["", "Namespace", "mlops-red"]["metadata"]["labels"]
    assert labels == made["", "Namespace", "mlops"]["metadata"]["labels"]
    assert set(labels.values()) == {"restricted"}
    denied = made["mlops-red", "NetworkPolicy", "default-deny"]["spec"]
    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert quota == {
        "requests.cpu": "1500m",
        "requests.memory": "4Gi",
        "limits.memory": "4Gi",
        "requests.storage": "7Gi",
        "pods": "9",
    }
    asked = {f"requests.{name}" for name in limits["defaultRequest"]}
    assert asked | {f"limits.{name}" for name in limits["default"]} >= {
        name for name in quota if name not in {"pods", "requests.storage"}
    }


def test_a_tenant_reaches_what_it_may_use_and_nothing_reaches_it() -> None:
    """By the namespace and the pods; not Kubeflow Pipelines, which asks nobody who he is."""
    policy = built(RED)["mlops-red", "NetworkPolicy", "pipeline-steps"]["spec"]
    called = [
        (peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"], peer["namespaceSelector"])
        for rule in policy["egress"]
        for peer in rule["to"]
        if "podSelector" in peer
    ]

    assert policy["podSelector"] == {}
    assert "ingress" not in policy
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert sorted(called) == [
        (name, names("mlops")) for name in ("object-store", "registry", "tracking")
    ]


def test_the_platform_opens_the_same_doors_to_its_tenants() -> None:
    """Each service that a tenant may call lets its namespaces in, and no other does."""
    before, after = built(), built(RED, BLUE)
    opened = {
        name: after["mlops", kind, name]["spec"]["ingress"][-1]["from"][1:]
        for (namespace, kind, name) in before
        if kind == "NetworkPolicy" and name != "pipeline-steps" and namespace == "mlops"
        if "ingress" in before[namespace, kind, name]["spec"]
        if "mlops-red" in json.dumps(after[namespace, kind, name]["spec"])
    }

    tenants = {"key": "kubernetes.io/metadata.name", "operator": "In"}
    peer = {
        "namespaceSelector": {
            "matchExpressions": [tenants | {"values": ["mlops-blue", "mlops-red"]}]
        },
        "podSelector": {},
    }
    assert opened == {name: [peer] for name in ("object-store", "registry", "tracking")}


def test_its_steps_find_the_platforms_services_and_their_own_keys() -> None:
    """Addresses are in the platform's namespace; the Secret holds nothing of the platform's."""
    made = built(RED)
    variables = made["mlops-red", "ConfigMap", "pipeline-environment"]["data"]
    hidden = made["mlops-red", "Secret", "pipeline-secrets"]["stringData"]

    assert variables["AWS_ENDPOINT_URL"] == "http://object-store.mlops.svc:8080"
    assert variables["MLFLOW_TRACKING_URI"] == "http://tracking.mlops.svc:8080"
    assert variables["SLIPWAY_TENANT"] == "red"
    assert hidden == {
        "AWS_ACCESS_KEY_ID": "value of tenant-red-access-key",
        "AWS_SECRET_ACCESS_KEY": "value of tenant-red-secret-key",
    }


def test_services_have_their_tenant_rights_in_each_tenants_namespace() -> None:
    """Those with such rights and no others, by their accounts in the platform's namespace."""
    made = built(RED, BLUE)
    wanted = {each.name: each.tenant_rights for each in described(RED).services}

    for namespace in ("mlops-red", "mlops-blue"):
        given = {
            name: manifest["subjects"][0]
            for (where, kind, name), manifest in made.items()
            if where == namespace and kind == "RoleBinding"
            if name not in {"pipeline-runner", "members"}
        }
        assert given == {
            name: {"kind": "ServiceAccount", "name": name, "namespace": "mlops"}
            for name, rights in wanted.items()
            if rights
        }


def test_a_bucket_is_handed_over_by_a_job_that_only_the_store_lets_in() -> None:
    """It runs to its end, with a way to the object store and no other; it is no service to see."""
    made = built(RED)
    spec = made["mlops", "Job", "tenant-red-bucket"]["spec"]["template"]["spec"]
    [way, _names] = made["mlops", "NetworkPolicy", "tenant-red-bucket"]["spec"]["egress"]
    callers = [
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for rule in made["mlops", "NetworkPolicy", "object-store"]["spec"]["ingress"]
        for peer in rule["from"]
        if "matchLabels" in peer["podSelector"]
    ]

    assert spec["restartPolicy"] == "OnFailure"
    assert spec["containers"][0]["args"][-1] == "tenant-red"
    assert way["to"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "object-store"
    assert "tenant-red-bucket" in callers
    assert ("mlops", "Service", "tenant-red-bucket") not in made


def test_members_are_bound_in_their_own_namespace_alone() -> None:
    """A tenant without members has no Role for them."""
    made = built(RED, BLUE)

    places = [where for where, kind, name in made if (kind, name) == ("RoleBinding", "members")]
    assert places == ["mlops-red"]
    assert made["mlops-red", "RoleBinding", "members"]["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ada"}
    ]


@pytest.mark.parametrize(
    ("setting", "changed"),
    [
        ({"cpu": 2}, {("ResourceQuota", "tenant")}),
        ({"memory_gib": 5}, {("ResourceQuota", "tenant")}),
        ({"storage_gib": 8}, {("ResourceQuota", "tenant")}),
        ({"pods": 10}, {("ResourceQuota", "tenant")}),
        ({"members": ["bob"]}, {("RoleBinding", "members")}),
    ],
)
def test_a_tenants_setting_changes_just_what_it_says(setting: dict, changed: set) -> None:
    """One object of that tenant: nothing of another's, nothing of the platform's."""
    before, after = built(RED, BLUE), built(RED | setting, BLUE)

    different = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert different == {("mlops-red", *each) for each in changed}


def test_another_tenant_changes_nothing_of_the_first() -> None:
    """Whatever stands in its namespace stays as it is."""
    alone, together = built(RED), built(RED, BLUE)

    own = {key for key in alone if "mlops-red" in {key[0], key[2]}}
    assert len(own) > 10
    assert [key for key in own if alone[key] != together[key]] == []


def test_a_tenants_objects_break_no_rule_but_with_a_reason() -> None:
    """As the platform's own: the Job and the runner included."""
    found = violations(built(RED, BLUE).values(), exceptions("mlops"))

    assert found == []


@pytest.fixture(scope="module")
def recorder(recorded) -> Recorder:
    """A platform with two tenants, without services, as it was told to Pulumi."""
    stack = described(RED, BLUE)
    bare = replace(stack, services=())
    cluster = Cluster(context="home", namespace="mlops", kubeconfig="/k")
    return recorded(
        lambda: KubernetesPlatform("platform", bare, cluster).outputs,
        {
            "processes:Secret": lambda made: {"value": f"value of {made.name}"},
            "generated:SigningKey": lambda _: {"private": "PEM", "public": "PEM", "before": ""},
        },
    )


def test_each_tenants_resources_are_told_apart(recorder: Recorder) -> None:
    """Tenants have objects of the same names: the resources' names begin with the namespace."""
    told = [(made.typ, made.name) for made in recorder.made if made.typ.startswith("kubernetes:")]

    assert len(set(told)) == len(told)
    red = sorted(name.removeprefix("mlops-red/") for _, name in told if "mlops-red/" in name)
    blue = sorted(name.removeprefix("mlops-blue/") for _, name in told if "mlops-blue/" in name)
    assert [name for name in red if name not in {"members", "mlops-red"}] == [
        name for name in blue if name != "mlops-blue"
    ]
    components = {made.name for made in recorder.made if made.typ == "slipway:kubernetes:Tenant"}
    assert components == {"mlops-red", "mlops-blue"}


def test_a_tenants_keys_are_secrets(recorder: Recorder) -> None:
    """Pulumi is told so, and nothing else of a tenant holds them."""
    [hidden] = [made for made in recorder.made if made.name == "mlops-red/pipeline-secrets"]

    assert "4dabf18193072939515e22adb298388d" in hidden.inputs["stringData"]
    others = [made for made in recorder.made if made.name.startswith("mlops-red/")]
    said = json.dumps([made.inputs for made in others if made is not hidden], default=str)
    assert "value of tenant-red-secret-key" not in said
