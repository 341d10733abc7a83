"""The list of services: consistent with itself, and changed by settings only where it should."""

import json

import yaml

from infra.service import PLACEHOLDER, Service
from infra.services import all_services
from infra.settings import parse


def services(**values: dict) -> dict[str, Service]:
    found = all_services(parse(values, source="S"), grafana_at_hand=True)
    return {service.name: service for service in found}


def test_the_platform_has_these_services() -> None:
    """What stands up is what the design names."""
    assert list(services()) == [
        "object-store",
        "registry",
        "tracking",
        "serving",
        "prometheus",
        "alertmanager",
        "grafana",
    ]


def test_grafana_follows_settings_and_what_is_at_hand() -> None:
    """auto: where it can be had; on: always; off: never."""
    listed = {
        (wanted, at_hand): "grafana"
        in {
            service.name
            for service in all_services(
                parse({"monitoring": {"grafana": wanted}}, source="S"), grafana_at_hand=at_hand
            )
        }
        for wanted in ("auto", "on", "off")
        for at_hand in (True, False)
    }

    assert listed == {
        ("auto", True): True,
        ("auto", False): False,
        ("on", True): True,
        ("on", False): True,
        ("off", True): False,
        ("off", False): False,
    }


def test_every_address_is_of_a_service_that_is_named_in_talks_to() -> None:
    """`talks_to` is the whole truth about who calls whom."""
    for service in services().values():
        texts = [*service.command, *service.environment.values(), *service.files.values()]
        called = {
            argument.split("/")[0]
            for text in texts
            for kind, argument in PLACEHOLDER.findall(text)
            if kind == "address"
        } - {service.name}
        # Prometheus' configuration names Alertmanager, which it also scrapes.
        assert called == set(service.talks_to), service.name


def test_every_service_called_exists_with_that_port() -> None:
    """No placeholder points nowhere."""
    listed = services()
    for service in listed.values():
        for text in [*service.command, *service.environment.values(), *service.files.values()]:
            for kind, argument in PLACEHOLDER.findall(text):
                if kind == "address":
                    name, port = argument.split("/")
                    assert port in listed[name].ports


def test_prometheus_scrapes_every_service_that_has_metrics() -> None:
    """Nothing with metrics goes unwatched."""
    listed = services()
    configured = yaml.safe_load(listed["prometheus"].files["prometheus.yml"])

    scraped = {job["job_name"] for job in configured["scrape_configs"]}

    assert scraped == {name for name, service in listed.items() if service.metrics}


def test_serving_settings_reach_the_model_server() -> None:
    """Each setting stands in the server's file by its own name."""
    changed = services(serving={"max_rows": 7, "alias": "challenger"})["serving"]
    text = changed.files["serving.json"].replace("@{port:http}", "1")

    written = json.loads(text)

    assert (written["limits"]["max_rows"], written["alias"]) == (7, "challenger")


def test_a_serving_setting_changes_serving_only() -> None:
    """A change in one branch touches one service."""
    before, after = services(), services(serving={"max_rows": 7})

    assert [name for name in before if before[name] != after[name]] == ["serving"]


def test_a_monitoring_setting_changes_prometheus_only() -> None:
    """A change in one branch touches one service."""
    before, after = services(), services(monitoring={"retention": "30d"})

    assert [name for name in before if before[name] != after[name]] == ["prometheus"]


def test_the_objective_changes_rules_and_dashboards_only() -> None:
    """What is promised reaches those that watch over it, and nothing else."""
    before = services()
    after = services(monitoring={"objective": {"availability_percent": 99.9}})

    assert [name for name in before if before[name] != after[name]] == ["prometheus", "grafana"]
