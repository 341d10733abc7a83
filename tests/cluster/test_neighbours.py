"""What a Gateway and an operator are told, before an API server with their own definitions.

The definitions are taken from the folders that SLIPWAY_CRDS names, as PATH does: those of
Gateway API's and the Prometheus Operator's releases. Without them the test is skipped, by
this name.
"""

import os
import time
from pathlib import Path

import pytest
import yaml

from infra.services import all_services
from infra.settings.reading import parse
from infra.targets.kubernetes import objects
from infra.targets.kubernetes.integrations import of_integrations
from infra.targets.kubernetes.render_context import RenderContext
from infra.targets.kubernetes.resources import CUSTOM_KINDS

PLURALS = {
    "Gateway": "gateways",
    "HTTPRoute": "httproutes",
    "PrometheusRule": "prometheusrules",
    "ServiceMonitor": "servicemonitors",
}
pytestmark = [pytest.mark.cluster]

PLACE = RenderContext("neighbours", "test")
GATEWAY = {"class_name": "proxies", "hostname": "ml.example.org", "cluster_issuer": "ca"}
OPERATOR = {"kind": "operator", "url": "http://prometheus.watch.svc:9090", "namespace": "watch"}
SETTINGS = parse(
    {
        "target": {
            "kind": "existing",
            "context": "c",
            "namespace": PLACE.namespace,
            "gateway": GATEWAY,
        },
        "monitoring": {"prometheus": OPERATOR},
    },
    source="S",
)


def definitions() -> list[dict]:
    """The definitions of the kinds that are others' own."""
    folders = os.environ.get("SLIPWAY_CRDS")
    if not folders:
        pytest.skip("SLIPWAY_CRDS names no folders with definitions")
    # Others in the same folders are not looked at: PyYAML cannot read all of them.
    return [
        yaml.safe_load(path.read_text())
        for folder in folders.split(os.pathsep)
        for path in sorted(Path(folder).glob("*_*.yaml"))
        if path.stem.rpartition("_")[2] in PLURALS.values()
    ]


def wait_until_served(api_server, definition: dict) -> None:
    spec = definition["spec"]
    path = f"/apis/{spec['group']}/v1/{spec['names']['plural']}"
    deadline = time.monotonic() + 60
    while not api_server.http.get(path).is_success:
        assert time.monotonic() < deadline, path
        time.sleep(0.2)


def test_others_kinds_are_accepted_to_the_last_field(api_server) -> None:
    """Server-side apply, strict, against their own definitions; each kind is there."""
    for definition in definitions():
        answer = api_server.apply(definition)
        assert answer.is_success, answer.text
        wait_until_served(api_server, definition)
    api_server.apply(objects.of_namespace(PLACE)[0])
    made = of_integrations(SETTINGS, all_services(SETTINGS, grafana_at_hand=True), PLACE)

    refused = {
        f"{manifest['kind']}/{manifest['metadata']['name']}": answer.text
        for manifest in made
        if not (answer := api_server.apply(manifest)).is_success
    }

    assert refused == {}
    assert (
        {manifest["kind"] for manifest in made}
        == CUSTOM_KINDS | {"NetworkPolicy"}
        == set(PLURALS) | {"NetworkPolicy"}
    )
