"""The whole tree of settings, and the rules between its parts.

Each part stands in the file of its subject, with types, defaults, bounds and meanings. Validation
is pure: no network and no files.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from infra.settings.fields import LONGEST_NAME, Tree
from infra.settings.monitoring import Monitoring
from infra.settings.pipelines import Pipelines
from infra.settings.serving import Serving
from infra.settings.target import OnKubernetes, Processes, Target
from infra.settings.tenants import MAX_TENANTS, Tenant
from infra.settings.training import Training

# Stands before each setting, whatever a fork calls its project.
PREFIX = "slipway:"


class Settings(Tree):
    """The whole platform: one stack's settings."""

    target: Target = Processes()
    training: Training = Training()
    serving: Serving = Serving()
    monitoring: Monitoring = Monitoring()
    pipelines: Pipelines = Pipelines()
    tenants: list[Tenant] = Field(default_factory=list, description="On Kubernetes only.")

    @property
    def cluster(self) -> OnKubernetes | None:
        """The target's settings if it is Kubernetes."""
        return self.target if isinstance(self.target, OnKubernetes) else None

    def tenant_namespace(self, tenant: Tenant) -> str:
        """The namespace of a tenant on Kubernetes."""
        return f"{self.cluster.namespace}-{tenant.name}" if self.cluster else ""

    @property
    def tenant_namespaces(self) -> list[str]:
        """Those of all tenants."""
        return [self.tenant_namespace(tenant) for tenant in self.tenants]

    @model_validator(mode="after")
    def _operators_run_on_kubernetes(self) -> Settings:
        operated = self.monitoring.prometheus.kind == "operator"
        if operated and isinstance(self.target, Processes):
            raise ValueError(
                "monitoring.prometheus of kind operator needs a target of kind existing or kind"
            )
        return self

    @model_validator(mode="after")
    def _tenants_stand_on_kubernetes(self) -> Settings:
        if self.tenants and isinstance(self.target, Processes):
            raise ValueError("tenants need a target of kind existing or kind")
        names = [tenant.name for tenant in self.tenants]
        if len(set(names)) < len(names):
            raise ValueError("tenants has the same name twice")
        if len(names) > MAX_TENANTS:
            raise ValueError(f"tenants has {len(names)} entries: {MAX_TENANTS} is the most")
        return self

    @model_validator(mode="after")
    def _tenants_namespaces_have_names(self) -> Settings:
        for tenant in self.tenants if self.cluster else ():
            if len(namespace := self.tenant_namespace(tenant)) > LONGEST_NAME:
                raise ValueError(
                    f"tenant {tenant.name} would have the namespace {namespace}, which is longer"
                    f" than {LONGEST_NAME} letters: shorten its name, or target.namespace"
                )
        return self
