"""What a service reads: its files as a ConfigMap, its secrets as a Secret, its environment.

Texts with secrets in them stand in the Secret alone, whole, under the variable's name.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from infra.service import secrets_in
from infra.targets.kubernetes.hardening import SCRATCH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.service import Service
    from infra.targets.kubernetes.place import Manifest, Place


def config_map(service: Service, place: Place) -> Manifest:
    """The service's files, each under a key that the API allows."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": place.metadata(service),
        "data": _files(service, place),
    }


def config_volume(service: Service) -> Manifest:
    """The files as a volume, each at its own path."""
    items = [{"key": key(name), "path": name} for name in service.files]
    return {"name": "config", "configMap": {"name": service.name, "items": items}}


def key(file: str) -> str:
    """The key of a file in a ConfigMap; keys know no folders."""
    return file.replace("/", "__")


def secret(service: Service, place: Place, values: Mapping[str, object]) -> Manifest:
    """The Secret that holds `values`, by the names of the variables."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": place.metadata(service),
        "type": "Opaque",
        "stringData": dict(values),
    }


def secret_values(service: Service, place: Place, secrets: Mapping[str, str]) -> dict[str, str]:
    """The whole texts of those variables that refer to secrets; `secrets` by their names."""
    return {
        name: place.text(service, service.environment[name], secrets)
        for name in secret_variables(service)
    }


def secret_variables(service: Service) -> list[str]:
    """The names of those variables."""
    return [name for name, text in service.environment.items() if secrets_in(text)]


def environment(service: Service, place: Place) -> list[Manifest]:
    """The container's `env`: plain values, and references for what is secret."""
    home = {"name": "HOME", "value": SCRATCH}
    return [home, *(_variable(service, place, name) for name in service.environment)]


def checksum(values: Mapping[str, str]) -> str:
    """A short text that changes whenever `values` do."""
    return hashlib.sha256(json.dumps(dict(values), sort_keys=True).encode()).hexdigest()[:16]


def config_checksum(service: Service, place: Place) -> str:
    """The checksum of the service's files."""
    return checksum(_files(service, place))


def _files(service: Service, place: Place) -> dict[str, str]:
    return {key(name): place.text(service, text) for name, text in service.files.items()}


def _variable(service: Service, place: Place, name: str) -> Manifest:
    text = service.environment[name]
    if secrets_in(text):
        return {
            "name": name,
            "valueFrom": {"secretKeyRef": {"name": service.name, "key": name}},
        }
    return {"name": name, "value": place.text(service, text)}
