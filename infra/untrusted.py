"""What is served now and would be refused once the settings hold: said before anything changes.

Owns the comparison of the released versions' signatures with the keys that the settings will
trust. The state says which keys there are, MLflow and the registry what is released. It changes
nothing, and whether a signature is right in all else is the model server's business.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from contracts import mlflow_api
from contracts.model_package import MANIFEST_TYPE, MODEL_SIGNATURE, TITLE, Source
from infra import pulumi_state
from infra.clusters.connection import Connection
from infra.diagnosis import Diagnosis
from infra.errors import ClusterError
from infra.services import registry, tracking
from infra.settings.target import Existing, Kind
from infra.signing_keys import signed_with

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.settings.serving import Signing
    from infra.settings.tree import Settings

_TYPE: Final = "pulumi-python:dynamic/generated:SigningKey"
_PATIENCE: Final = httpx.Timeout(5.0)


@dataclass(frozen=True)
class Recorded:
    """What a stack's state says of it: its services, the way to them, its signing key."""

    services: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    cluster: Mapping[str, Any] = field(default_factory=dict)
    key: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, state: Path) -> Recorded:
        """What the file holds; nothing where there is none, or none that is whole."""
        try:
            latest = json.loads(pulumi_state.text(state))["checkpoint"]["latest"]
        except (OSError, EOFError, ValueError, KeyError):
            return cls()
        outputs = {
            each["type"]: each.get("outputs", {}) for each in (latest or {}).get("resources", [])
        }
        stack = outputs.get("pulumi:pulumi:Stack", {})
        services, cluster = stack.get("services", {}), stack.get("cluster", {})
        return cls(services, cluster, outputs.get(_TYPE, {}))


def foreseen(settings: Settings, state: Path) -> list[Diagnosis]:
    """A finding for each released version that the settings would leave refused.

    Args:
        settings: those that are about to hold.
        state: the stack's, as it is before.
    """
    recorded, signing = Recorded.of(state), settings.serving.signing
    if signing.signatures == "off" or not recorded.services:
        return []
    keys = trusted_after(signing, recorded.key)
    try:
        return [
            Diagnosis(
                "warning",
                "signing",
                f"version {version} ({', '.join(slots)}) is signed with no key that these settings"
                " trust, and will be refused",
                resolution=f"first run `slipway models resign {version}`, or leave"
                " slipway:serving.signing as it was",
            )
            for version, slots, signature in _released(settings, recorded)
            if not signed_with(signature, keys)
        ]
    except httpx.ConnectError:
        return []  # a stack that was stopped: nobody is served
    except (httpx.HTTPError, ClusterError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        told = f"whether what is served stays trusted could not be looked up: {reason}"
        return [Diagnosis("warning", "signing", told, resolution="see `slipway status`")]


def trusted_after(signing: Signing, key: Mapping[str, Any]) -> list[str]:
    """The public keys of now, in PEM, that are trusted once the settings hold.

    Args:
        signing: the settings.
        key: the recorded signing key; empty where none was made yet.
    """
    ours = [key["public"]] if key else []
    if key and int(key["number"]) == signing.key:
        ours.append(key["before"])
    return [pem for pem in (*ours, signing.public_key) if pem]


def _released(settings: Settings, recorded: Recorded) -> list[tuple[str, list[str], bytes]]:
    """Each version that is in a slot, its slots, and its model.sig."""
    asked = _Asked(settings, recorded)
    return [(version, slots, asked.signature(version)) for version, slots in asked.versions()]


@dataclass(frozen=True)
class _Asked:
    """MLflow and the registry, asked of the served model."""

    settings: Settings
    recorded: Recorded

    def versions(self) -> list[tuple[str, list[str]]]:
        """Those that the slots' aliases point at, and the slots of each."""
        model = self.settings.serving.model
        answer = self._get(tracking.NAME, mlflow_api.MODEL, {"name": model})
        if answer.status_code == httpx.codes.NOT_FOUND:
            return []
        found = answer.raise_for_status().json()["registered_model"].get("aliases", [])
        aliases = {each["alias"]: str(each["version"]) for each in found}
        slots: dict[str, list[str]] = {}
        for slot, alias in self.settings.serving.slots.model_dump().items():
            if alias in aliases:
                slots.setdefault(aliases[alias], []).append(slot)
        return list(slots.items())

    def signature(self, version: str) -> bytes:
        """The version's model.sig; empty where it has none."""
        asked = {"name": self.settings.serving.model, "version": version}
        answer = self._get(tracking.NAME, mlflow_api.VERSION, asked)
        source = answer.raise_for_status().json()["model_version"]["source"]
        repository, digest = Source.parse(source)
        manifest = self._get(registry.NAME, f"/v2/{repository}/manifests/{digest}")
        for layer in manifest.raise_for_status().json()["layers"]:
            if layer.get("annotations", {}).get(TITLE) == MODEL_SIGNATURE:
                blob = self._get(registry.NAME, f"/v2/{repository}/blobs/{layer['digest']}")
                return blob.raise_for_status().content
        return b""

    def _get(
        self, service: str, path: str, query: Mapping[str, str] | None = None
    ) -> httpx.Response:
        url = httpx.URL(self.recorded.services[service]["url"])
        with self._client(service, url) as client:
            return client.get(path, params=query, headers={"accept": f"{MANIFEST_TYPE}, */*"})

    def _client(self, service: str, url: httpx.URL) -> httpx.Client:
        target = self.settings.target
        if target.kind == "processes":
            return httpx.Client(base_url=url, timeout=_PATIENCE, trust_env=False)
        kubeconfig = target.kubeconfig if isinstance(target, Existing) else None
        if isinstance(target, Kind):
            from infra.clusters.kind import cli  # noqa: PLC0415 - runs programs; data elsewhere

            kubeconfig = cli.kubeconfig(target.cluster)
        namespace, context = self.recorded.cluster["namespace"], self.recorded.cluster["context"]
        place = f"/api/v1/namespaces/{namespace}/services/{service}:{url.port or 80}/proxy"
        return Connection.of(kubeconfig, context).open(place)
