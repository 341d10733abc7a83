"""What a service reads: its files as a ConfigMap, its secrets as a Secret, its environment.

Texts with secrets in them stand in the Secret alone, whole, under the name of the variable
or the file.
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
    from infra.targets.kubernetes.render_context import Manifest, RenderContext


def config_map(service: Service, context: RenderContext) -> Manifest | None:
    """The service's files that are no secrets, each under a key that the API allows."""
    if not _plain_files(service):
        return None
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": context.metadata(service),
        "data": _files(service, context),
    }


def config_volume(service: Service) -> Manifest:
    """The files as a volume, each at its own path, wherever it comes from."""
    plain = {"name": service.name, "items": _items(_plain_files(service))}
    secret = {"name": service.name, "items": _items(_secret_files(service))}
    if not secret["items"]:
        return {"name": "config", "configMap": plain}
    sources = [{"configMap": plain}] if plain["items"] else []
    return {"name": "config", "projected": {"sources": [*sources, {"secret": secret}]}}


def key(file: str) -> str:
    """The key of a file in a ConfigMap or Secret; keys know no folders."""
    return file.replace("/", "__")


def secret(service: Service, context: RenderContext, values: Mapping[str, object]) -> Manifest:
    """The Secret that holds `values`, by the names of the variables and the files."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": context.metadata(service),
        "type": "Opaque",
        "stringData": dict(values),
    }


def secret_values(
    service: Service, context: RenderContext, secrets: Mapping[str, str]
) -> dict[str, str]:
    """The whole texts that refer to secrets, by their keys; `secrets` by their names."""
    texts = {**_secret_variables(service), **_by_key(_secret_files(service))}
    return {key: context.text(service, text, secrets) for key, text in texts.items()}


def secret_keys(service: Service) -> list[str]:
    """The keys of those texts: names of variables, and of files."""
    return [*_secret_variables(service), *_by_key(_secret_files(service))]


def environment(service: Service, context: RenderContext) -> list[Manifest]:
    """The container's `env`: plain values, and references for what is secret."""
    home = {"name": "HOME", "value": SCRATCH}
    return [home, *(_variable(service, context, name) for name in service.environment)]


def checksum(values: Mapping[str, str]) -> str:
    """A short text that changes whenever `values` do."""
    return hashlib.sha256(json.dumps(dict(values), sort_keys=True).encode()).hexdigest()[:16]


def config_checksum(service: Service, context: RenderContext) -> str:
    """The checksum of the service's files."""
    return checksum(_files(service, context))


def _files(service: Service, context: RenderContext) -> dict[str, str]:
    plain = _by_key(_plain_files(service))
    return {name: context.text(service, text) for name, text in plain.items()}


def _plain_files(service: Service) -> dict[str, str]:
    return {name: text for name, text in service.files.items() if not secrets_in(text)}


def _secret_files(service: Service) -> dict[str, str]:
    return {name: text for name, text in service.files.items() if secrets_in(text)}


def _secret_variables(service: Service) -> dict[str, str]:
    return {name: text for name, text in service.environment.items() if secrets_in(text)}


def _by_key(files: Mapping[str, str]) -> dict[str, str]:
    return {key(name): text for name, text in files.items()}


def _items(files: Mapping[str, str]) -> list[Manifest]:
    return [{"key": key(name), "path": name} for name in files]


def _variable(service: Service, context: RenderContext, name: str) -> Manifest:
    text = service.environment[name]
    if secrets_in(text):
        return {
            "name": name,
            "valueFrom": {"secretKeyRef": {"name": service.name, "key": name}},
        }
    return {"name": name, "value": context.text(service, text)}
