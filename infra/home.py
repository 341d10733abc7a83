"""Where things lie on this machine: the project, its tools, its state, its stacks.

The only reader of the environment's `SLIPWAY_HOME` and `SLIPWAY_TOOLS`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# sun_path of a Unix socket: 104 bytes on macOS, 108 on Linux, with the closing zero.
_SOCKET_PATH_MAX = 100


@dataclass(frozen=True)
class StackDir:
    """The folder of one stack on this machine: all of it goes with `slipway down`."""

    path: Path

    @property
    def socket(self) -> Path:
        """The supervisor's Unix socket; outside the folder where its path is too long."""
        inside = self.path / "supervisor" / "rpc.sock"
        if len(str(inside)) <= _SOCKET_PATH_MAX:
            return inside
        digest = hashlib.sha256(str(self.path).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"slipway-{os.getuid()}-{digest}.sock"

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
        """The home that `SLIPWAY_HOME` and `SLIPWAY_TOOLS` name, or the project's own."""
        path = Path(os.environ.get("SLIPWAY_HOME") or ROOT / ".slipway").absolute()
        tools = Path(os.environ.get("SLIPWAY_TOOLS") or path / "tools").absolute()
        return cls(path, tools)

    @property
    def search_path(self) -> str:
        """Where programs are looked for: our own tools, then PATH."""
        path = os.environ.get("PATH", os.defpath)
        ours = str(self.tools / "bin")
        return path if path.startswith(ours + os.pathsep) else f"{ours}{os.pathsep}{path}"

    @property
    def bin(self) -> Path:
        """Wrappers for a person's PATH."""
        return self.path / "bin"

    @property
    def state(self) -> Path:
        """Pulumi's file backend."""
        return self.path / "state"

    def state_file(self, project: str, stack: str) -> Path:
        """Where that backend keeps the state of a stack of a project."""
        return self.state / ".pulumi" / "stacks" / project / f"{stack}.json"

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


def stack_file(name: str) -> Path:
    """The settings of a stack."""
    return ROOT / "infra" / "stacks" / f"Pulumi.{name}.yaml"


def stack_names() -> list[str]:
    """The stacks that have settings."""
    files = stack_file("*").parent.glob(stack_file("*").name)
    return sorted(file.stem.removeprefix("Pulumi.") for file in files)
