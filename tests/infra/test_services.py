"""The list of services: consistent with itself, and changed by settings only where it should."""

import json
from hashlib import sha256

import msgspec
import pytest
import yaml

from infra.description import describe, steps
from infra.errors import SettingsError
from infra.service import PLACEHOLDER, Service, address, render, revealed, secret
from infra.services import all_services, object_store
from infra.settings.reading import parse
from infra.settings.tree import Settings
from infra.signing_keys import make_key_pair
from serving.config import DRAIN_SECONDS, ApiKey, Config, Limits, PredictionLog, SlotAliases
from serving.middleware.api_keys import make_key

PUBLIC_KEY = make_key_pair().public_pem


def services(**values: dict) -> dict[str, Service]:
    found = all_services(parse(values, source="S"), grafana_at_hand=True)
    return {service.name: service for service in found}


def configuration(target: dict | None = None, **serving: object) -> Config:
    """The model server's file, read by the server itself."""
    described = services(serving=serving, target=target or {})["serving"]
    texts = {"port": {"http": "18001", "grpc": "18002"}, "host": {"": "127.0.0.1"}}

    def fill(kind: str, what: str) -> str:
        if kind in {"secret", "sha256"}:
            return revealed(kind, what, {what: f"text of {what}"})
        return texts.get(kind, {}).get(what, "127.0.0.1:1")

    text = render(described.files["serving.json"], fill)
    return msgspec.json.decode(text, type=Config)


def test_the_platform_has_these_services() -> None:
    """What stands up is what the design names."""
    assert list(services()) == [
        "object-store",
        "registry",
        "tracking",
        "serving",
        "prometheus",
        "alertmanager",
        "process-exporter",
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


def test_prometheus_watches_every_service() -> None:
    """One without metrics of its own is told of by the exporter; on a cluster, by the kubelets."""
    listed = services()
    configured = yaml.safe_load(listed["prometheus"].files["prometheus.yml"])
    jobs = {job["job_name"]: job for job in configured["scrape_configs"]}
    told = {name for name, job in jobs.items() if job["metrics_path"] == f"/services/{name}"}

    assert set(jobs) == set(listed)
    assert told == {name for name, service in listed.items() if not service.metrics}
    assert told == set(json.loads(listed["process-exporter"].files["watched.json"]))
    for name in told:
        targets = [each["targets"] for each in jobs[name]["static_configs"]]
        assert targets == [[address("process-exporter")]]


def test_on_a_cluster_prometheus_scrapes_every_service_that_has_metrics() -> None:
    """There is no exporter there."""
    listed = services(target={"kind": "existing", "context": "c"})
    configured = yaml.safe_load(listed["prometheus"].files["prometheus.yml"])
    scraped = {job["job_name"] for job in configured["scrape_configs"]}

    assert "process-exporter" not in listed
    assert {name for name, service in listed.items() if service.metrics} == {
        name for name in scraped if not name.startswith("kubelet")
    }


def test_serving_settings_reach_the_model_server() -> None:
    """Each stands in the server's file, which the server itself accepts."""
    written = configuration(
        max_rows=7,
        max_seconds=2.5,
        max_concurrency=9,
        max_explained=11,
        log_requests=True,
        slots={"challenger": "next"},
        log={"flush_seconds": 1.5, "journal_mib": 3},
        signing={"public_key": PUBLIC_KEY},
        api_keys=["mobile"],
        workers=2,
        poll_seconds=0.5,
    )

    assert written.limits == Limits(8 * 2**20, 7, 2.5, 9)
    assert written.slots == SlotAliases("champion", "next", "shadow")
    assert written.log == PredictionLog("s3://lake/serving/flight-delays", 3 * 2**20, 1.5)
    assert written.public_key.endswith(PUBLIC_KEY)
    assert written.api_keys == (ApiKey("mobile", sha256(b"text of api-key-mobile").hexdigest()),)
    assert (written.explanations.max_scored, written.log_requests) == (11, True)
    assert (written.port, written.grpc_port) == (18001, 18002)
    assert (written.workers, written.poll_seconds) == (2, 0.5)


def test_a_key_that_was_made_elsewhere_reaches_the_server_as_its_hash() -> None:
    """The hash is a secret that somebody chose: it stands in a Secret, not in a ConfigMap."""
    key, hashed = make_key()
    settings = Settings.model_validate(
        {"serving": {"api_keys": ["mobile"], "api_key_hashes": {"partner": hashed}}}
    )
    described = describe(settings)
    [server] = [each for each in described.services if each.name == "serving"]

    assert described.external_secrets["caller-partner-sha256"] == hashed
    assert {"api-key-mobile", "caller-partner-sha256"} <= server.secrets
    assert hashed not in server.files["serving.json"]
    assert key not in str(described)


def test_a_caller_has_one_key() -> None:
    """One that the stack makes, or one that was made elsewhere."""
    both = {"api_keys": ["mobile"], "api_key_hashes": {"mobile": "0" * 64}}

    with pytest.raises(SettingsError, match="api_keys and api_key_hashes both have mobile"):
        parse({"serving": both}, source="S")


def test_the_log_is_written_with_the_object_store_s_keys() -> None:
    """Off, the server has neither keys nor a way to the store; else what steps have."""
    on, off = services()["serving"], services(serving={"log": {"enabled": False}})["serving"]

    assert on.environment == object_store.client_environment(Settings())
    assert on.talks_to == ("tracking", "registry", "object-store")
    assert (dict(off.environment), off.talks_to) == ({}, ("tracking", "registry"))
    assert configuration(log={"enabled": False}).log is None


def test_grpc_has_a_port_of_its_own_or_none() -> None:
    """It is one switch."""
    off = services(serving={"grpc": False})["serving"]

    assert services()["serving"].ports == ("http", "grpc")
    assert off.ports == ("http",)
    assert configuration(grpc=False).grpc_port is None


@pytest.mark.parametrize(
    ("signing", "trusted"),
    [
        ({}, "text of signing-key-public"),
        ({"public_key": PUBLIC_KEY}, f"text of signing-key-public{PUBLIC_KEY.strip()}\n"),
        ({"signatures": "off"}, ""),
        ({"signatures": "off", "public_key": PUBLIC_KEY}, ""),
    ],
)
def test_who_signs_and_who_is_trusted(signing: dict, trusted: str) -> None:
    """Steps always sign with the platform's key, and a key from elsewhere is one more."""
    variables = steps.environment(parse({"serving": {"signing": signing}}, source="S"))

    assert configuration(signing=signing).public_key == trusted
    assert variables["SLIPWAY_SIGNING_KEY"] == secret("signing-key")


def test_the_server_never_has_the_private_key() -> None:
    """Who verifies need not be able to sign."""
    assert "signing-key" not in services()["serving"].secrets


def test_the_server_is_ended_no_sooner_than_its_requests() -> None:
    """What a target waits is longer than its notice and its drain, with time to ship."""
    on_cluster = configuration(target={"kind": "existing", "context": "c"})

    assert on_cluster.notice_seconds > configuration().notice_seconds == 0
    assert services()["serving"].stop_seconds > on_cluster.notice_seconds + DRAIN_SECONDS + 5


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
