"""Build tools from their Go modules.

Each of our Go modules (`slipway/gomods/<name>`) pins with go.mod and go.sum all that is
compiled; the sums were taken from Go's checksum database, and Go refuses what differs.
All wanted programs of a module are built by one `go build`, which uses every core and
compiles what they share once. An interrupted build goes on from the caches.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.toolchain.golang import Go, GoError
from slipway.toolchain.host import GoCaches

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.toolchain.host import Host
    from slipway.toolchain.resolution import Progress
    from slipway.toolchain.store import Store
    from slipway.toolchain.tool import GoRecipe, Tool

# No debugging data and no profile: neither is of use here, both cost compile time, and a
# profile would compile all packages of its program anew instead of sharing them.
_ARGUMENTS = ("-trimpath", "-pgo=off", "-gcflags=all=-dwarf=false")
_IMPORT_PATH = re.compile(r"[\w.~/-]+")
_TELL_EVERY = 100


class GoBuilder:
    """Builds tools into one tool cache."""

    def __init__(self, host: Host, store: Store, progress: Progress) -> None:
        """Find Go.

        Raises:
            GoError: there is none, or it is too old.
        """
        ours = GoCaches(store.work / "modules", store.work / "builds")
        self._go = Go.on(host.path, host.go_caches or ours)
        self._modules = host.go_modules
        self._log = store.tools_dir / "log"
        self._store = store
        self._progress = progress

    def stage(self, module: str, tools: Sequence[Tool]) -> dict[str, Path]:
        """Build tools of one of our Go modules and return each one's staged folder.

        Raises:
            GoError: the build failed; names what and the log.
        """
        output = self._store.stage(f"go-{module}") / "bin"
        self._compile(module, tools, output)
        for tool in tools:
            if tool.go:
                self._copy_scripts(tool.go, output)
                _rename(tool.go, output)
        programs = [program for tool in tools for program in tool.programs]
        absent = [program for program in programs if not (output / program).exists()]
        if absent:
            raise GoError(f"building {_names(tools)} made no {', '.join(absent)}")
        staged = {tool.name: self._store.stage(tool.name) for tool in tools}
        for tool in tools:
            for program in tool.programs:
                (output / program).replace(staged[tool.name] / "bin" / program)
        return staged

    def _compile(self, module: str, tools: Sequence[Tool], output: Path) -> None:
        folder = self._modules / module
        packages = [package for tool in tools if tool.go for package in tool.go.packages]
        names = _names(tools)
        self._progress("go", f"fetching the modules of {names}")
        tags = _tags(tools)
        total = len(self._go.run(["list", "-deps", tags, *packages], folder).splitlines())
        arguments = ["build", "-v", *_ARGUMENTS, tags, *_linking(tools), f"-o={output}/", *packages]
        self._log.mkdir(exist_ok=True)
        log = self._log / f"go-{module}.log"
        message = ""
        try:
            with self._go.running(arguments, folder) as lines:
                message = self._follow(lines, log, total)
        except GoError as error:
            raise GoError(f"building {names} failed: {message or error} (log: {log})") from None

    def _follow(self, lines: Iterable[str], log: Path, total: int) -> str:
        """Log the lines, tell of progress, and return the last that is no package's name."""
        message, built = "", 0
        with log.open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(line)
                text = line.strip()
                if not _IMPORT_PATH.fullmatch(text):
                    message = text
                    continue
                built += 1
                if built % _TELL_EVERY == 0:
                    self._progress("go", f"compiled {built} of {total} packages")
        return message

    def _copy_scripts(self, recipe: GoRecipe, output: Path) -> None:
        for program, (module, required, path) in recipe.copied.items():
            answer = self._go.run(["mod", "download", "-json", required], self._modules / module)
            script = shutil.copyfile(Path(json.loads(answer)["Dir"]) / path, output / program)
            script.chmod(0o755)


def _rename(recipe: GoRecipe, output: Path) -> None:
    for program, built in recipe.built_as.items():
        (output / built).replace(output / program)


def _names(tools: Sequence[Tool]) -> str:
    return ", ".join(tool.name for tool in tools)


def _tags(tools: Sequence[Tool]) -> str:
    tags = {tag for tool in tools if tool.go for tag in tool.go.tags}
    return f"-tags={','.join(sorted(tags))}"


def _linking(tools: Sequence[Tool]) -> list[str]:
    return [
        f"-ldflags={package}={tool.go.linking(tool.version_by('go'))}"
        for tool in tools
        if tool.go
        for package in tool.go.packages
    ]
