"""A released version signed anew with the stack's key: what `slipway models resign` does.

The files stay what they are, byte by byte; the signature alone is another, hence the package's
digest, hence the version: MLflow's versions never change. What pointed at the one before points at
the new one, and the model server follows.

To sign is to vouch. What was altered after it was signed is refused; of all else it is said who had
signed it, and a person decides.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.package import signing
from contracts.model_package import MODEL_SIGNATURE, Source
from infra.errors import SettingsError, SlipwayError
from infra.signing_keys import public_key_of, signed_with
from infra.wiring import signing as secrets
from serving.agent.releases.signatures import SignatureVerifier
from serving.errors import ModelRefusedError
from serving.rollout.trusted_keys import trusted_keys
from slipway.exits import NotUpError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.registry_oci import Layer
    from components.tracking import ModelVersion, Tracking
    from infra.settings.serving import Serving
    from slipway.stack.running import Running

_TAG: Final = "resigned"


@dataclass(frozen=True)
class Found:
    """A version as it is: its package's files, and in words who signed them.

    `ours` is whether it is signed with the stack's key already.
    """

    registered: ModelVersion
    source: Source
    aliases: tuple[str, ...]
    files: tuple[Layer, ...]
    signer: str
    ours: bool

    @property
    def version(self) -> str:
        """Its number."""
        return self.registered.version

    @property
    def digest(self) -> str:
        """Its manifest's."""
        return self.source.digest


@dataclass(frozen=True)
class Resigning:
    """The served model of a stack, its registries and its signing key."""

    running: Running
    serving: Serving

    def find(self, version: str | None, slot: str) -> Found:
        """A version, or the one in a slot.

        Raises:
            NotUpError: nothing is registered, or the slot is empty.
            SettingsError: there is no such slot or version.
            SlipwayError: its package is not what its digest or its signature say.
        """
        with self.running.tracking() as tracking:
            named = self._aliases(tracking)
            wanted = version or self._in_slot(slot, named)
            registered = tracking.version(self.serving.model, wanted)
        if registered is None:
            raise SettingsError(f"{self.serving.model} has no version {wanted}: see MLflow's page")
        source = _source(registered)
        with self.running.registry() as registry:
            files = registry.files(*source)
        signer, ours = self._signer(files, f"version {wanted} ({source.digest})")
        aliases = tuple(sorted(alias for alias, of in named.items() if of == wanted))
        return Found(registered, source, aliases, files, signer, ours)

    def sign(self, found: Found) -> str:
        """Sign it with the stack's key, and let all that pointed at it point at the new version.

        Returns:
            The new version, or the one that an earlier call made.
        """
        files = tuple(layer for layer in found.files if layer.name != MODEL_SIGNATURE)
        signature = signing.sign(self.serving.model, files, self._key)
        with self.running.registry() as registry:
            digest = registry.push(found.source.repository, (*files, signature), _TAG)
        source = Source(found.source.repository, digest)
        with self.running.tracking() as tracking:
            made = _made(tracking, found, source)
            for alias in found.aliases:
                tracking.set_alias(self.serving.model, alias, made)
        return made

    @property
    def _key(self) -> str:
        if secrets.PRIVATE_KEY not in self.running.secrets:
            raise SlipwayError("the stack has no signing key yet: run `slipway up`, which makes it")
        return self.running.secrets[secrets.PRIVATE_KEY]

    def _signer(self, files: tuple[Layer, ...], what: str) -> tuple[str, bool]:
        """Who signed these files, in words, and whether it is the stack's key."""
        by_name = {layer.name: layer.content for layer in files}
        if MODEL_SIGNATURE not in by_name:
            return "nobody", False
        own = public_key_of(self._key)
        # As the outputs have them, they stand inside of a text of JSON.
        known = json.loads(f'"{self.running.secrets.get(secrets.PUBLIC_KEYS, "")}"')
        keys = own + known + self.serving.signing.public_key
        if not signed_with(by_name[MODEL_SIGNATURE], [keys]):
            return "a key that this stack does not know", False
        fingerprint = _judged(by_name, keys, what)
        if fingerprint in trusted_keys(own):
            return "the stack's key", True
        former = fingerprint in trusted_keys(known)
        who = "the stack's key before" if former else "a key of signing.public_key"
        return f"{who} ({fingerprint[:16]})", False

    def _in_slot(self, slot: str, named: Mapping[str, str]) -> str:
        names = self.serving.slots.model_dump()
        if slot not in names:
            raise SettingsError(f"--slot {slot}: there are {', '.join(names)}")
        if names[slot] not in named:
            raise NotUpError(f"no version of {self.serving.model} is in the slot {slot}")
        return named[names[slot]]

    def _aliases(self, tracking: Tracking) -> Mapping[str, str]:
        found = tracking.registered(self.serving.model)
        if found is None:
            raise NotUpError(f"no model {self.serving.model} is registered")
        return found.aliases


def _source(registered: ModelVersion) -> Source:
    try:
        return Source.parse(registered.source)
    except ValueError as error:
        raise SlipwayError(f"the source of version {registered.version}: {error}") from None


def _made(tracking: Tracking, found: Found, source: Source) -> str:
    """The newest version that is of the source; one is made where there is none."""
    versions = tracking.versions(found.registered.model)
    if same := [int(each.version) for each in versions if each.source == str(source)]:
        return str(max(same))
    said = {"digest": source.digest, "resigned_from": found.version, "signed_by": found.signer}
    return tracking.copy(found.registered, str(source), {**found.registered.tags, **said}).version


@dataclass(frozen=True)
class _Trusting:
    public_key: str
    cache_dir: str


def _judged(files: dict[str, bytes], keys: str, what: str) -> str:
    """The fingerprint of the key that the model server finds these files signed with."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return SignatureVerifier(_Trusting(keys, folder)).verify(files)
        except ModelRefusedError as error:
            raise SlipwayError(
                f"{what} was altered after it was signed ({error}): it is not signed anew;"
                " `slipway release VERSION` puts another version in its place"
            ) from None
