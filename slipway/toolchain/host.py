"""What the machine gives the toolchain: the one place here that asks the environment."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from infra.home import PULUMI_ROOT, ROOT, Home
from slipway.toolchain.catalogue import TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.toolchain.tool import Tool

_GO_MODULES = Path(__file__).resolve().parent.parent / "gomods"
_LOCK = ROOT / "infra" / "tools.lock"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class GoCaches:
    """Where Go keeps downloaded modules and compiled packages."""

    modules: Path
    builds: Path


@dataclass(frozen=True)
class Host:
    """A machine as the toolchain sees it.

    `platform` is `linux/amd64` and the like; `ours` are folders of Slipway's own that may
    stand on PATH and do not count; `go_caches` overrides those inside the tool cache, which
    are removed after use.
    """

    path: str
    platform: str
    ours: tuple[Path, ...] = ()
    lock: Path = _LOCK
    go_modules: Path = _GO_MODULES
    go_caches: GoCaches | None = None
    tools: Mapping[str, Tool] = field(default_factory=lambda: TOOLS)

    @classmethod
    def here(cls) -> Host:
        """This machine, with PATH as it is now."""
        machine = platform.machine().lower()
        system = platform.system().lower()
        return cls(
            path=os.environ.get("PATH", os.defpath),
            platform=f"{system}/{_ARCHITECTURES.get(machine, machine)}",
            ours=(Home.of_environment().bin, PULUMI_ROOT / "bin"),
        )
