"""What can be said of a tool: its programs, its releases, its Go module.

Owns the vocabulary, as frozen data; the tools themselves are in the `catalogue`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from infra.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.versions import ToolPin
    from slipway.toolchain.resolution import Origin

_NONE: Mapping[str, str] = MappingProxyType({})
GITHUB = "https://github.com"
UNAME_PLATFORMS = MappingProxyType(
    {
        "linux/amd64": "Linux_x86_64",
        "linux/arm64": "Linux_arm64",
        "darwin/amd64": "Darwin_x86_64",
        "darwin/arm64": "Darwin_arm64",
    }
)

GO_PLATFORMS = MappingProxyType(
    {
        "linux/amd64": "linux-amd64",
        "linux/arm64": "linux-arm64",
        "darwin/amd64": "darwin-amd64",
        "darwin/arm64": "darwin-arm64",
    }
)


@dataclass(frozen=True)
class Release:
    """Where a project publishes a tool's archives and their SHA-256 checksums.

    `site`, `archive` and `checksums` are templates of {version}, {platform} and, the last,
    {archive}. `platforms` is what the project calls ours (`linux/amd64` ...); one that is
    not there is not published. An archive that is no `.tar.gz` is the program itself.
    """

    site: str
    archive: str
    checksums: str
    platforms: Mapping[str, str]

    def archive_url(self, version: str, platform: str) -> str | None:
        """Address of the archive, if one is published for this platform."""
        if platform not in self.platforms:
            return None
        return f"{self._site(version)}/{self._archive(version, platform)}"

    def checksums_url(self, version: str, platform: str) -> str:
        """Address of the file that holds the archive's checksum."""
        archive = self._archive(version, platform)
        name = self.checksums.format(version=version, archive=archive)
        return f"{self._site(version)}/{name}"

    def _site(self, version: str) -> str:
        return self.site.format(version=version)

    def _archive(self, version: str, platform: str) -> str:
        return self.archive.format(version=version, platform=self.platforms[platform])


@dataclass(frozen=True)
class GoRecipe:
    """How a tool is built: main packages of one of our own Go modules.

    `module` is a folder of `slipway/gomods`, whose go.mod and go.sum pin all that is
    compiled. `version` is what comes out, where it is not the pin's. `variables` are strings
    set by the linker, templates of {version}, {major} and {minor}. `copied` are scripts
    taken as they are: program -> (our module, module that it requires, path in that).
    `built_as` is what Go calls a program: its package's folder, where that is no good name.
    """

    module: str
    packages: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=lambda: _NONE)
    tags: tuple[str, ...] = ()
    copied: Mapping[str, tuple[str, str, str]] = field(default_factory=lambda: MappingProxyType({}))
    version: str | None = None
    built_as: Mapping[str, str] = field(default_factory=lambda: _NONE)

    def linking(self, version: str) -> str:
        """The linker's flags: its variables set, and no symbols."""
        major, minor, _ = numbers(version)
        texts = {
            name: text.format(version=version, major=major, minor=minor)
            for name, text in self.variables.items()
        }
        return " ".join(["-s -w", *(f"-X {name}={text}" for name, text in texts.items())])


@dataclass(frozen=True)
class Tool:
    """One tool: what it puts into `tools/bin` (the first program is the tool itself).

    `asks` is how it is asked for its version and `answers` the expression that finds it in
    what it prints, so that a stranger of the same name is not taken for it. `beside` names
    the tool in whose folder it is accepted on PATH, for one that tells no version. `home`
    is what must lie in the folder above its program's, for a tool that needs its files: of
    such a tool the whole archive is kept. `group` is who needs it: the platform itself, or
    only those who ask for more.
    """

    name: str
    pin: ToolPin
    programs: tuple[str, ...]
    release: Release | None = None
    go: GoRecipe | None = None
    asks: tuple[str, ...] = ("--version",)
    answers: str = ""
    beside: str | None = None
    home: tuple[str, ...] = ()
    group: Literal["platform", "clusters", "images", "tests"] = "platform"

    def version_by(self, origin: Origin) -> str:
        """The version that a release or a Go build brings."""
        built = self.go.version if self.go and origin == "go" else None
        return built or self.pin.version
