"""The local Go: find one that can build our modules, and run it for them alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra import programs
from infra.versions import GO_AT_LEAST, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from slipway.toolchain.host import GoCaches

# A person's own settings that would build something else, or for another machine.
_NOT_OURS = frozenset({"GOOS", "GOARCH", "GOEXPERIMENT", "GOBIN", "GOTMPDIR"})
# Since this one, Go brings the version that a module asks for, unless it is told not to.
_BRINGS_NEWER = "1.21"
_FETCHING = 16


class GoError(Exception):
    """There is no Go that can build our modules, or it failed; says why in one line."""


@dataclass(frozen=True)
class Go:
    """A Go program and the caches it works with."""

    program: str
    caches: GoCaches

    @classmethod
    def on(cls, path: str, caches: GoCaches) -> Go:
        """The Go on PATH.

        Raises:
            GoError: there is none, or it is too old.
        """
        program = shutil.which("go", path=path)
        if not program:
            raise GoError("there is no `go` on PATH")
        go = cls(program, caches)
        go.require_version()
        return go

    def require_version(self) -> None:
        """Refuse a Go that is too old and does not bring a newer one by itself.

        Raises:
            GoError: names its version and the oldest that would do.
        """
        # Asked outside of any module, Go answers for itself.
        answer = self.run(["version"], os.sep)
        local = self.run(["env", "GOTOOLCHAIN"], os.sep).strip() == "local"
        floor = GO_AT_LEAST if local else _BRINGS_NEWER
        found = re.search(r"go(\d+\.\d+(?:\.\d+)?)", answer)
        if not found or numbers(found[1]) < numbers(floor):
            raise GoError(f"{self.program} is {answer.strip() or 'silent'}, older than {floor}")

    def run(self, arguments: Sequence[str], folder: str | Path) -> str:
        """What Go prints.

        Raises:
            GoError: it failed; the first line that it said of it.
        """
        done = programs.run(
            [self.program, *arguments],
            cwd=folder,
            # Modules are fetched by as many workers as there are processors; they mostly wait.
            env=self._environment() | {"GOMAXPROCS": str(_FETCHING)},
        )
        if done.returncode:
            raise GoError(f"`go {arguments[0]}`: {_complaint(done.stderr) or done.returncode}")
        return done.stdout

    @contextmanager
    def running(self, arguments: Sequence[str], folder: Path) -> Iterator[Iterable[str]]:
        """Lines that Go says while it works; it ends with the block.

        Raises:
            GoError: it failed; its exit code.
        """
        # Our end of the pipe dies with us, and Go with its next line: no orphan goes on.
        with subprocess.Popen(
            [self.program, *arguments],
            cwd=folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            try:
                yield process.stderr or ()
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise GoError(f"`go {arguments[0]}` ended with {process.returncode}")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
        return kept | {
            "CGO_ENABLED": "0",
            "GOCACHE": str(self.caches.builds),
            "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false",
            "GOGC": "800",
            "GOMODCACHE": str(self.caches.modules),
            "GOWORK": "off",
        }


def _complaint(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith("go: downloading ")), "")
