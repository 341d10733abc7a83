"""Where things lie on this machine: the project, its tools, its state, its stacks.

The only reader of the environment's `SLIPWAY_HOME` and `SLIPWAY_TOOLS`.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from contracts import variables
from infra.errors import SettingsError, ToolMissingError
from infra.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent

# Where Pulumi's CLI and what it runs of this very environment lie: in it, so that another
# clone, which may share home and tools, neither meets nor changes them.
_OF_ENVIRONMENT = Path(sys.prefix) if sys.prefix != sys.base_prefix else ROOT / ".slipway"
PULUMI_ROOT = _OF_ENVIRONMENT / "pulumi"

_TOOLS_RECORD = "tools-folder"

# PATH ends a folder at the one, and lines end at the other.
_NOT_IN_PATHS = frozenset({os.pathsep, "\n"})

# sun_path of a Unix socket: 104 bytes on macOS, 108 on Linux, with the closing zero.
_SOCKET_PATH_MAX = 100
_SOCKETS = Path("/tmp")  # noqa: S108 - only its owner may open what is made there


@dataclass(frozen=True)
class StackDir:
    """The folder of one stack on this machine: all of it goes with `slipway down`."""

    path: Path

    @property
    def socket(self) -> Path:
        """The supervisor's Unix socket; outside the folder where its path is too long.

        There it is named by what the folder is, not by its path: one that was moved keeps its
        socket, another one in its place has another. No variable of a shell is in it.
        """
        inside = self.path / "supervisor" / "rpc.sock"
        if len(str(inside)) <= _SOCKET_PATH_MAX:
            return inside
        facts = self.path.stat() if self.path.exists() else None
        place = f"{facts.st_dev}:{facts.st_ino}" if facts else str(self.path)
        digest = hashlib.sha256(place.encode()).hexdigest()[:16]
        return _SOCKETS / f"slipway-{os.getuid()}-{digest}.sock"

    @property
    def home(self) -> Path:
        """What its services and its pipelines' steps have as their home folder."""
        return self.path / "home"

    @property
    def supervisor(self) -> Path:
        """The supervisor's configuration, log and pid."""
        return self.path / "supervisor"

    @property
    def ports(self) -> Path:
        """The ports that this stack was given."""
        return self.path / "ports.json"

    @property
    def runs(self) -> Path:
        """The pipeline runs."""
        return self.path / "runs"

    def service(self, name: str) -> Path:
        """The folder of one service: `config/`, `data/`, `log/`."""
        return self.path / "services" / name


@dataclass(frozen=True)
class Home:
    """All that Slipway keeps on this machine, by default `.slipway/` in the project."""

    path: Path
    tools: Path

    @classmethod
    def of_environment(cls) -> Home:
        """The home that `SLIPWAY_HOME` and `SLIPWAY_TOOLS` name, or the project's own.

        A folder is the same however its path is spelled. Without `SLIPWAY_TOOLS` the tools are
        where they were when this home was used last.

        Raises:
            SettingsError: one of these folders has a sign in its path that cannot be.
            ToolMissingError: the folder of the tools is gone.
        """
        path = Path(os.environ.get(variables.HOME) or ROOT / ".slipway").resolve()
        folder = os.environ.get(variables.TOOLS)
        tools = Path(folder).resolve() if folder else _remembered(path / _TOOLS_RECORD)
        home = cls(path, tools or path / "tools")
        _require_usable({"the project": ROOT, variables.HOME: path, variables.TOOLS: home.tools})
        return home

    def remember_tools(self) -> None:
        """Have this home find its tools without `SLIPWAY_TOOLS`, too."""
        if self.tools == self.path / "tools":
            self.tools_record.unlink(missing_ok=True)
        else:
            write_atomically(self.tools_record, str(self.tools))

    @property
    def search_path(self) -> str:
        """Where programs are looked for: this environment's, our own tools, then PATH."""
        path = os.environ.get("PATH", os.defpath)
        ours = f"{PULUMI_ROOT / 'bin'}{os.pathsep}{self.tools / 'bin'}"
        return path if path.startswith(ours + os.pathsep) else f"{ours}{os.pathsep}{path}"

    @property
    def bin(self) -> Path:
        """Wrappers for a person's PATH: those of this clone, as others may share the home."""
        return self.path / "bin" / hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]

    @property
    def tools_record(self) -> Path:
        """Says where the tools are, if they are not in the home."""
        return self.path / _TOOLS_RECORD

    @property
    def state(self) -> Path:
        """Pulumi's file backend."""
        return self.path / "state"

    @property
    def pulumi(self) -> Path:
        """Pulumi's own home: the selected stack, plugins."""
        return self.path / "pulumi"

    @property
    def project(self) -> Path:
        """The Pulumi project as our own operations see it."""
        return self.path / "project"

    @property
    def passphrase(self) -> Path:
        """The passphrase that the state's secrets are encrypted with, mode 0600."""
        return self.path / "passphrase"

    def lock(self, name: str) -> Path:
        """The lock of a stack, there while an operation works on it."""
        return self.path / "locks" / f"{name}.lock"

    def stack(self, name: str) -> StackDir:
        """The folder of one stack."""
        return StackDir(self.path / "stacks" / name)


@functools.cache
def project_name() -> str:
    """What `Pulumi.yaml` calls the project.

    Raises:
        SettingsError: there is no such file, or no name in it.
    """
    try:
        text = (ROOT / "Pulumi.yaml").read_text(encoding="utf-8")
        return str(yaml.safe_load(text)["name"])
    except (OSError, yaml.YAMLError, LookupError, TypeError) as error:
        raise SettingsError(f"{ROOT / 'Pulumi.yaml'} names no project: {error}") from None


def _require_usable(folders: Mapping[str, Path]) -> None:
    for name, folder in folders.items():
        # MLflow hands the place of its own migrations to a parser of settings.
        impossible = _NOT_IN_PATHS | {"%"} if folder == ROOT else _NOT_IN_PATHS
        for sign in sorted(impossible & set(str(folder))):
            raise SettingsError(
                f"{str(folder)!r}, the folder of {name}, has the sign {sign!r} in its path, which"
                " cannot be: take another folder"
            )


def _remembered(record: Path) -> Path | None:
    try:
        tools = Path(record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    if not tools.is_dir():
        raise ToolMissingError(
            f"the tools of {record.parent} are in {tools}, which is not there: name their folder in"
            f" SLIPWAY_TOOLS, or remove {record} to have them brought anew"
        )
    return tools


def stack_file(name: str) -> Path:
    """The settings of a stack."""
    return ROOT / "infra" / "stacks" / f"Pulumi.{name}.yaml"


def stack_names() -> list[str]:
    """The stacks that have settings."""
    files = stack_file("*").parent.glob(stack_file("*").name)
    return sorted(file.stem.removeprefix("Pulumi.") for file in files)
