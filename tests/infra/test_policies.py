"""Policies: each rule catches what it is for, and our own objects break none."""

from copy import deepcopy

import pytest

from infra.description import describe
from infra.policies import RULES, Allowed, Violation, exceptions, of_preview, violations
from infra.service import Health, PolicyRule, Resources, Service
from infra.services import all_services
from infra.settings.reading import parse
from infra.settings.tree import Settings
from infra.targets.kubernetes import objects
from infra.targets.kubernetes.render_context import Manifest, RenderContext

PLACE = RenderContext("mlops", "dev")
SERVICE = Service(
    name="web",
    command=("web",),
    image="example.org/web:1",
    health=Health(),
    resources=Resources(10, 20, 30),
    rights=(PolicyRule(("",), ("pods",), ("get",)),),
)


def built() -> dict[str, Manifest]:
    """One good service's objects, by kind."""
    return {made["kind"]: made for made in objects.of_platform([SERVICE], PLACE, {})}


def with_pod(**fields: object) -> Manifest:
    deployment = built()["Deployment"]
    deployment["spec"]["template"]["spec"].update(fields)
    return deployment


def with_container(**fields: object) -> Manifest:
    deployment = built()["Deployment"]
    deployment["spec"]["template"]["spec"]["containers"][0].update(fields)
    return deployment


def with_security(**fields: object) -> Manifest:
    deployment = built()["Deployment"]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["securityContext"].update(fields)
    return deployment


def with_rule(**fields: object) -> Manifest:
    role = built()["Role"]
    role["rules"][0].update(fields)
    return role


BROKEN = [
    ("no-privilege", with_security(privileged=True), "web is privileged"),
    ("no-privilege", with_security(allowPrivilegeEscalation=True), "web may gain privileges"),
    ("no-host", with_pod(hostNetwork=True), "hostNetwork is on"),
    ("no-host", with_pod(hostPID=True), "hostPID is on"),
    ("no-host", with_pod(hostIPC=True), "hostIPC is on"),
    (
        "no-host",
        with_pod(volumes=[{"name": "etc", "hostPath": {"path": "/etc"}}]),
        "volume etc is a folder of the node",
    ),
    (
        "no-host",
        with_container(ports=[{"containerPort": 8080, "hostPort": 80}]),
        "web takes port 80 of the node",
    ),
    ("no-capabilities", with_security(capabilities={}), "web does not drop all capabilities"),
    (
        "no-capabilities",
        with_security(capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]}),
        "web adds NET_ADMIN",
    ),
    (
        "no-root",
        with_security(runAsUser=0),
        "web may run as root: a user by number is needed",
    ),
    (
        "no-root",
        with_pod(securityContext={"seccompProfile": {"type": "RuntimeDefault"}}),
        "web may run as root: a user by number is needed",
    ),
    (
        "seccomp",
        with_security(seccompProfile={"type": "Unconfined"}),
        "web runs without a seccomp profile",
    ),
    (
        "read-only-root",
        with_security(readOnlyRootFilesystem=False),
        "web may write to its root file system",
    ),
    (
        "pinned-image",
        with_container(image="example.org:5000/web"),
        "web runs example.org:5000/web: a version is needed",
    ),
    (
        "pinned-image",
        with_container(image="example.org/web:latest"),
        "web runs example.org/web:latest: a version is needed",
    ),
    (
        "requests-and-limits",
        with_container(resources={"requests": {"cpu": "1m", "memory": "1Mi"}}),
        "web has no memory in limits",
    ),
    ("own-account", with_pod(serviceAccountName="default"), "it has no account of its own"),
    (
        "own-account",
        built()["ServiceAccount"] | {"automountServiceAccountToken": True},
        "its token is mounted by default",
    ),
    ("no-wildcard", with_rule(verbs=["*"]), "a rule has a wildcard in verbs"),
    ("no-wildcard", with_rule(resources=["pods/*"]), "a rule has a wildcard in resources"),
    (
        "namespaced-rights",
        built()["Role"] | {"kind": "ClusterRole"},
        "its rights reach beyond the namespace",
    ),
    (
        "no-plain-secret",
        with_container(env=[{"name": "DB_PASSWORD", "value": "hush"}]),
        "web gets DB_PASSWORD in plain text",
    ),
]


@pytest.mark.parametrize(("rule", "manifest", "detail"), BROKEN)
def test_a_rule_catches_what_it_is_for(rule: str, manifest: Manifest, detail: str) -> None:
    """One field changed for the worse is one violation, and it says what is wrong."""
    assert violations([manifest]) == [Violation(rule, manifest["kind"], "web", detail)]


def test_every_rule_is_seen_to_catch_something() -> None:
    """There is no rule that nobody has seen at work."""
    assert {rule for rule, _, _ in BROKEN} == set(RULES)


@pytest.mark.parametrize("kind", ["Pod", "CronJob", "Job", "DaemonSet"])
def test_whatever_runs_a_pod_is_looked_into(kind: str) -> None:
    """A privileged container is found in each kind of object that can hold one."""
    broken = with_security(privileged=True)
    template = broken["spec"]["template"]
    spec = {
        "Pod": template["spec"],
        "CronJob": {"jobTemplate": {"spec": {"template": template}}},
    }.get(kind, {"template": template})

    found = violations([broken | {"kind": kind, "spec": spec}])

    assert found == [Violation("no-privilege", kind, "web", "web is privileged")]


def test_an_init_container_is_no_hiding_place() -> None:
    """Containers that run first are held to the same."""
    broken = built()["Deployment"]
    pod = broken["spec"]["template"]["spec"]
    first = deepcopy(pod["containers"][0]) | {"name": "first", "image": "example.org/first"}
    pod["initContainers"] = [first]

    details = [violation.detail for violation in violations([broken])]

    assert details == ["first runs example.org/first: a version is needed"]


def test_an_image_by_digest_needs_no_tag() -> None:
    """A digest says more than any tag."""
    assert violations([with_container(image="example.org/web@sha256:" + "0" * 64)]) == []


def test_an_exception_is_for_one_object_and_one_rule() -> None:
    """What is allowed to one object is not allowed to another, nor in another way."""
    manifests = [with_security(privileged=True, readOnlyRootFilesystem=False)]
    allowed = Allowed("no-privilege", "Deployment", "web", "it formats the node's disks")

    found = [violation.rule for violation in violations(manifests, [allowed])]

    assert found == ["read-only-root"]


@pytest.mark.parametrize(
    ("allowed", "said"),
    [
        (Allowed("no-root", "Deployment", "web", " "), "Deployment web breaks no-root: say why"),
        (Allowed("no-rot", "Deployment", "web", "so"), "no rule no-rot: known are no-privilege"),
    ],
)
def test_an_exception_needs_a_rule_and_a_reason(allowed: Allowed, said: str) -> None:
    """Nothing is excused by a typing error or in silence."""
    with pytest.raises(ValueError, match=said):
        violations([], [allowed])


def test_a_preview_is_checked_like_what_was_built() -> None:
    """Objects that stay or come are looked at; those that go, and other resources, are not."""
    broken = with_security(privileged=True)
    steps = [
        {"op": "create", "newState": {"type": "kubernetes:apps/v1:Deployment", "inputs": broken}},
        {"op": "delete", "oldState": {"type": "kubernetes:apps/v1:Deployment", "inputs": broken}},
        {"op": "same", "newState": {"type": "slipway:kubernetes:Service"}},
        {"op": "same", "newState": {"type": "pulumi:providers:kubernetes", "inputs": {}}},
    ]

    found = violations(of_preview({"steps": steps}))

    assert found == [Violation("no-privilege", "Deployment", "web", "web is privileged")]


def test_our_own_objects_break_no_rule() -> None:
    """The whole platform, without one exception."""
    services = all_services(Settings(), grafana_at_hand=True)
    secrets = {name: "hush" for service in services for name in service.secrets}

    assert violations(objects.of_platform(services, PLACE, secrets)) == []


@pytest.mark.parametrize("node_metrics", [True, False])
def test_on_a_cluster_only_what_has_a_reason_breaks_a_rule(*, node_metrics: bool) -> None:
    """Each exception is needed, none is missing, and a setting does without them."""
    settings = parse(
        {
            "target": {"kind": "existing", "context": "c", "namespace": "mlops"},
            "tenants": [{"name": "red"}],
            "monitoring": {"node_metrics": node_metrics},
        },
        source="S",
    )
    described = describe(settings)
    secrets = dict.fromkeys(described.secrets, "hush")

    found = violations(
        objects.of_platform(list(described.services), PLACE, secrets, described.steps)
    )

    reasons = [
        each for each in exceptions("mlops") if node_metrics or each.rule != "namespaced-rights"
    ]
    assert {(each.rule, each.kind, each.name) for each in found} == {
        (each.rule, each.kind, each.name) for each in reasons
    }
