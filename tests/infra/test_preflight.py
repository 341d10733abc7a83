"""One line for everything that can be wrong with a cluster. Pure: facts in, findings out."""

from dataclasses import replace

import pytest

from infra.clusters import preflight
from infra.clusters.facts import ClusterFacts, PolicyRule, Room, quantity
from infra.clusters.kind import host as kind_host
from infra.clusters.kind.host import Host
from infra.clusters.preflight import Needs
from infra.description import describe
from infra.diagnosis import Diagnosis
from infra.service import Data, Health, Resources, Scaling, Service
from infra.services import all_services, object_store
from infra.settings.reading import parse
from infra.settings.target import Existing, Gateway
from infra.settings.tree import Settings
from infra.targets.kubernetes import objects
from infra.targets.kubernetes.render_context import RenderContext

NEEDED = Needs(cpu=500, memory=1800, storage=True)
TARGET = Existing(context="home")
RED = {"name": "red", "members": ["ada"]}
WITH_GATEWAY = Existing(
    context="home",
    gateway=Gateway(class_name="envoy", hostname="ml.example.org", cluster_issuer="letsencrypt"),
)
WELL = ClusterFacts(
    version="v1.36.3",
    user="ada",
    groups=frozenset(
        {"metrics.k8s.io", "gateway.networking.k8s.io", "cert-manager.io", "argoproj.io"}
        | {"kubeflow.org"}
    ),
    missing_rights=(),
    room=Room(nodes=1, cpu=2000, memory=4096),
    storage_classes={"slow": False, "standard": True},
    gateway_class=True,
)


def levels(found: list[Diagnosis]) -> set[str]:
    return {diagnosis.level for diagnosis in found}


def test_a_cluster_that_will_do_has_nothing_to_mend() -> None:
    """Every line is well, and says what it saw."""
    found = preflight.checks(WELL, WITH_GATEWAY, NEEDED)

    assert levels(found) == {"ok"}
    assert [diagnosis.summary for diagnosis in found] == [
        "Kubernetes v1.36.3",
        "all rights that the stack needs",
        "1 nodes with 2000m CPU and 4096 MiB for pods",
        "storage class standard",
        "GatewayClass envoy",
        "metrics.k8s.io, which autoscaling asks",
        "network policies are stored",
    ]


@pytest.mark.parametrize(
    ("changes", "level", "summary", "remedy"),
    [
        (
            {"version": "v1.29.9-gke.1"},
            "error",
            "Kubernetes v1.29.9-gke.1 is too old",
            "upgrade the cluster to 1.30.0 or newer",
        ),
        (
            {"missing_rights": (PolicyRule("create", "roles", "rbac.authorization.k8s.io", "x"),)},
            "error",
            "ada may not create roles.rbac.authorization.k8s.io",
            "ask the cluster's administrator",
        ),
        (
            {"room": Room(1, 400, 4096)},
            "error",
            "the cluster is too small: 1 nodes with 400m CPU and 4096 MiB for pods",
            "add nodes, or larger ones",
        ),
        (
            {"room": Room(3, 4000, 1799)},
            "error",
            "the cluster is too small: 3 nodes with 4000m CPU and 1799 MiB for pods",
            "add nodes, or larger ones",
        ),
        ({"room": None}, "warning", "what room the nodes have may not be asked", ""),
        (
            {"storage_classes": {"slow": False}},
            "error",
            "no storage class is the default",
            "name one in slipway:target.storage_class",
        ),
        ({"storage_classes": None}, "warning", "which storage classes there are may not be", ""),
        (
            {"groups": WELL.groups - {"gateway.networking.k8s.io"}},
            "error",
            "the cluster has no Gateway API",
            "install the Gateway API",
        ),
        (
            {"gateway_class": False},
            "error",
            "there is no GatewayClass 'envoy'",
            "mend slipway:target.gateway.class_name",
        ),
        (
            {"groups": WELL.groups - {"cert-manager.io"}},
            "error",
            "the cluster has no cert-manager",
            "install cert-manager",
        ),
        (
            {"groups": WELL.groups - {"metrics.k8s.io"}},
            "warning",
            "the cluster has no metrics.k8s.io",
            "install metrics-server",
        ),
    ],
)
def test_what_is_wrong_is_one_line_with_its_remedy(
    changes: dict, level: str, summary: str, remedy: str
) -> None:
    """And nothing else is said to be wrong."""
    found = preflight.checks(replace(WELL, **changes), WITH_GATEWAY, NEEDED)

    [wrong] = [diagnosis for diagnosis in found if diagnosis.level != "ok"]
    assert wrong.level == level
    assert wrong.summary.startswith(summary)
    assert wrong.resolution.startswith(remedy)


def test_a_storage_class_of_the_settings_must_be_there() -> None:
    """Whatever the default is; the others are named."""
    found = preflight.checks(WELL, Existing(context="home", storage_class="fast"), NEEDED)

    [wrong] = [diagnosis for diagnosis in found if diagnosis.level == "error"]
    assert wrong == Diagnosis(
        "error",
        "cluster",
        "there is no storage class 'fast'",
        "there are slow, standard",
        "mend slipway:target.storage_class",
    )


def test_definitions_of_somebody_else_must_be_there() -> None:
    """Asked for only where the settings say so."""
    bare = replace(WELL, groups=frozenset({"metrics.k8s.io"}))

    assert levels(preflight.checks(bare, TARGET, NEEDED)) == {"ok"}
    found = preflight.checks(bare, Existing(context="home", custom_resources="existing"), NEEDED)
    [wrong] = [diagnosis for diagnosis in found if diagnosis.level == "error"]
    assert wrong.summary == "the cluster does not know argoproj.io, kubeflow.org"


def test_rights_follow_the_settings() -> None:
    """Definitions and gateways are asked for by those who make them."""

    def asked(target: Existing) -> set[str]:
        return {right.resource for right in preflight.rights(target)}

    existing = Existing(context="home", custom_resources="existing")
    assert asked(TARGET) - asked(existing) == {"customresourcedefinitions"}
    assert asked(WITH_GATEWAY) - asked(TARGET) == {"gateways", "httproutes"}


def test_every_object_of_a_tenant_is_asked_for() -> None:
    """In its own namespace; and the Job that gives it a bucket in the platform's."""
    settings = parse({"target": {"kind": "existing", "context": "c"}, "tenants": [RED]}, source="S")
    described = describe(settings)
    [red] = described.tenants
    place = RenderContext(TARGET.namespace, "test")
    made = objects.of_tenant(red, list(described.services), place, {})

    asked = preflight.rights(TARGET, settings.tenant_namespaces)
    plurals = {right.resource for right in asked if right.namespace == red.namespace}
    kinds = {manifest["kind"].lower() for manifest in made} - {"namespace"}
    assert {kind for kind in kinds if not {f"{kind}s", f"{kind[:-1]}ies"} & plurals} == set()
    assert PolicyRule("create", "jobs", "batch", TARGET.namespace) in asked
    assert "jobs" not in {right.resource for right in preflight.rights(TARGET)}


def test_what_runs_once_needs_no_room() -> None:
    """Tenants' Jobs end: they are not what a cluster must have room for."""
    settings = {"target": {"kind": "existing", "context": "c"}}
    alone = describe(parse(settings, source="S"))
    beside = describe(parse(settings | {"tenants": [RED]}, source="S"))

    assert preflight.needs(alone.services) == preflight.needs(beside.services)


def test_every_object_of_the_platform_is_asked_for() -> None:
    """A new kind of object needs its line in the table of rights."""
    services = all_services(Settings(), grafana_at_hand=True)
    secrets = dict.fromkeys(frozenset().union(*(service.secrets for service in services)), "x")
    secrets |= {object_store.ACCESS_KEY: "x", object_store.SECRET_KEY: "x"}
    made = objects.of_platform(services, RenderContext("slipway", "test"), secrets)

    plurals = {right.resource for right in preflight.rights(TARGET)}
    kinds = {manifest["kind"].lower() for manifest in made}
    assert {kind for kind in kinds if not {f"{kind}s", f"{kind[:-1]}ies"} & plurals} == set()


def test_needs_are_the_sum_of_all_copies() -> None:
    """As the platform begins; limits and growth are not counted."""
    one = Service(
        name="one",
        command=("one",),
        image="one:1",
        health=Health(),
        resources=Resources(10, 20, 300),
        scaling=Scaling(min=3, max=9),
    )
    other = replace(one, name="other", scaling=Scaling(), data=Data(gib=1))

    assert preflight.needs([one]) == Needs(cpu=30, memory=60, storage=False)
    assert preflight.needs([one, other]) == Needs(cpu=40, memory=80, storage=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [("2", 2), ("1930m", 1.93), ("8Gi", 2**33), ("8009520Ki", 8009520 * 2**10), ("1M", 1e6)],
)
def test_quantities_are_read_as_kubernetes_writes_them(text: str, value: float) -> None:
    """Cores and bytes, binary or decimal."""
    assert quantity(text) == pytest.approx(value)


GOOD_HOST = Host(docker="28.2.2", kind="0.33.0", memory=8000, free=6000)


def test_a_machine_with_docker_and_kind_has_nothing_to_mend() -> None:
    """Versions and memory are said."""
    found = kind_host.checks(GOOD_HOST, NEEDED.memory)

    assert levels(found) == {"ok"}
    assert [diagnosis.summary for diagnosis in found] == [
        "Docker 28.2.2",
        "6000 MiB of memory free for Docker's containers, of 8000",
        "kind 0.33.0",
    ]


@pytest.mark.parametrize(
    ("changes", "level", "summary", "remedy"),
    [
        ({"docker": ""}, "error", "Docker is not here", "install Docker"),
        ({"docker": "", "trouble": "no socket"}, "error", "Docker does not run", "start Docker"),
        ({"docker": "19.3.1"}, "error", "Docker 19.3.1 is too old for kind", "install Docker 20"),
        ({"kind": ""}, "error", "kind is not here yet", "`slipway tools install`"),
        (
            {"kind": "0.20.0"},
            "error",
            "kind 0.20.0 is not 0.33.0 or newer, below 1",
            "`slipway tools install` brings 0.33.0",
        ),
        ({"memory": 2000, "free": 2000}, "error", "2000 MiB of memory free", "give Docker more"),
        ({"free": 2000}, "warning", "2000 MiB of memory free", "end what takes the memory"),
    ],
)
def test_what_a_newcomer_to_kind_lacks_is_said(
    changes: dict, level: str, summary: str, remedy: str
) -> None:
    """One line each, with the way to get it."""
    found = kind_host.checks(replace(GOOD_HOST, **changes), NEEDED.memory)

    [wrong] = [diagnosis for diagnosis in found if diagnosis.level != "ok"]
    assert wrong.level == level
    assert wrong.summary.startswith(summary)
    assert wrong.resolution.startswith(remedy)


def test_a_running_cluster_s_memory_is_not_asked_for_twice() -> None:
    """It has it already."""
    host = replace(GOOD_HOST, free=100)

    assert levels(kind_host.checks(host, NEEDED.memory, exists=True)) == {"ok"}
