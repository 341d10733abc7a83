"""Dashboards about Kubernetes: whole, and asking only for what somebody exports."""

import json
import re
import subprocess

import pytest

from monitoring import pipeline_alerts, rules
from monitoring.cluster import KUBELET_RESOURCES, KUBELET_VOLUMES, STATES, Cluster, Tenant
from monitoring.dashboards import cluster_dashboards, dashboard, panels
from monitoring.dashboards.defaults import LOGS_UID, at
from monitoring.objective import Objective
from tests.monitoring.conftest import shown

OBJECTIVE = Objective()
TENANT = Tenant("red", "s-red")
CLUSTER = Cluster("s", (TENANT,))
ONLY_HERE = dashboard.dashboards(OBJECTIVE, CLUSTER)[len(dashboard.dashboards(OBJECTIVE)) :]
DASHBOARDS = (*ONLY_HERE, cluster_dashboards.tenant(TENANT))
PANELS = {
    f"{each.title}: {row.title}: {panel.title}": panel
    for each in DASHBOARDS
    for row in panels.rows(each)
    for panel in row.panels
}
# What the programs really export, recorded from them as they ran: kube-state-metrics 2.19.1
# (asked again in tests/cluster), Loki 3.7.8, a kubelet 1.36.3, Argo Workflows 4.0.5 and Kubeflow
# Pipelines 2.17.0 after a run. From their sources alone: Alloy 1.18.1, the kubelet's volumes (it
# tells nothing of host paths) and KFP's counts of ended runs.
EXPORTED = {
    *STATES,
    *KUBELET_RESOURCES,
    *KUBELET_VOLUMES,
    "argo_workflows_error_count",
    "argo_workflows_gauge",
    "argo_workflows_log_messages",
    "argo_workflows_pods_gauge",
    "argo_workflows_queue_depth_gauge",
    "argo_workflows_queue_latency",
    "argo_workflows_total_count",
    "job_server_job_count",
    "loki_discarded_samples_total",
    "loki_distributor_lines_received_total",
    "loki_write_dropped_entries_total",
    "loki_write_sent_entries_total",
    "pipeline_server_pipeline_count",
    "pipeline_server_pipeline_version_count",
    "resource_manager_recurring_run_report_gap",
    "resource_manager_workflow_runs_failed",
    "resource_manager_workflow_runs_success",
}
_OURS = re.compile(
    r"\b((?:argo_workflows|container|job_server|kube|kubelet|loki|node|pipeline_server"
    r"|resource_manager)_\w+)\s*(?=[\[{)]|$| )"
)


def asked(expression: str) -> set[str]:
    """The metrics of an expression, by the names of their families."""
    without_labels = re.sub(r"by \([^)]*\)|on \([^)]*\)|\{[^}]*\}", "{", expression)
    return {re.sub(r"_(bucket|sum)$", "", name) for name in _OURS.findall(without_labels)}


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_panel_about_kubernetes_is_whole(panel) -> None:
    """Whoever looks at it knows what it shows, and in what."""
    assert panel.title
    assert panel.unit
    assert panel.description.endswith(".")
    assert bool(panel.queries) != bool(panel.logs)


def test_prometheus_reads_every_query_about_kubernetes(promtool: str) -> None:
    """Its own parser takes each expression, with what Grafana puts in for the window."""
    for name, panel in PANELS.items():
        for query in panel.queries:
            read = subprocess.run(
                [promtool, "--experimental", "promql", "format", at(query.expression, "1m")],
                capture_output=True,
                text=True,
                check=False,
            )
            assert read.returncode == 0, (name, read.stderr)


def test_panels_and_alerts_ask_for_what_is_exported() -> None:
    """No plot stays empty and no alert silent for a name that nobody uses."""
    everywhere = {alert.name for alert in rules.alerts(OBJECTIVE)}
    alerts = [
        alert.expression
        for alert in rules.alerts(OBJECTIVE, CLUSTER)
        if alert.name not in everywhere
    ]
    here = [*DASHBOARDS, dashboard.platform(CLUSTER)]
    plots = [
        query.expression
        for each in here
        for row in panels.rows(each)
        for panel in row.panels
        for query in panel.queries
    ]
    recorded = [each.expression for each in pipeline_alerts.recordings()]

    assert set().union(*map(asked, [*alerts, *plots, *recorded])) == EXPORTED


def test_every_recorded_series_of_pipelines_that_is_asked_for_is_recorded() -> None:
    """A plot of a series that no rule makes would stay empty."""
    asked_for = {
        name
        for panel in PANELS.values()
        for query in panel.queries
        for name in re.findall(r"\bnamespace_phase:\w+:\w+", query.expression)
    }

    assert asked_for == {each.name for each in pipeline_alerts.recordings()}


def test_on_a_cluster_all_services_are_counted_and_their_memory_summed(
    promtool: str, tmp_path
) -> None:
    """Not those alone that export metrics: every workload of ours, every container."""
    series = {
        'kube_deployment_spec_replicas{namespace="s",deployment="a"}': "1x5",
        'kube_deployment_status_replicas_available{namespace="s",deployment="a"}': "1x5",
        'kube_statefulset_replicas{namespace="s",statefulset="b"}': "2x5",
        'kube_statefulset_status_replicas_available{namespace="s",statefulset="b"}': "1x5",
        'kube_deployment_spec_replicas{namespace="t",deployment="d"}': "1x5",
        'kube_deployment_status_replicas_available{namespace="t",deployment="d"}': "1x5",
        'container_memory_working_set_bytes{namespace="s",container="a"}': "5x5",
        'container_memory_working_set_bytes{namespace="s",container="b"}': "7x5",
        'container_memory_working_set_bytes{namespace="t",container="d"}': "9x5",
    }
    figures = {
        panel.title: panel.queries[0].expression
        for row in panels.rows(dashboard.platform(CLUSTER))
        for panel in row.panels
        if panel.kind == "figure"
    }
    wanted = {"Services up": 1, "Services down": 1, "Memory in all": 12}

    shown(
        promtool, tmp_path, {figures[title]: value for title, value in wanted.items()}, series, "4m"
    )


def test_each_dashboard_about_kubernetes_is_one_of_its_own() -> None:
    """Grafana keeps dashboards apart by their uid; processes have none of these."""
    assert [each.uid for each in DASHBOARDS] == [
        "slipway-pipelines",
        "slipway-cluster",
        "slipway-logs",
        "slipway-tenant-red",
    ]


def test_rows_about_kubernetes_are_full() -> None:
    """No row has a hole or runs over."""
    for each in DASHBOARDS:
        lines: dict[int, int] = {}
        for panel in json.loads(dashboard.as_json(each))["panels"]:
            place = panel["gridPos"]
            lines[place["y"]] = lines.get(place["y"], 0) + place["w"]
        assert set(lines.values()) == {24}, each.title


def test_a_tenant_sees_its_own_namespace_only() -> None:
    """Every query of its dashboard is about its namespace, and about no other."""
    queries = [
        query.expression
        for row in panels.rows(cluster_dashboards.tenant(TENANT))
        for panel in row.panels
        for query in (*panel.queries, *panel.logs)
    ]

    for query in queries:
        assert set(re.findall(r'namespace="([^"]*)"', query)) == {"s-red"}
        for selection in re.findall(r"\{([^}]*)\}", query):
            assert 'namespace="s-red"' in selection


def test_log_panels_ask_loki() -> None:
    """Each panel of log lines names Loki's source, by the uid that Grafana is given."""
    written = json.loads(dashboard.as_json(DASHBOARDS[2]))
    sources = {
        target["datasource"]["uid"]
        for panel in written["panels"]
        for target in panel.get("targets", [])
        if target["datasource"]["type"] == "loki"
    }

    assert sources == {LOGS_UID}


def test_without_the_kubelets_no_panel_asks_for_theirs() -> None:
    """Where node metrics are off, the dashboard has no empty row."""
    without = dashboard.as_json(cluster_dashboards.cluster(Cluster("s", nodes=False)))

    assert "kubelet_" not in without
    assert "container_cpu" not in without
