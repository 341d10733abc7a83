"""Monitoring as settings: whose Prometheus it is, what is kept, and what serving promises."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from contracts.metrics import SECONDS_BOUNDS
from infra.settings.fields import Days, Duration, NamespaceName, Switch, Tree
from monitoring.objective import LEAST_PERCENT


class BuiltinPrometheus(Tree):
    """A Prometheus and an Alertmanager of the platform's own."""

    kind: Literal["builtin"] = "builtin"


class OperatedPrometheus(Tree):
    """A Prometheus that a Prometheus Operator of the cluster runs, with its Alertmanager.

    It gets ServiceMonitors and a PrometheusRule. The kubelets are its own affair.
    """

    kind: Literal["operator"] = "operator"
    url: str = Field(
        pattern=r"^http://[a-z0-9.-]+:\d{1,5}$",
        description="Where Grafana asks it, as http://host.namespace.svc:9090.",
    )
    namespace: NamespaceName = Field(description="The namespace its pods run in.")
    labels: dict[str, str] = Field(
        default_factory=dict,
        description="What it selects ServiceMonitors and PrometheusRules by.",
    )
    kube_state_metrics: bool = Field(
        default=False, description="true: the cluster has none yet, so ours comes along."
    )


Prometheus = Annotated[
    Annotated[BuiltinPrometheus, Tag("builtin")] | Annotated[OperatedPrometheus, Tag("operator")],
    Discriminator("kind"),
]


def _measurable(seconds: float) -> float:
    if seconds not in SECONDS_BOUNDS:
        bounds = ", ".join(f"{bound:g}" for bound in SECONDS_BOUNDS)
        raise ValueError(f"should be a bound of serving's histogram: {bounds}")
    return seconds


class Objective(Tree):
    """What serving promises over 30 days; alerts fire when it is being broken."""

    availability_percent: float = Field(
        default=99.5, ge=LEAST_PERCENT, lt=100, description="Infer requests that do not fail."
    )
    latency_seconds: Annotated[float, AfterValidator(_measurable)] = Field(
        default=0.1,
        description="What counts as in time.",
        json_schema_extra={"enum": list(SECONDS_BOUNDS)},
    )
    latency_percent: float = Field(
        default=99.0, ge=LEAST_PERCENT, lt=100, description="Infer requests answered in time."
    )


class Monitoring(Tree):
    """Prometheus, Alertmanager and Grafana; on Kubernetes Loki and its collector, too."""

    prometheus: Prometheus = BuiltinPrometheus()
    scrape_interval: Duration = Field(
        default="5s", description="How often Prometheus asks each service for its metrics."
    )
    retention: Duration = Field(default="7d", description="How long metrics are kept.")
    log_retention: Days = Field(default="7d", description="How long logs are kept (Kubernetes).")
    node_metrics: bool = Field(
        default=True,
        description="What the kubelets tell of CPU, memory and volumes: a right in the cluster.",
    )
    grafana: Switch = Field(default="auto", description="auto: where its release can be had.")
    objective: Objective = Objective()
