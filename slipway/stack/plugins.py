"""Pulumi's provider plugins: which a stack needs, whether they are here, and getting them.

They come from Pulumi's own download site or the PATH; Pulumi would fetch them in the middle
of an `up`, when things have been made already, so they are seen to before.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from infra.diagnosis import Diagnosis
from infra.errors import ToolMissingError
from slipway.stack import environment

if TYPE_CHECKING:
    from pathlib import Path

    from infra.home import Home
    from infra.settings.tree import Settings
    from slipway.toolchain import Progress

_CATEGORY = "plugins"
_SECONDS = 600


@dataclass(frozen=True)
class Plugin:
    """A resource plugin in the version of the Python package that speaks to it."""

    name: str
    version: str

    @property
    def program(self) -> str:
        """What it is called on PATH."""
        return f"pulumi-resource-{self.name}"


def of_stack(settings: Settings) -> list[Plugin]:
    """The plugins that a stack needs, beside the one of dynamic providers."""
    if settings.cluster is None:
        return []
    names = [
        "kubernetes",
        *(["docker"] if settings.target.kind == "kind" else []),
        *(["docker-build"] if settings.cluster.images.ours.kind == "built" else []),
    ]
    return [Plugin(name, version(f"pulumi-{name}")) for name in names]


def find(plugin: Plugin, home: Home) -> Path | str | None:
    """Where a plugin is: in Pulumi's home, or on PATH; None if it is not here."""
    folder = home.pulumi / "plugins" / f"resource-{plugin.name}-v{plugin.version}"
    if (folder / plugin.program).exists():
        return folder
    return shutil.which(plugin.program, path=home.search_path)


def ensure(plugins: list[Plugin], home: Home, progress: Progress) -> None:
    """Have these plugins, fetching those that are missing.

    Raises:
        ToolMissingError: some cannot be had; nothing else was done.
    """
    errors = []
    for plugin in plugins:
        if not find(plugin, home):
            progress(plugin.program, f"fetching {plugin.version}")
            if error := _install(plugin, home):
                errors.append(f"{plugin.program} {plugin.version} is not here: {error}")
    if errors:
        raise ToolMissingError(
            f"{'; '.join(errors)}: where Pulumi's download site can be reached, run "
            + " and ".join(
                f"`pulumi plugin install resource {plugin.name} {plugin.version}`"
                for plugin in plugins
            )
            + "; or put the program on PATH"
        )


def diagnose(plugin: Plugin, place: Path | str | None) -> Diagnosis:
    """One line on a plugin, None being one that is not here."""
    name = f"{plugin.program} {plugin.version}"
    if place:
        return Diagnosis("ok", _CATEGORY, name, str(place))
    return Diagnosis(
        "warning",
        _CATEGORY,
        f"{name} is not here yet",
        "`slipway up` fetches it from Pulumi's download site before anything is made",
        f"else `pulumi plugin install resource {plugin.name} {plugin.version}`, or the program on"
        " PATH",
    )


def _install(plugin: Plugin, home: Home) -> str:
    """Why a plugin could not be fetched, "" if it was."""
    command = [str(home.tools / "bin" / "pulumi"), "plugin", "install", "resource"]
    try:
        done = subprocess.run(
            [*command, plugin.name, plugin.version],
            env=environment.composed(home, clusters=True),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    reason = next((line for line in reversed(lines) if line.startswith("error:")), "")
    return (
        "" if done.returncode == 0 else (reason or " ".join(lines))[-300:].removeprefix("error: ")
    )
