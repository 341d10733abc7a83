"""Stacks of every kind of settings, as plain objects, each in namespaces of its own."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from contracts.steps import ACCOUNT
from infra.description import describe
from infra.images.reference import References
from infra.service import PolicyRule, Service
from infra.settings.tree import Settings
from infra.targets.kubernetes import objects, runner
from infra.targets.kubernetes.render_context import RenderContext

NUMBERS = itertools.count()
KEYS = {"access_key": "AKIAEXAMPLE", "secret_key": "not-a-real-key"}
VARIANTS = {
    "default": {},
    "everything": {
        "monitoring": {"grafana": "on"},
        "target": {"storage_class": "standard"},
    },
    "bare": {"monitoring": {"grafana": "off"}, "pipelines": {"ui": False, "lineage": False}},
    "elsewhere": {
        "target": {
            "database": {
                "kind": "external",
                "host": "mysql.example.org",
                "user": "slipway",
                "password": "not-a-real-one",
            },
            "object_store": {"kind": "s3", "bucket_prefix": "example", **KEYS},
            "images": {"registry": "registry.example.org/slipway", "pull_secret": "pull"},
        }
    },
    "tenants": {
        "tenants": [
            {"name": "red", "cpu": 1.5, "memory_gib": 2, "pods": 3, "members": ["ada", "bob"]},
            {"name": "blue"},
        ]
    },
    "google": {"target": {"object_store": {"kind": "gcs", "bucket_prefix": "example", **KEYS}}},
}


@dataclass(frozen=True)
class Stack:
    """A stack's services and all its objects, those of the cluster first."""

    settings: Settings
    services: list[Service]
    of_cluster: list[dict]
    objects: list[dict]

    @property
    def namespace(self) -> str:
        """The namespace of the platform itself."""
        return self.settings.target.namespace

    @property
    def namespaces(self) -> list[str]:
        """Every namespace that is the stack's own."""
        return [each["metadata"]["name"] for each in self.objects if each["kind"] == "Namespace"]

    @property
    def rights(self) -> dict[str, tuple[PolicyRule, ...]]:
        """The rights of each account in the platform's own namespace."""
        own = {service.name: service.rights for service in self.services}
        return own | {ACCOUNT: runner.RIGHTS}

    @property
    def workloads(self) -> list[dict]:
        """What keeps pods running."""
        return [each for each in self.objects if each["kind"] in {"Deployment", "StatefulSet"}]

    @property
    def claims(self) -> list[tuple[str, dict]]:
        """The name and the spec of every claim: those of their own, and stateful copies'."""
        own = [
            (each["metadata"]["name"], each["spec"])
            for each in self.objects
            if each["kind"] == "PersistentVolumeClaim"
        ]
        copies = [
            (f"{claim['metadata']['name']}-{each['metadata']['name']}-{copy}", claim["spec"])
            for each in self.workloads
            for claim in each["spec"].get("volumeClaimTemplates", [])
            for copy in range(each["spec"].get("replicas", 1))
        ]
        return [*own, *copies]

    @property
    def volumes(self) -> list[dict]:
        """A volume for each claim and no other; nobody ever writes to it."""
        return [
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": f"{self.namespace}-{name}"},
                "spec": {
                    "accessModes": spec["accessModes"],
                    "capacity": spec["resources"]["requests"],
                    "claimRef": {"namespace": self.namespace, "name": name},
                    "hostPath": {"path": f"/nowhere/{self.namespace}/{name}"},
                    "storageClassName": spec.get("storageClassName", "standard"),
                },
            }
            for name, spec in self.claims
        ]


def stack(variant: str) -> Stack:
    """A stack of the settings of a variant."""
    described = describe(settings_of(variant))
    target = described.cluster
    place = RenderContext(
        target.namespace,
        variant,
        target.storage_class,
        images=References(target.images.registry, {}),
        pull_secret=target.images.pull_secret,
    )
    secrets = {name: f"{name} {'x' * 32}" for name in described.secrets}
    services = list(described.services)
    steps, tenants = described.steps, described.tenants
    manifests = objects.of_platform(services, place, secrets, steps, tenants)
    return Stack(described.settings, services, objects.of_cluster(), manifests)


def settings_of(variant: str) -> Settings:
    """Settings of a stack on an existing cluster, in a namespace that no test used before."""
    given = VARIANTS[variant]
    namespace = f"test-{variant}-{next(NUMBERS)}"
    target = {"kind": "existing", "context": "any", "namespace": namespace}
    return Settings.model_validate(given | {"target": target | given.get("target", {})})


@pytest.fixture(scope="session")
def stack_of() -> Callable[[str], Stack]:
    """Makes a stack of the settings of a variant."""
    return stack


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest, api_server) -> Iterator[Stack]:
    """Each of the stacks in turn; what a test makes of it does not outlive the test."""
    described = stack(request.param)
    yield described
    delete_namespaces(api_server, described)


@pytest.fixture
def everything(api_server) -> Iterator[Stack]:
    """The stack with all that can be switched on."""
    described = stack("everything")
    yield described
    delete_namespaces(api_server, described)


@pytest.fixture
def tenants(api_server) -> Iterator[Stack]:
    """A stack with two tenants, of which one has members, as it stands in the API server."""
    described = stack("tenants")
    api_server.apply_all([*described.of_cluster, *described.objects])
    yield described
    delete_namespaces(api_server, described)


def delete_namespaces(api_server, described: Stack) -> None:
    """Have them deleted; nobody waits for it."""
    for namespace in described.namespaces:
        api_server.delete(f"/api/v1/namespaces/{namespace}")
