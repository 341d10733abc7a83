"""What the steps of pipelines run as, and what they find: account, rights, variables, keys.

The pods themselves are made by Argo. A step has no rights but to report its result and to
read where its artifacts go; what its own code does to the cluster would be its user's wish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.service import Right, secrets_in
from infra.targets.kubernetes import access
from infra.wiring.steps import ACCOUNT, ENVIRONMENT, LAUNCHER, SECRETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.targets.kubernetes.render_context import Manifest, Place
    from infra.wiring.steps import Steps

RIGHTS = (
    Right(("argoproj.io",), ("workflowtaskresults",), ("create", "patch")),
    # The launcher reads from its own pod which attempt of a step it is, so that the log of
    # one does not take the place of another's; it cannot know its name beforehand.
    Right(("",), ("pods",), ("get",)),
    Right(("",), ("configmaps",), ("get",), names=(LAUNCHER,)),
    Right(("",), ("secrets",), ("get",), names=(SECRETS,)),
)


def account(place: Place) -> list[Manifest]:
    """The runner's account and its rights."""
    metadata = place.common_metadata(ACCOUNT)
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata,
            # Argo's executor reports by it, and neither Argo nor KFP asks for it by name.
            "automountServiceAccountToken": True,
            **({"imagePullSecrets": [{"name": place.pull_secret}]} if place.pull_secret else {}),
        },
        access.role_of(RIGHTS, metadata),
        access.binding_of(metadata, ACCOUNT, place.namespace),
    ]


def configuration(steps: Steps, place: Place) -> list[Manifest]:
    """The steps' plain variables, and KFP's word on where artifacts go."""
    plain = {
        name: place.shared_text(text)
        for name, text in steps.environment.items()
        if not secrets_in(text)
    }
    launcher = {name: place.shared_text(text) for name, text in steps.launcher.items()}
    return [_config_map(ENVIRONMENT, plain, place), _config_map(LAUNCHER, launcher, place)]


def secret(place: Place, values: Mapping[str, Any]) -> Manifest:
    """The steps' secret variables."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": place.common_metadata(SECRETS),
        "type": "Opaque",
        "stringData": dict(values),
    }


def secret_values(steps: Steps, place: Place, secrets: Mapping[str, str]) -> dict[str, str]:
    """The texts of the steps' secret variables; `secrets` by their names."""
    return {
        name: place.shared_text(text, secrets)
        for name, text in steps.environment.items()
        if secrets_in(text)
    }


def _config_map(name: str, data: Mapping[str, str], place: Place) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": place.common_metadata(name),
        "data": dict(data),
    }
