"""What the steps of pipelines run as, and what they find: account, rights, variables, keys.

The pods themselves are made by Argo. A step has no rights but to report its result and to
read where its artifacts go; what its own code does to the cluster would be its user's wish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.steps import ACCOUNT, ENVIRONMENT, SECRETS
from infra.description.steps import LAUNCHER
from infra.service import PolicyRule, secrets_in
from infra.targets.kubernetes import access

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.description.steps import Steps
    from infra.targets.kubernetes.render_context import Manifest, RenderContext

RIGHTS = (
    PolicyRule(("argoproj.io",), ("workflowtaskresults",), ("create", "patch")),
    # The launcher reads from its own pod which attempt of a step it is, so that the log of
    # one does not take the place of another's; it cannot know its name beforehand.
    PolicyRule(("",), ("pods",), ("get",)),
    PolicyRule(("",), ("configmaps",), ("get",), names=(LAUNCHER,)),
    PolicyRule(("",), ("secrets",), ("get",), names=(SECRETS,)),
)


def account(context: RenderContext) -> list[Manifest]:
    """The runner's account and its rights."""
    metadata = context.common_metadata(ACCOUNT)
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata,
            # Argo's executor reports by it, and neither Argo nor KFP asks for it by name.
            "automountServiceAccountToken": True,
            **(
                {"imagePullSecrets": [{"name": context.pull_secret}]} if context.pull_secret else {}
            ),
        },
        access.role_of(RIGHTS, metadata),
        access.binding_of(metadata, ACCOUNT, context.namespace),
    ]


def configuration(steps: Steps, context: RenderContext) -> list[Manifest]:
    """The steps' plain variables, and KFP's word on where artifacts go."""
    plain = {
        name: context.shared_text(text)
        for name, text in steps.environment.items()
        if not secrets_in(text)
    }
    launcher = {name: context.shared_text(text) for name, text in steps.launcher.items()}
    return [_config_map(ENVIRONMENT, plain, context), _config_map(LAUNCHER, launcher, context)]


def secret(context: RenderContext, values: Mapping[str, Any]) -> Manifest:
    """The steps' secret variables."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": context.common_metadata(SECRETS),
        "type": "Opaque",
        "stringData": dict(values),
    }


def secret_values(
    steps: Steps, context: RenderContext, secrets: Mapping[str, str]
) -> dict[str, str]:
    """The texts of the steps' secret variables; `secrets` by their names."""
    return {
        name: context.shared_text(text, secrets)
        for name, text in steps.environment.items()
        if secrets_in(text)
    }


def _config_map(name: str, data: Mapping[str, str], context: RenderContext) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": context.common_metadata(name),
        "data": dict(data),
    }
