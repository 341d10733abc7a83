"""Crane: reads and copies images of registries, with their digests kept.

Owns how it is called and what its errors mean. It logs in as `docker login` has it, sees
what a registry already holds, and tries again what fails for a moment.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.errors import SlipwayError
from infra.programs import last_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ABSENT = re.compile(r"MANIFEST_UNKNOWN|NAME_UNKNOWN|NAME_INVALID|404 Not Found", re.IGNORECASE)
_REFUSED = re.compile(r"UNAUTHORIZED|DENIED|401 Unauthorized|403 Forbidden", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"dial tcp|no such host|connection refused|i/o timeout|TLS handshake|x509:|"
    r"server gave HTTP response|deadline exceeded|EOF|connection reset|no route to host"
)
_ATTESTATION = "unknown"


class ImageError(SlipwayError):
    """An image cannot be read or copied."""


class ImageAbsentError(ImageError):
    """A registry does not have the image."""


class RegistryUnreachableError(ImageError):
    """A registry does not answer as one."""


@dataclass(frozen=True)
class Manifest:
    """The digest of an image, or of the index over its platforms, and those."""

    digest: str
    platforms: tuple[str, ...]


@dataclass(frozen=True)
class Crane:
    """The program, and whether it may speak plain HTTP to registries that are not local."""

    program: Path
    plain_http: bool = False

    def digest(self, image: str) -> str:
        """The digest that an image's reference stands for.

        Raises:
            ImageError: it cannot be had; says why.
        """
        return self._run("digest", image).strip()

    def manifest(self, image: str) -> Manifest:
        """What a registry answers for an image, which is checked against any digest asked for.

        Raises:
            ImageError: it cannot be had; says why.
        """
        text = self._run("manifest", image)
        digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        if "@" in image and not image.endswith(f"@{digest}"):
            raise ImageError(f"{image}: the registry answers with {digest}: nothing was taken")
        content = json.loads(text)
        if "manifests" in content:
            return Manifest(digest, _platforms(content))
        return Manifest(digest, (_platform(json.loads(self._run("config", image))),))

    def copy(self, source: str, to: str, tell: Callable[[str], None]) -> None:
        """Copy an image with all its platforms; what is there already is not sent again.

        `tell` hears of each blob and manifest.

        Raises:
            ImageError: it cannot be done; says why.
        """
        argv = self._argv("copy", source, to)
        with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
            lines = []
            for line in process.stderr or ():
                lines.append(line)
                tell(_without_time(line))
        if process.returncode:
            raise _error(f"{source} to {to}", "".join(lines))

    def _run(self, verb: str, image: str) -> str:
        done = subprocess.run(self._argv(verb, image), capture_output=True, check=False)
        if done.returncode:
            raise _error(image, done.stderr.decode(errors="replace"))
        return done.stdout.decode()

    def _argv(self, *words: str) -> list[str]:
        return [str(self.program), *words, *(["--insecure"] if self.plain_http else [])]


def _platforms(index: dict[str, Any]) -> tuple[str, ...]:
    """The platforms of an index; attestations are manifests, too, but for none."""
    named = {_platform(entry["platform"]) for entry in index["manifests"] if "platform" in entry}
    return tuple(sorted(name for name in named if _ATTESTATION not in name))


def _platform(image: dict[str, Any]) -> str:
    return f"{image.get('os', _ATTESTATION)}/{image.get('architecture', _ATTESTATION)}"


def _without_time(line: str) -> str:
    return re.sub(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ", "", line.strip())


def _error(what: str, stderr: str) -> ImageError:
    reason = _without_time(last_line(stderr)).removeprefix("Error: ") or "crane failed"
    if _ABSENT.search(stderr):
        return ImageAbsentError(f"{what}: the registry has no such image; look at name and tag")
    if _REFUSED.search(stderr):
        return ImageError(
            f"{what}: the registry refuses: {reason}; log in with `docker login REGISTRY`"
        )
    if _UNREACHABLE.search(stderr):
        return RegistryUnreachableError(
            f"{what}: the registry cannot be reached: {reason}; "
            f"look at its name and at the network, or pass --plain-http if it has no TLS"
        )
    return ImageError(f"{what}: {reason}")
