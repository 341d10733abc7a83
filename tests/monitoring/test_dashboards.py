"""Dashboards: whole, readable, and asking only for what somebody exports."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from contracts import metrics
from infra.services import all_services
from infra.settings.tree import Settings
from monitoring import burn, rules, serving_alerts
from monitoring.dashboards import dashboard, panels
from monitoring.dashboards.defaults import DATASOURCE_UID, at
from monitoring.objective import Objective

ROOT = Path(__file__).resolve().parents[2]
SERIES_OF = {
    "Counter": ("",),
    "Gauge": ("",),
    "Histogram": ("_bucket", "_count", "_sum"),
    "SharedHistogram": ("_bucket", "_count", "_sum"),
}
OBJECTIVE = Objective()
DASHBOARDS = dashboard.dashboards(OBJECTIVE)
PANELS = {
    f"{each.title}: {panel.title}": panel
    for each in DASHBOARDS
    for row in panels.rows(each)
    for panel in row.panels
}


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_panel_has_a_title_a_unit_a_description_and_a_query(panel) -> None:
    """Whoever looks at it knows what it shows, and in what."""
    assert panel.title
    assert panel.unit
    assert panel.description.endswith(".")
    assert panel.queries


def test_prometheus_reads_every_query(promtool: str) -> None:
    """Its own parser takes each expression, with what Grafana puts in for the window."""
    for panel in PANELS.values():
        for query in panel.queries:
            read = subprocess.run(
                [promtool, "--experimental", "promql", "format", at(query.expression, "1m")],
                capture_output=True,
                text=True,
                check=False,
            )
            assert read.returncode == 0, (panel.title, read.stderr)


def test_panels_are_numbered_and_fill_their_rows() -> None:
    """Grafana needs a number each; no row has a hole or runs over."""
    for each in DASHBOARDS:
        written = json.loads(dashboard.as_json(each))["panels"]
        assert [panel["id"] for panel in written] == list(range(1, len(written) + 1))
        lines: dict[int, int] = {}
        for panel in written:
            place = panel["gridPos"]
            lines[place["y"]] = lines.get(place["y"], 0) + place["w"]
        assert set(lines.values()) == {24}


def test_serving_s_names_are_those_of_its_metrics() -> None:
    """What dashboards and rules ask of serving is declared there, by a prometheus_client type."""
    declared = {
        getattr(metrics, call.args[0].id): call.func.id
        for file in (ROOT / "serving").rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in SERIES_OF
    }
    exported = {f"{name}{ending}" for name, kind in declared.items() for ending in SERIES_OF[kind]}
    expressions = [
        *(query.expression for panel in PANELS.values() for query in panel.queries),
        rules.rules(OBJECTIVE),
    ]
    asked = {name for each in expressions for name in re.findall(r"(?<![:\w-])slipway_\w+", each)}

    assert asked
    assert asked - exported == set()


def test_every_recorded_series_that_is_asked_for_is_recorded() -> None:
    """A plot of a series that no rule makes would stay empty."""
    recordings = [*burn.recordings(OBJECTIVE), *serving_alerts.recordings()]
    recorded = {recording.name for recording in recordings}
    asked = {
        name
        for panel in PANELS.values()
        for query in panel.queries
        for name in re.findall(r"\b(?:model|slot):\w+:\w+", query.expression)
    }

    assert asked
    assert asked - recorded == set()


def test_grafana_is_given_every_dashboard_and_their_source() -> None:
    """Provisioning names the folder they lie in, and the source that they ask."""
    [grafana] = [
        service
        for service in all_services(Settings(), grafana_at_hand=True)
        if service.name == "grafana"
    ]
    files = grafana.files

    [provider] = yaml.safe_load(files["provisioning/dashboards/slipway.yml"])["providers"]
    [source] = yaml.safe_load(files["provisioning/datasources/prometheus.yml"])["datasources"]

    assert provider["options"]["path"] == "@{config:dashboards}"
    assert source["uid"] == DATASOURCE_UID
    assert {
        json.loads(text)["uid"] for name, text in files.items() if "dashboards/" in name[:11]
    } == {
        "slipway-serving",
        "slipway-predictions",
        "slipway-platform",
    }
