"""The dashboards that Kubernetes alone has: rows and their panels, top to bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.dashboards import cluster_panels, log_panels, pipeline_panels, tenant_panels
from monitoring.dashboards.defaults import choice, page, text

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

    from monitoring.cluster import Cluster, Tenant


def cluster(seen: Cluster) -> Dashboard:
    """Kubernetes, for whoever keeps the platform running on it."""
    of = cluster_panels
    measured = (
        (
            ("In use", (of.processor_used(seen), of.memory_used(seen), of.services_memory(seen))),
            (
                "Nodes and volumes",
                (of.nodes_processor(seen), of.nodes_memory(seen), of.volumes(seen)),
            ),
        )
        if seen.nodes
        else ()
    )
    return page(
        "slipway-cluster",
        "Kubernetes",
        "What the platform's and its tenants' pods ask for, use, and run into.",
        (
            (
                "Now",
                (
                    of.pods_running(seen),
                    of.pods_waiting(seen),
                    of.processor_asked(seen),
                    of.memory_asked(seen),
                ),
            ),
            ("Pods", (of.pods_by_phase(seen), of.restarts(seen), of.out_of_memory(seen))),
            *measured,
            ("Tenants", (of.quotas(seen),)),
        ),
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


def logs(seen: Cluster) -> Dashboard:
    """Logs, for whoever looks for what was said."""
    of = log_panels
    return page(
        "slipway-logs",
        "Logs",
        "What services and pipeline steps say. A run's id is in its page's address.",
        (
            ("How much", (of.volume(seen), of.bad_lines(seen))),
            ("Steps", (of.step_lines(seen),)),
            ("Platform", (of.service_lines(seen),)),
            ("Collection", (of.taken_in(), of.dropped())),
        ),
        (
            choice(of.SERVICES, "Service", "label_values(up, job)"),
            text(of.RUN, "Run id"),
            text(of.TEXT, "Text"),
        ),
    )


def tenant(of_whom: Tenant) -> Dashboard:
    """One tenant, for its own people."""
    of = tenant_panels
    return page(
        f"slipway-tenant-{of_whom.name}",
        f"Tenant {of_whom.name}",
        "What the tenant uses of its quota, what it runs, and what that says.",
        (
            ("Now", (of.quota_left(of_whom), of.pods_running(of_whom), of.runs_failed(of_whom))),
            ("Quota and runs", (of.quota(of_whom), of.runs(of_whom))),
            ("In use", (of.processor(of_whom), of.memory(of_whom))),
            ("Logs", (of.logs(of_whom),)),
        ),
    )
