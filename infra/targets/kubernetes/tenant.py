"""One tenant as Pulumi resources: a component with all that its namespace holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from infra.targets.kubernetes import objects, secret_values
from infra.targets.kubernetes.resources import resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.description.tenants import Tenancy
    from infra.service import Service
    from infra.targets.kubernetes.render_context import RenderContext


class KubernetesTenant(pulumi.ComponentResource):
    """A tenant's namespace and what is in it. Names begin with it: tenants have the same ones."""

    def __init__(
        self,
        tenant: Tenancy,
        services: list[Service],
        context: RenderContext,
        secrets: Mapping[str, pulumi.Output[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("slipway:kubernetes:Tenant", tenant.namespace, {}, opts)
        made: list[pulumi.Resource] = []
        values = secret_values.of_steps(tenant.steps, context, secrets)
        for manifest in objects.of_tenant(tenant, services, context, values):
            # The namespace is the first of them.
            options = pulumi.ResourceOptions(parent=self, depends_on=made[:1])
            made.append(resource(manifest, options, qualifier=f"{tenant.namespace}/"))
        self.register_outputs({})
