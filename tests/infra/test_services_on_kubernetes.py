"""The list of services on Kubernetes: what is added there, and what settings change of it."""

import json

import pytest
import yaml

from infra.errors import SettingsError
from infra.service import PLACEHOLDER, Scaling, Service
from infra.services import all_services, monitoring
from infra.settings.reading import parse
from monitoring.cluster import SCRAPE_RESOURCES, SCRAPE_VOLUMES

TARGET = {"kind": "existing", "context": "c", "namespace": "mlops"}
OPERATOR = {"kind": "operator", "url": "http://prometheus.watch.svc:9090", "namespace": "watch"}


def services(**values: object) -> dict[str, Service]:
    found = all_services(parse({"target": TARGET, **values}, source="S"), grafana_at_hand=True)
    return {service.name: service for service in found}


def jobs(listed: dict[str, Service]) -> dict[str, dict]:
    written = yaml.safe_load(listed["prometheus"].files["prometheus.yml"])
    return {job["job_name"]: job for job in written["scrape_configs"]}


def test_kubernetes_has_logs_and_states_of_its_objects_beside() -> None:
    """What watches is the same as for processes, and what only a cluster needs or can give."""
    here = list(services())

    assert here[here.index("prometheus") :] == [
        "prometheus",
        "alertmanager",
        "grafana",
        "loki",
        "log-collector",
        "kube-state-metrics",
    ]


def test_logs_and_states_ask_for_little() -> None:
    """Together they request no more than 40m of CPU and 260 MiB of memory."""
    listed = services()
    asked = [listed[name].resources for name in ("loki", "log-collector", "kube-state-metrics")]

    assert sum(each.cpu for each in asked) <= 40
    assert sum(each.memory for each in asked) <= 260


def test_an_operator_takes_the_place_of_our_prometheus() -> None:
    """Neither Prometheus nor Alertmanager nor kube-state-metrics; Grafana asks the operator's."""
    listed = services(monitoring={"prometheus": OPERATOR})
    sources = yaml.safe_load(listed["grafana"].files["provisioning/datasources/prometheus.yml"])

    assert {"prometheus", "alertmanager", "kube-state-metrics"} & set(listed) == set()
    assert [source["url"] for source in sources["datasources"]] == [
        OPERATOR["url"],
        "http://@{address:loki/http}",
    ]
    assert listed["grafana"].talks_to == ("loki",)


def test_kube_state_metrics_comes_along_where_the_operator_has_none() -> None:
    """One setting brings it back."""
    bare = OPERATOR | {"kube_state_metrics": True}

    assert "kube-state-metrics" in services(monitoring={"prometheus": bare})


def test_an_operator_is_refused_for_processes() -> None:
    """There is no operator without a cluster, and the error says what is needed."""
    with pytest.raises(SettingsError, match="prometheus of kind operator needs a target of kind"):
        parse({"monitoring": {"prometheus": OPERATOR}}, source="S")


def test_node_metrics_are_one_right_in_the_cluster_and_can_be_done_without() -> None:
    """Without the setting nobody has rights beyond the namespaces, nor a way to the kubelets."""
    listed, without = services(), services(monitoring={"node_metrics": False})

    assert [name for name, each in listed.items() if each.cluster_rights] == ["prometheus"]
    assert listed["prometheus"].egress_ports == (10250,)
    assert {SCRAPE_RESOURCES, SCRAPE_VOLUMES} <= set(jobs(listed))
    assert [name for name, each in without.items() if each.cluster_rights] == []
    assert without["prometheus"].egress_ports == ()
    assert {SCRAPE_RESOURCES, SCRAPE_VOLUMES} & set(jobs(without)) == set()


def test_every_copy_of_a_service_is_scraped() -> None:
    """Behind one address each scrape would meet another copy."""
    settings = parse({"target": TARGET}, source="S")
    scaled = Service(
        **{**vars(services()["serving"]), "scaling": Scaling(1, 3)},
    )
    listed = {
        each.name: each for each in monitoring.services(settings, [scaled], grafana_at_hand=False)
    }

    job = jobs(listed)["serving"]

    assert "static_configs" not in job
    [found] = job["kubernetes_sd_configs"]
    assert (found["role"], found["namespaces"]) == ("pod", {"names": ["mlops"]})
    assert listed["prometheus"].rights


def test_a_tenant_s_namespace_is_watched_and_its_logs_are_read() -> None:
    """It reaches those that watch, and gets a dashboard in a folder of its own."""
    listed = services(tenants=[{"name": "red"}])
    grafana = listed["grafana"]
    providers = yaml.safe_load(grafana.files["provisioning/dashboards/slipway.yml"])["providers"]

    assert "--namespaces=mlops,mlops-red" in listed["kube-state-metrics"].command
    assert '"mlops-red"' in listed["log-collector"].files["config.alloy"]
    assert [(each["folder"], each["options"]["path"]) for each in providers] == [
        ("Slipway", "@{config:dashboards}"),
        ("Tenant red", "@{config:tenants/red}"),
    ]
    assert json.loads(grafana.files["tenants/red/red.json"])["uid"] == "slipway-tenant-red"
    for name in ("kube-state-metrics", "log-collector"):
        assert listed[name].tenant_rights == listed[name].rights


def test_a_hundred_tenants_fit_into_grafana_s_files() -> None:
    """A ConfigMap holds 1 MiB."""
    files = services(tenants=[{"name": f"t{each}"} for each in range(100)])["grafana"].files

    assert sum(len(text.encode()) for text in files.values()) < 2**20


def test_every_address_on_kubernetes_is_named_in_talks_to() -> None:
    """A network policy opens every way that a text names."""
    for service in services(tenants=[{"name": "red"}]).values():
        texts = [*service.command, *service.environment.values(), *service.files.values()]
        called = {
            argument.split("/")[0]
            for text in texts
            for kind, argument in PLACEHOLDER.findall(text)
            if kind == "address"
        } - {service.name}
        assert called <= set(service.talks_to), service.name


def test_how_long_logs_are_kept_changes_loki_only() -> None:
    """A change in one branch touches one service."""
    before, after = services(), services(monitoring={"log_retention": "30d"})

    assert [name for name in before if before[name] != after[name]] == ["loki"]


def test_kube_state_metrics_is_started_where_its_image_has_it() -> None:
    """It stands at the root of its image, where PATH does not look."""
    assert services()["kube-state-metrics"].command[0] == "/kube-state-metrics"


@pytest.mark.parametrize(
    ("monitoring", "said"),
    [
        ({"prometheus": {"kind": "helm"}}, "monitoring.prometheus.kind is 'helm': should be"),
        ({"prometheus": {"kind": "operator"}}, "monitoring.prometheus.url is not set: Where"),
        ({"prometheus": OPERATOR | {"url": "https://x"}}, "monitoring.prometheus.url is 'https"),
        ({"log_retention": "12h"}, "monitoring.log_retention is '12h'"),
    ],
)
def test_a_wrong_setting_of_monitoring_is_named(monitoring: dict, said: str) -> None:
    """The field, what it is and what it should be, before anything is asked of a cluster."""
    with pytest.raises(SettingsError, match=said):
        services(monitoring=monitoring)
