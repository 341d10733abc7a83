"""Checksums of release archives: as their projects publish them, and as we pinned them.

Owns `infra/tools.lock`, a JSON object of archive address -> SHA-256. Fetching archives is
`slipway.toolchain.release`.
"""

from __future__ import annotations

import json
import re
from contextlib import closing
from typing import TYPE_CHECKING

from infra.errors import ToolMissingError
from infra.files import write_atomically
from slipway.toolchain.resolution import ChecksumError
from slipway.toolchain.sites import NotServedError, Sites

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from slipway.toolchain.resolution import Progress
    from slipway.toolchain.tool import Tool

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def published(text: str, archive: str) -> str | None:
    """The SHA-256 of an archive in a checksum file, None if the file does not have it.

    Known are `sha256sum`'s lines, with or without the star of binary mode, and a file that
    holds nothing but one checksum.
    """
    words = [line.split() for line in text.splitlines() if line.strip()]
    if len(words) == 1 and len(words[0]) == 1 and _SHA256.fullmatch(words[0][0]):
        return words[0][0].lower()
    for digest, *name in words:
        if len(name) == 1 and name[0].removeprefix("*").removeprefix("./") == archive:
            return digest.lower() if _SHA256.fullmatch(digest) else None
    return None


def check(url: str, digest: str, *, published: str, lock: Path) -> None:
    """Hold a downloaded archive against what is published and, if it is there, our pin.

    Raises:
        ChecksumError: they differ; names both.
    """
    pinned = read_lock(lock).get(url)
    if pinned and pinned != published:
        raise ChecksumError(
            f"{url}: its release publishes SHA-256 {published}, but {lock.name} pins {pinned}; "
            f"find out why before `slipway tools lock` accepts it"
        )
    if digest != published:
        raise ChecksumError(
            f"{url}: the download has SHA-256 {digest}, but its release publishes {published}; "
            f"try again, and if it stays so, something on the way changes the file"
        )


def read_lock(lock: Path) -> dict[str, str]:
    """The pins by archive address; none if there is no lock file.

    Raises:
        ChecksumError: the lock file is there and cannot be read.
    """
    try:
        document = json.loads(lock.read_text(encoding="utf-8"))
        return {str(url): str(digest) for url, digest in document.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise ChecksumError(
            f"{lock} cannot be read ({error}); write it again with `slipway tools lock`"
        ) from None


def write_lock(tools: Iterable[Tool], lock: Path, progress: Progress) -> dict[str, str]:
    """Pin the published checksums of every tool's archives for every platform.

    Raises:
        ToolMissingError: one of them cannot be had; the lock file stays as it was.
    """
    pins: dict[str, str] = {}
    with closing(Sites()) as sites:
        for tool in tools:
            progress(tool.name, "reading the published checksums")
            pins |= _pins_of(tool, sites)
    write_atomically(lock, json.dumps(pins, indent=2, sort_keys=True) + "\n", 0o644)
    return pins


def _pins_of(tool: Tool, sites: Sites) -> dict[str, str]:
    if not tool.release:
        return {}
    pins: dict[str, str] = {}
    for platform in tool.release.platforms:
        url = tool.release.archive_url(tool.pin.version, platform) or ""
        source = tool.release.checksums_url(tool.pin.version, platform)
        try:
            digest = published(sites.text(source), url.rpartition("/")[2])
        except NotServedError as error:
            raise ToolMissingError(f"no checksums of {tool.name}: {error}") from None
        if not digest:
            raise ToolMissingError(f"{source} has no checksum of {url}")
        pins[url] = digest
    return pins
