"""What pipeline steps find, wherever they run: the services' addresses and their keys.

On this machine it is their environment; on Kubernetes it stands in a ConfigMap and a Secret
of the namespace that they run in, by the names below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import yaml

from contracts import variables
from contracts.steps import SECRETS
from infra.service import secrets_in, url
from infra.services import object_store, registry, tracking
from infra.wiring import signing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings.tree import Settings

LAUNCHER: Final = "kfp-launcher"


@dataclass(frozen=True)
class Steps:
    """The variables of a step, with placeholders, and KFP's own word on where artifacts go."""

    environment: Mapping[str, str]
    launcher: Mapping[str, str]

    @property
    def secret_variables(self) -> list[str]:
        """The names of those variables that hold a secret."""
        return [name for name, text in self.environment.items() if secrets_in(text)]

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets in them."""
        return secrets_in(*self.environment.values())


def steps(settings: Settings) -> Steps:
    """What the steps of all pipelines of a stack find."""
    return Steps(environment(settings), _launcher(settings))


def environment(settings: Settings) -> dict[str, str]:
    """The variables of a step."""
    lake = object_store.store(settings).bucket(object_store.LAKE)
    return {
        **object_store.client_environment(settings),
        "ORT_DISABLE_TELEMETRY": "1",
        variables.TRACKING: url(tracking.NAME),
        variables.LAKE: f"s3://{lake}",
        variables.REGISTRY: url(registry.NAME),
        **signing.step_environment(),
    }


def _launcher(settings: Settings) -> dict[str, str]:
    """Without providers the launcher looks for a store of KFP's own in its own namespace."""
    store = object_store.store(settings)
    provider = {
        "endpoint": store.endpoint,
        "region": store.region,
        "disableSSL": not store.secure,
        "forcePathStyle": True,
        "credentials": {
            "fromEnv": False,
            "secretRef": {
                "secretName": SECRETS,
                "accessKeyKey": "AWS_ACCESS_KEY_ID",
                "secretKeyKey": "AWS_SECRET_ACCESS_KEY",
            },
        },
    }
    return {
        "defaultPipelineRoot": f"s3://{store.bucket(object_store.PIPELINES)}/artifacts",
        "providers": yaml.safe_dump({"s3": {"default": provider}}, sort_keys=False),
    }
