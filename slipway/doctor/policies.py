"""What the policies say of a stack's objects, as they are described or as a preview has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra import policies
from infra.description import describe
from infra.errors import SettingsError
from infra.targets.kubernetes import objects
from infra.targets.kubernetes.integrations import of_integrations
from infra.targets.kubernetes.render_context import RenderContext

if TYPE_CHECKING:
    from pathlib import Path

    from infra.policies import Violation
    from infra.settings.tree import Settings


def of_settings(settings: Settings, stack: str) -> list[Violation]:
    """What breaks a rule among all objects that the settings come to; no cluster is asked.

    Raises:
        SettingsError: the stack is not on Kubernetes.
    """
    namespace = _namespace(settings, stack)
    described = describe(settings)
    place = RenderContext(namespace, stack)
    services = list(described.services)
    # What a secret is plays no part in any rule.
    secrets = dict.fromkeys(described.secrets, "")
    manifests = [
        *objects.of_cluster(),
        *objects.of_platform(services, place, secrets, described.steps, described.tenants),
        *of_integrations(settings, services, place.with_services(services)),
    ]
    return policies.violations(manifests, policies.exceptions(namespace))


def of_preview(settings: Settings, stack: str, file: Path) -> list[Violation]:
    """The same of what `pulumi preview --json` wrote.

    Raises:
        SettingsError: the stack is not on Kubernetes, or the file is not a preview.
    """
    namespace = _namespace(settings, stack)
    return policies.violations(policies.of_preview(_document(file)), policies.exceptions(namespace))


def _namespace(settings: Settings, stack: str) -> str:
    if settings.cluster is None:
        raise SettingsError(f"stack {stack} is not on Kubernetes: the policies are about objects")
    return settings.cluster.namespace


def _document(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from None
    if not isinstance(document, dict) or "steps" not in document:
        raise SettingsError(f"{file} is no preview: write it with `pulumi preview --json > {file}`")
    return document
