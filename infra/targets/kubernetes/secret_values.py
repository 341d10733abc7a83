"""Texts with secrets in them, as Pulumi outputs: of a service, and of the steps of pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from infra.targets.kubernetes import configuration, runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from infra.description.steps import Steps
    from infra.service import Service
    from infra.targets.kubernetes.render_context import RenderContext

    Secrets = Mapping[str, pulumi.Output[str]]
    Texts = pulumi.Output[dict[str, str]]


def of_service(service: Service, context: RenderContext, secrets: Secrets) -> Texts:
    """Those of a service, by `configuration.secret_keys`."""
    return _filled(
        service.secrets, secrets, lambda known: configuration.secret_values(service, context, known)
    )


def of_steps(
    steps: Steps, context: RenderContext, secrets: Secrets
) -> dict[str, pulumi.Output[str]]:
    """Those of steps, by the names of their variables."""
    texts = _filled(
        steps.secrets, secrets, lambda known: runner.secret_values(steps, context, known)
    )
    return {name: texts[name] for name in steps.secret_variables}


def _filled(
    names: Iterable[str], secrets: Secrets, fill: Callable[[dict[str, str]], dict[str, str]]
) -> Texts:
    return pulumi.Output.all(**{name: secrets[name] for name in sorted(names)}).apply(fill)
