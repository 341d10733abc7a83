"""The dashboards that Kubernetes alone has: rows and their panels, top to bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.dashboards import cluster_panels, log_panels, pipeline_panels, tenant_panels
from monitoring.dashboards.defaults import built, choice, page, text

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

    from monitoring.cluster import Cluster, Tenant


_MEASURED_BY_KUBELETS = (
    ("In use", cluster_panels.IN_USE),
    ("Nodes and volumes", cluster_panels.NODES),
)


def cluster(cluster: Cluster) -> Dashboard:
    """Kubernetes, for whoever keeps the platform running on it."""
    tables = [
        ("Now", cluster_panels.NOW),
        ("Pods", cluster_panels.PODS),
        *(_MEASURED_BY_KUBELETS if cluster.nodes else ()),
        ("Tenants", cluster_panels.QUOTAS),
    ]
    return page(
        "slipway-cluster",
        "Kubernetes",
        "What the platform's and its tenants' pods ask for, use, and run into.",
        [(title, built(table, ours=cluster.ours, own=cluster.own)) for title, table in tables],
    )


def pipelines() -> Dashboard:
    """Pipelines, for whoever answers for their runs."""
    of = pipeline_panels
    return page(
        "slipway-pipelines",
        "Pipelines",
        "Whether runs succeed, how long they wait, and whether their controllers keep up.",
        (
            ("Now", (of.running(), of.failed(), of.pods_running(), of.pods_waiting())),
            ("Runs", (of.runs_by_phase(), of.runs_ended(), of.pods_by_phase())),
            ("Controller", (of.queue_depth(), of.queue_latency(), of.controller_errors())),
            ("Kubeflow Pipelines", (of.runs_reported(), of.recurring_delay(), of.kept())),
        ),
    )


def logs(cluster: Cluster) -> Dashboard:
    """Logs, for whoever looks for what was said."""
    of = log_panels
    return page(
        "slipway-logs",
        "Logs",
        "What services and pipeline steps say. A run's id is in its page's address.",
        (
            ("How much", (of.volume(cluster), of.bad_lines(cluster))),
            ("Steps", (of.step_lines(cluster),)),
            ("Platform", (of.service_lines(cluster),)),
            ("Collection", (of.taken_in(), of.dropped())),
        ),
        (
            choice(of.SERVICES, "Service", "label_values(up, job)"),
            text(of.RUN, "Run id"),
            text(of.TEXT, "Text"),
        ),
    )


def tenant(tenant: Tenant) -> Dashboard:
    """One tenant, for its own people."""
    tables = [
        ("Now", tenant_panels.NOW),
        ("Quota and runs", tenant_panels.QUOTA_AND_RUNS),
        ("In use", tenant_panels.IN_USE),
    ]
    return page(
        f"slipway-tenant-{tenant.name}",
        f"Tenant {tenant.name}",
        "What the tenant uses of its quota, what it runs, and what that says.",
        [
            *((title, built(table, ours=tenant.ours)) for title, table in tables),
            ("Logs", (tenant_panels.logs(tenant),)),
        ],
    )
