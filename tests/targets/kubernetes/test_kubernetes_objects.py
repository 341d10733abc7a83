"""The pure builders: each decision of the Kubernetes target, compared whole."""

from dataclasses import replace

import pytest

from infra.images.reference import Locked, References
from infra.service import (
    Data,
    Health,
    PolicyRule,
    Resources,
    Scaling,
    Service,
    Token,
    address,
    config,
    data,
    secret,
    url,
)
from infra.targets.kubernetes import (
    access,
    availability,
    configuration,
    network,
    objects,
    pod,
    runner,
    workload,
)
from infra.targets.kubernetes.hardening import SCRATCH
from infra.targets.kubernetes.render_context import RenderContext, version

PLACE = RenderContext("mlops", "dev")
WEB = Service(
    name="web",
    command=("web", "--config", config("a/b.yml")),
    image="example.org/web:1.2",
    ports=("http", "metrics"),
    health=Health(path="/ready", seconds=15),
    resources=Resources(cpu=10, memory=20, memory_limit=30),
    environment={"STORE": url("store"), "DSN": f"user:{secret('password')}@x"},
    files={"a/b.yml": f"listen: {address('web', 'metrics')}\n"},
    talks_to=("store",),
    stop_seconds=7,
)
STORE = Service(
    name="store",
    command=("store", data("x")),
    image="example.org/store:3",
    health=Health(),
    ports=("http", "metrics"),
    resources=Resources(10, 20, 30),
    data=Data(gib=4, folders=("lake",)),
)
RIGHTS = (PolicyRule(("", "apps"), ("pods",), ("get", "list")),)
LABELS = {"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "dev"}
DNS = {
    "to": [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}},
    ],
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}


def kinds(service: Service) -> list[str]:
    return [made["kind"] for made in objects.of_service(service, [service], PLACE, {}, "")]


def test_a_pod_is_held_as_restricted_asks_and_runs_what_the_service_says() -> None:
    """The whole template: a change of any part of the hardening is seen here."""
    checks = {"timeoutSeconds": 5, "httpGet": {"path": "/ready", "port": "http"}}

    assert pod.template(WEB, PLACE, "abc")["spec"] == {
        "serviceAccountName": "web",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": 7,
        "containers": [
            {
                "name": "web",
                "image": "example.org/web:1.2",
                "imagePullPolicy": "IfNotPresent",
                "command": ["web"],
                "args": ["--config", "/config/a/b.yml"],
                "workingDir": SCRATCH,
                "env": [
                    {"name": "HOME", "value": SCRATCH},
                    {"name": "STORE", "value": "http://store.mlops.svc:8080"},
                    {
                        "name": "DSN",
                        "valueFrom": {"secretKeyRef": {"name": "web", "key": "DSN"}},
                    },
                ],
                "ports": [
                    {"name": "http", "containerPort": 8080},
                    {"name": "metrics", "containerPort": 9090},
                ],
                "startupProbe": {**checks, "periodSeconds": 2, "failureThreshold": 8},
                "readinessProbe": {**checks, "periodSeconds": 5, "failureThreshold": 2},
                "livenessProbe": {**checks, "periodSeconds": 10, "failureThreshold": 6},
                "resources": {
                    "requests": {"cpu": "10m", "memory": "20Mi"},
                    "limits": {"memory": "30Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
                "volumeMounts": [
                    {"name": "scratch", "mountPath": SCRATCH},
                    {"name": "config", "mountPath": "/config", "readOnly": True},
                ],
            }
        ],
        "volumes": [
            {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}},
            {
                "name": "config",
                "configMap": {"name": "web", "items": [{"key": "a__b.yml", "path": "a/b.yml"}]},
            },
        ],
    }


def test_a_port_without_a_path_is_probed_by_connecting() -> None:
    """A service that speaks no HTTP is healthy when it accepts."""
    probe = pod.template(STORE, PLACE, "")["spec"]["containers"][0]["readinessProbe"]

    assert probe["tcpSocket"] == {"port": "http"}


def test_pods_roll_when_what_they_read_changes_and_only_then() -> None:
    """Files and secrets count; the annotations stand still otherwise."""

    def marks(service: Service, secret_checksum: str) -> dict:
        return pod.template(service, PLACE, secret_checksum)["metadata"]["annotations"]

    other = replace(WEB, files={"a/b.yml": "listen: no\n"})

    assert marks(WEB, "1") == marks(replace(WEB), "1")
    assert marks(WEB, "1")["checksum/config"] != marks(other, "1")["checksum/config"]
    assert marks(WEB, "2")["checksum/secret"] == "2"
    assert marks(STORE, "1") == {}


def test_secrets_stand_in_the_secret_and_nowhere_else() -> None:
    """No other object of the service holds the text, in whatever form."""
    made = objects.of_platform([WEB, STORE], PLACE, {"password": "hush"})

    holders = [manifest for manifest in made if "hush" in repr(manifest)]

    assert [(manifest["kind"], manifest["stringData"]) for manifest in holders] == [
        ("Secret", {"DSN": "user:hush@x"})
    ]


def test_a_secret_in_an_argument_is_refused() -> None:
    """It would be plain text in a list of processes."""
    with pytest.raises(KeyError, match="password"):
        pod.template(replace(WEB, command=("web", secret("password"))), PLACE, "")


def test_one_copy_keeps_its_data_apart_from_what_runs_it() -> None:
    """To replace the StatefulSet, or to rename a field of it, loses nothing."""
    spec = workload.workload(STORE, RenderContext("mlops", "dev", "fast"), "")["spec"]
    volumes = spec["template"]["spec"]["volumes"]
    claim = workload.claim(STORE, RenderContext("mlops", "dev", "fast"))

    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "4Gi"}},
    }
    assert volumes[-1] == {"name": "data", "persistentVolumeClaim": {"claimName": "store"}}
    assert "volumeClaimTemplates" not in spec


def test_folders_of_the_data_are_there_before_the_first_start() -> None:
    """Each is a mount of its own, which the kubelet makes."""
    mounts = pod.template(STORE, PLACE, "")["spec"]["containers"][0]["volumeMounts"]

    assert mounts[1:] == [
        {"name": "data", "mountPath": "/data"},
        {"name": "data", "mountPath": "/data/lake", "subPath": "lake"},
    ]


def test_several_copies_have_a_volume_each() -> None:
    """None is shared; what a copy that is scaled away has not shipped waits for its successor."""
    service = replace(STORE, scaling=Scaling(min=1, max=3))

    spec = workload.workload(service, PLACE, "")["spec"]

    assert workload.claim(service, PLACE) is None
    assert spec["volumeClaimTemplates"][0]["metadata"] == {"name": "data"}
    assert spec["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Delete",
        "whenScaled": "Retain",
    }
    assert "replicas" not in spec


@pytest.mark.parametrize(
    ("scaling", "extra"),
    [
        (Scaling(), []),
        (Scaling(min=2, max=2), ["PodDisruptionBudget"]),
        (Scaling(min=1, max=2), ["HorizontalPodAutoscaler"]),
        (Scaling(min=2, max=3), ["PodDisruptionBudget", "HorizontalPodAutoscaler"]),
    ],
)
def test_scaling_decides_on_budget_and_autoscaler(scaling: Scaling, extra: list[str]) -> None:
    """A budget where copies can be spared, an autoscaler where there is room."""
    service = replace(WEB, scaling=scaling)

    assert kinds(service)[len(kinds(WEB)) :] == extra


def test_an_autoscaler_follows_cpu_use() -> None:
    """It scales the workload that there is, between the two bounds."""
    service = replace(STORE, scaling=Scaling(min=2, max=5, cpu_percent=60))

    assert availability.autoscaler(service, PLACE)["spec"] == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "store"},
        "minReplicas": 2,
        "maxReplicas": 5,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 60},
                },
            }
        ],
    }


def test_copies_are_spread_where_there_are_some() -> None:
    """Over nodes and zones, as far as there are any."""
    spread = pod.template(replace(WEB, scaling=Scaling(2, 2)), PLACE, "")["spec"]

    assert [
        (rule["topologyKey"], rule["whenUnsatisfiable"])
        for rule in spread["topologySpreadConstraints"]
    ] == [
        ("kubernetes.io/hostname", "ScheduleAnyway"),
        ("topology.kubernetes.io/zone", "ScheduleAnyway"),
    ]


def test_only_those_with_rights_have_a_role_and_a_token() -> None:
    """Everybody has an account of their own; a token is mounted for a reason only."""
    able = replace(WEB, rights=RIGHTS)

    assert set(kinds(able)) - set(kinds(WEB)) == {"Role", "RoleBinding"}
    assert access.role(able, PLACE)["rules"] == [
        {"apiGroups": ["", "apps"], "resources": ["pods"], "verbs": ["get", "list"]}
    ]
    assert [
        pod.template(service, PLACE, "")["spec"]["automountServiceAccountToken"]
        for service in (WEB, able)
    ] == [False, True]


def test_an_edge_opens_the_named_port_on_both_sides() -> None:
    """The caller out and the called in: the port that is called, and no other."""
    web, store = (network.policy(service, [WEB, STORE], PLACE)["spec"] for service in (WEB, STORE))
    port = [{"protocol": "TCP", "port": 8080}]
    store_labels = LABELS | {"app.kubernetes.io/name": "store"}

    # None on the other sides; and no empty list, which the API server would drop.
    assert ("ingress" in web, "egress" in store) == (False, False)
    assert store["ingress"] == [{"from": [{"podSelector": {"matchLabels": LABELS}}], "ports": port}]
    assert web["egress"] == [
        {"to": [{"podSelector": {"matchLabels": store_labels}}], "ports": port},
        DNS,
    ]


def test_the_api_server_is_open_to_those_with_rights_only() -> None:
    """In the range of addresses that the settings give."""
    context = RenderContext("mlops", "dev", api_servers="10.0.0.0/28")
    able = replace(STORE, rights=RIGHTS)

    assert network.policy(able, [able], context)["spec"]["egress"] == [
        DNS,
        {
            "to": [{"ipBlock": {"cidr": "10.0.0.0/28"}}],
            "ports": [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}],
        },
    ]


def test_a_namespace_is_restricted_and_closed() -> None:
    """Before anything runs in it."""
    namespace, door = objects.of_namespace(PLACE)

    assert namespace["metadata"]["labels"] == {
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/audit": "restricted",
        "pod-security.kubernetes.io/warn": "restricted",
    }
    assert door["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("localhost:5000/a/b:1.2", "1.2"),
        ("a@sha256:00", ""),
        ("a:v3@sha256:00", "v3"),
    ],
)
def test_the_version_label_is_the_images_tag(image: str, expected: str) -> None:
    """Neither a registry's port nor a digest is taken for it."""
    assert version(image) == expected


def test_a_port_nobody_gave_a_number_is_refused() -> None:
    """The message names those there are, and where they stand."""
    with pytest.raises(
        ValueError, match=r"port web/gopher has no number .* in port_numbers.* http, grpc, metrics"
    ):
        PLACE.number("web", "gopher")


def test_what_means_nothing_here_is_refused() -> None:
    """A tool's home folder in its image is known, or there is none."""
    with pytest.raises(ValueError, match=r"service web: nothing here is @\{home:\}"):
        PLACE.text(WEB, "@{home:}")


def test_a_port_that_others_know_by_number_has_that_number_everywhere() -> None:
    """The container, the Service, the address and the openings on both sides agree."""
    store = replace(STORE, port_numbers={"http": 3306})
    services = [WEB, store]
    context = PLACE.with_services(services)

    container = pod.template(store, context, "")["spec"]["containers"][0]
    seen = {
        "container": container["ports"][0]["containerPort"],
        "service": network.service(store, context)["spec"]["ports"][0]["port"],
        "address": int(context.text(WEB, WEB.environment["STORE"]).rpartition(":")[2]),
        "in": network.policy(store, services, context)["spec"]["ingress"][0]["ports"][0]["port"],
        "out": network.policy(WEB, services, context)["spec"]["egress"][0]["ports"][0]["port"],
    }

    assert seen == dict.fromkeys(seen, 3306)


def test_a_file_with_a_secret_stands_in_the_secret_beside_those_without() -> None:
    """The ConfigMap never holds it, and the container finds both in one folder."""
    service = replace(WEB, files={"a/b.yml": "plain", "init.sql": f"user {secret('password')}"})

    template = pod.template(service, PLACE, "")["spec"]
    plain = {"key": "a__b.yml", "path": "a/b.yml"}
    hidden = {"key": "init.sql", "path": "init.sql"}

    assert configuration.config_map(service, PLACE)["data"] == {"a__b.yml": "plain"}
    assert configuration.secret_values(service, PLACE, {"password": "hush"}) == {
        "DSN": "user:hush@x",
        "init.sql": "user hush",
    }
    sources = [
        {"configMap": {"name": "web", "items": [plain]}},
        {"secret": {"name": "web", "items": [hidden]}},
    ]
    assert [volume for volume in template["volumes"] if volume["name"] == "config"] == [
        {"name": "config", "projected": {"sources": sources}}
    ]


def test_a_service_may_be_probed_by_a_command_or_not_at_all() -> None:
    """A database is asked by its own client; a program without a port by nobody."""
    asked = replace(STORE, health=Health(command=("ping", "-q")))
    silent = replace(STORE, ports=(), health=Health(port=None))

    probed = pod.template(asked, PLACE, "")["spec"]["containers"][0]["livenessProbe"]
    left = pod.template(silent, PLACE, "")["spec"]["containers"][0]

    assert probed["exec"] == {"command": ["ping", "-q"]}
    assert not {"startupProbe", "readinessProbe", "livenessProbe"} & set(left)
    assert "Service" not in kinds(silent)


def test_a_token_is_made_for_its_audience_and_stands_where_the_program_looks() -> None:
    """A program of Kubeflow's ends at once where the file is missing."""
    agent = replace(STORE, tokens=(Token("/var/run/tokens/agent", "pipelines.example.org"),))

    spec = pod.template(agent, PLACE, "")["spec"]

    assert spec["containers"][0]["volumeMounts"][-1] == {
        "name": "token-0",
        "mountPath": "/var/run/tokens",
        "readOnly": True,
    }
    assert spec["volumes"][-1] == {
        "name": "token-0",
        "projected": {
            "sources": [
                {
                    "serviceAccountToken": {
                        "path": "agent",
                        "audience": "pipelines.example.org",
                        "expirationSeconds": 3600,
                    }
                }
            ]
        },
    }


def test_of_a_service_that_is_alone_two_never_run() -> None:
    """The old copy ends before the new one starts."""
    lonely = replace(WEB, singleton=True)

    assert workload.workload(lonely, PLACE, "")["spec"]["strategy"] == {"type": "Recreate"}


def test_steps_reach_what_services_have_for_them_and_nothing_else() -> None:
    """Both sides open the same ports; nobody calls a step."""
    store = replace(STORE, step_ports=("http",))
    services = [WEB, store]

    steps = network.steps_policy(services, PLACE)["spec"]
    opened = network.policy(store, services, PLACE)["spec"]["ingress"][-1]

    assert [rule["ports"] for rule in steps["egress"][:-2]] == [[{"protocol": "TCP", "port": 8080}]]
    assert opened["ports"] == [{"protocol": "TCP", "port": 8080}]
    assert opened["from"] == [{"podSelector": steps["podSelector"]}]
    assert "ingress" not in steps


def test_what_is_outside_is_reached_by_its_port_alone() -> None:
    """A database that somebody else looks after has an address that nobody here knows."""
    client = replace(WEB, talks_to=(), egress_ports=(3306,))

    egress = network.policy(client, [client], PLACE)["spec"]["egress"]

    assert egress == [
        {
            "to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}],
            "ports": [{"protocol": "TCP", "port": 3306}],
        },
        DNS,
    ]


def test_images_come_from_where_the_settings_say() -> None:
    """From a private registry by digest, with its key, for services and steps alike."""
    locked = {"docker.io/library/registry:3": Locked("sha256:" + "0" * 64, ("linux/amd64",))}
    context = replace(PLACE, images=References("r.example.org/m", locked), pull_secret="key")
    service = replace(STORE, image="docker.io/library/registry:3")

    spec = pod.template(service, context, "")["spec"]

    assert spec["containers"][0]["image"] == (
        f"r.example.org/m/docker.io/library/registry:3@sha256:{'0' * 64}"
    )
    assert spec["imagePullSecrets"] == [{"name": "key"}]
    assert runner.account(context)[0]["imagePullSecrets"] == [{"name": "key"}]


def test_a_role_may_be_for_named_objects_alone() -> None:
    """The runner reads one ConfigMap and one Secret, and can list neither."""
    account, role, binding = runner.account(PLACE)

    assert role["rules"] == [
        {
            "apiGroups": ["argoproj.io"],
            "resources": ["workflowtaskresults"],
            "verbs": ["create", "patch"],
        },
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "verbs": ["get"],
            "resourceNames": ["kfp-launcher"],
        },
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "verbs": ["get"],
            "resourceNames": ["pipeline-secrets"],
        },
    ]
    assert {account["metadata"]["name"], role["metadata"]["name"], binding["roleRef"]["name"]} == {
        "pipeline-runner"
    }
