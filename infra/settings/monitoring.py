"""Whose Prometheus watches, as settings: one of the platform's own, or an operator's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from infra.settings.fields import NamespaceName, Tree


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
