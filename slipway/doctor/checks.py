"""What a machine has and lacks for a stack: facts gathered here, judged by pure functions."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from typing import TYPE_CHECKING

from rich.markup import escape

from infra.clusters import checks
from infra.diagnosis import Diagnosis
from infra.errors import SettingsError
from infra.files import keeps_attributes
from infra.home import stack_file
from infra.services import all_services
from infra.settings import reading
from slipway import hints, toolchain
from slipway.doctor import tools
from slipway.stack import plugins

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.console import Console

    from infra.home import Home
    from infra.settings.target import OnKubernetes
    from infra.settings.tree import Settings

_GIBIBYTE = 2**30
_DISK_GIB = 6
_MEMORY_GIB = 2
_SIGNS = {
    "ok": "[green]ok[/green]",
    "warning": "[yellow]warning[/yellow]",
    "error": "[red]error[/red]",
}


def examine(home: Home, stack: str) -> list[Diagnosis]:
    """All findings about this machine and the settings of `stack`; changes nothing."""
    return [_pasteable(finding, stack) for finding in _findings(home, stack)]


def _pasteable(finding: Diagnosis, stack: str) -> Diagnosis:
    detail, remedy = (hints.pasteable(text, stack) for text in (finding.detail, finding.resolution))
    return dataclasses.replace(finding, detail=detail, resolution=remedy)


def _findings(home: Home, stack: str) -> list[Diagnosis]:
    stack_settings = _settings_or_none(stack)
    machine = [
        settings(stack),
        python(sys.version_info[:2]),
        disk(home.path, shutil.disk_usage(_existing(home.path)).free),
    ]
    if stack_settings and stack_settings.cluster:
        return [*machine, *_for_cluster(home, stack_settings, stack_settings.cluster)]
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return [*machine, home_attributes(home), memory(size), *_tools(home, toolchain.ALL)]


def healthy(findings: Iterable[Diagnosis]) -> bool:
    """Whether nothing must be mended."""
    return all(finding.level != "error" for finding in findings)


def as_json(diagnosis: Diagnosis) -> dict[str, str]:
    """A finding, for a script."""
    return dataclasses.asdict(diagnosis)


def show(console: Console, findings: Iterable[Diagnosis]) -> None:
    """A line a finding, and its remedy below it."""
    for finding in findings:
        detail = f"  [dim]{escape(finding.detail)}[/dim]" if finding.detail else ""
        console.print(f"{_SIGNS[finding.level]:<24} {escape(finding.summary)}{detail}")
        if finding.resolution:
            console.print(f"        {escape(finding.resolution)}")


def settings(stack: str) -> Diagnosis:
    """Whether the stack's settings are right."""
    try:
        reading.from_file(stack_file(stack))
    except SettingsError as error:
        return Diagnosis("error", "settings", str(error))
    return Diagnosis("ok", "settings", f"settings of stack {stack}")


def python(version: tuple[int, ...]) -> Diagnosis:
    """Whether this Python is one that the lock was made for."""
    name = f"Python {version[0]}.{version[1]}"
    if (3, 11) <= version <= (3, 13):
        return Diagnosis("ok", "python", name)
    remedy = "have Python 3.13 on PATH, then `rm -r .venv && make env PYTHON=python3.13`"
    return Diagnosis("error", "python", f"{name} is not 3.11 to 3.13", resolution=remedy)


def disk(path: Path, free: int) -> Diagnosis:
    """Whether there is room for data, models and metrics; `free` in bytes."""
    summary = f"{free / _GIBIBYTE:.1f} GiB free for {path}"
    if free >= _DISK_GIB * _GIBIBYTE:
        return Diagnosis("ok", "disk", summary)
    remedy = f"free some, or set SLIPWAY_HOME to a folder with {_DISK_GIB} GiB"
    return Diagnosis("warning", "disk", summary, resolution=remedy)


def home_attributes(home: Home) -> Diagnosis:
    """`attributes` of the home's file system, tried with a file that has no name."""
    return attributes(home.path, kept=keeps_attributes(_existing(home.path)))


def attributes(path: Path, *, kept: bool) -> Diagnosis:
    """Whether files may have user attributes; `kept` is what a try of one said."""
    if kept:
        return Diagnosis("ok", "attributes", f"user attributes of files in {path}")
    return Diagnosis(
        "error",
        "attributes",
        f"the file system of {path} keeps no user attributes, which the object store needs",
        resolution=(
            "set SLIPWAY_HOME to a folder on one that does, as ext4, xfs, btrfs and APFS do, and"
            " tmpfs from Linux 6.6 on"
        ),
    )


def memory(size: int) -> Diagnosis:
    """Whether the platform fits in memory; `size` in bytes."""
    summary = f"{size / _GIBIBYTE:.1f} GiB of memory"
    if size >= _MEMORY_GIB * _GIBIBYTE:
        return Diagnosis("ok", "memory", summary)
    return Diagnosis("warning", "memory", summary, f"the platform takes {_MEMORY_GIB} GiB")


def _settings_or_none(stack: str) -> Settings | None:
    try:
        return reading.from_file(stack_file(stack))
    except SettingsError:
        return None


def _for_cluster(home: Home, stack_settings: Settings, target: OnKubernetes) -> list[Diagnosis]:
    """Pulumi, its plugins, and the cluster; kind's command line is among the latter's."""
    needed = plugins.of_stack(stack_settings)
    services = all_services(stack_settings, grafana_at_hand=True)
    return [
        *_tools(home, toolchain.FOR_CLUSTERS),
        *(plugins.diagnose(plugin, plugins.find(plugin, home)) for plugin in needed),
        *checks.examine(target, services, tenants=stack_settings.tenant_namespaces),
    ]


def _tools(home: Home, names: Iterable[str]) -> list[Diagnosis]:
    return tools.diagnose_all({name: toolchain.resolve(name, home.tools) for name in names})


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
