"""The dashboards: rows and their panels, top to bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from monitoring.dashboards import (
    cluster_dashboards,
    platform_panels,
    prediction_panels,
    serving_panels,
    slot_panels,
)
from monitoring.dashboards.defaults import page

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

    from monitoring.cluster import Cluster
    from monitoring.objective import Objective


def dashboards(objective: Objective, cluster: Cluster | None = None) -> tuple[Dashboard, ...]:
    """Every dashboard there is but the tenants'; those about Kubernetes if there is a cluster."""
    everywhere = on_every_target(objective, cluster)
    if not cluster:
        return everywhere
    of = cluster_dashboards
    return (*everywhere, of.pipelines(), of.cluster(cluster), of.logs(cluster))


def on_every_target(objective: Objective, cluster: Cluster | None = None) -> tuple[Dashboard, ...]:
    """The dashboards that there are with and without a cluster: those of the page."""
    return serving(objective), predictions(), platform(cluster)


def serving(objective: Objective) -> Dashboard:
    """Serving, for whoever answers for the model."""
    of, slots = serving_panels, slot_panels
    return page(
        "slipway-serving",
        "Serving",
        "Whether the model server keeps its promise, what it is asked, what it serves.",
        (
            (
                "Promise",
                (
                    of.availability(objective),
                    of.on_time(objective),
                    of.error_budget_left(objective),
                    of.latency_budget_left(objective),
                ),
            ),
            ("Traffic", (of.requests(), of.latency(), of.rows())),
            ("Budget", (of.error_burn(objective), of.latency_burn(objective), of.routes())),
            ("Load", (of.in_hand(), of.batches(), of.turned_away(), of.refused())),
            ("Slots", (slots.weight(), slots.requests(), slots.errors())),
            ("Models", (slots.version(), slots.releases(), slots.load_time(), slots.ready())),
            ("Model registry", (slots.poll_failures(),)),
        ),
    )


def predictions() -> Dashboard:
    """What is predicted, for whoever answers for the model's quality."""
    of = prediction_panels
    return page(
        "slipway-predictions",
        "Predictions",
        "What is predicted, of what, beside the shadow; and whether it is kept.",
        (
            ("Values", (of.values(), of.out_of_range(), of.missing())),
            ("Shadow", (of.shadow_difference(), of.shadow_scored())),
            ("Log", (of.logged(), of.shipped(), of.waiting(), of.delay())),
        ),
    )


def platform(cluster: Cluster | None = None) -> Dashboard:
    """The platform, for whoever keeps it running."""
    of = platform_panels
    return page(
        "slipway-platform",
        "Platform",
        "Whether every service is there, well, and within its means.",
        (
            (
                "Now",
                (
                    of.services_up(cluster),
                    of.services_down(cluster),
                    of.alerts_firing(),
                    of.memory_in_all(cluster),
                ),
            ),
            ("Services", (of.up(), of.processor(cluster), of.memory(cluster))),
            ("Limits", (of.restarts(), of.open_files(), of.scrapes())),
            ("Registry", (of.registry_requests(), of.registry_storage())),
            ("Monitoring", (of.samples(), of.series(), of.rule_evaluation(), of.notifications())),
        ),
    )


def as_json(dashboard: Dashboard) -> str:
    """The file that Grafana reads. Short: a ConfigMap holds 1 MiB, and each tenant has one."""
    return JSONEncoder(sort_keys=True, separators=(",", ":")).encode(dashboard)
