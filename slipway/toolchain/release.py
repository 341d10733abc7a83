"""Bring a tool from its project's official release.

An archive is unpacked only after its SHA-256 is what the release publishes and, where our
lock file pins it, what we pinned. Tools that share an archive share the download.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Self

from slipway.toolchain import checksums
from slipway.toolchain.sites import NotServedError, Sites

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.toolchain.host import Host
    from slipway.toolchain.resolution import Progress
    from slipway.toolchain.store import Store
    from slipway.toolchain.tool import Tool

_STEP_PERCENT = 10


class Releases:
    """The releases that one run brings into one tool cache."""

    def __init__(self, host: Host, store: Store, progress: Progress) -> None:
        self._host = host
        self._store = store
        self._progress = progress
        self._archives: dict[str, Path] = {}
        self._sites = Sites()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sites.close()

    def stage(self, tool: Tool) -> Path:
        """Unpack a tool's verified archive and return the staged folder.

        Raises:
            NotServedError: there is no release for this platform, or it cannot be had.
            ChecksumError: what came is not what was published or pinned.
        """
        archive = self._archive(tool)
        staged = self._store.stage(tool.name)
        try:
            if archive.name.endswith(".tar.gz"):
                with tarfile.open(archive) as tar:
                    _unpack(tool, tar, staged)
            else:
                program = shutil.copyfile(archive, staged / "bin" / tool.name)
                program.chmod(0o755)
        except (tarfile.TarError, EOFError) as error:
            raise NotServedError(f"{archive.name} cannot be unpacked: {error}") from None
        absent = [name for name in tool.programs if not (staged / "bin" / name).is_file()]
        if absent:
            raise NotServedError(f"{archive.name} holds no {', '.join(absent)}")
        return staged

    def _archive(self, tool: Tool) -> Path:
        version, platform = tool.pin.version, self._host.platform
        url = tool.release.archive_url(version, platform) if tool.release else None
        if not tool.release or not url:
            raise NotServedError(f"no release of {tool.name} for {platform}")
        if url not in self._archives:
            source = tool.release.checksums_url(version, platform)
            digest = checksums.published(self._sites.text(source), PurePosixPath(url).name)
            if not digest:
                raise NotServedError(f"{source} has no checksum of {PurePosixPath(url).name}")
            self._archives[url] = self._download(tool.name, url, digest)
        return self._archives[url]

    def _download(self, name: str, url: str, published: str) -> Path:
        reported = 0

        def tell(done: int, total: int) -> None:
            nonlocal reported
            if total and (percent := 100 * done // total) >= reported + _STEP_PERCENT:
                reported = percent
                self._progress(name, f"downloaded {done} of {total} MB")

        self._progress(name, f"downloading {url}")
        archive = self._store.stage(f"{name}-archive") / PurePosixPath(url).name
        digest = self._sites.save(url, archive, tell)
        checksums.check(url, digest, published=published, lock=self._host.lock)
        return archive


def _unpack(tool: Tool, tar: tarfile.TarFile, staged: Path) -> None:
    if tool.home:
        tar.extractall(staged, filter=_without_top)  # noqa: S202 - verified, and filtered
        return
    for member in tar:
        name = PurePosixPath(member.name).name
        content = tar.extractfile(member) if name in tool.programs and member.isfile() else None
        if content:
            with (staged / "bin" / name).open("wb") as file:
                shutil.copyfileobj(content, file)
            (staged / "bin" / name).chmod(0o755)


def _without_top(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    _, _, inner = member.name.removeprefix("./").partition("/")
    if not inner:
        return None
    return tarfile.data_filter(member.replace(name=inner), folder)
