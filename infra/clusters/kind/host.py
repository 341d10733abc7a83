"""What this machine has and lacks for a cluster of kind's: its facts, and checks of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass

from infra import programs
from infra.diagnosis import Diagnosis
from infra.home import Home
from infra.versions import TOOLS, numbers

_CATEGORY = "kind"
_SECONDS = 20
_MEBIBYTE = 2**20
# What the node's own programs take, as kind's documentation of its memory has it.
_NODE_MEMORY = 1024
# The first that runs kind's nodes with private cgroups.
_DOCKER_AT_LEAST = "20.10.0"


@dataclass(frozen=True)
class Host:
    """This machine's Docker and kind; an empty version is one that is not there.

    `memory` is what Docker may give to containers, and `free` what of it this machine has
    left, in MiB; `trouble` is Docker's own word on why its daemon does not answer.
    """

    docker: str = ""
    trouble: str = ""
    kind: str = ""
    memory: int = 0
    free: int = 0


def facts() -> Host:
    """What Docker and kind report of this machine; nothing is started."""
    kind = _outputs("kind", "--version")[0].removeprefix("kind version ").strip()
    if not shutil.which("docker", path=Home.of_environment().search_path):
        return Host(kind=kind)
    output, errors = _outputs("docker", "info", "--format", "{{json .}}")
    try:
        info = json.loads(output)
    except ValueError:
        info = {}
    if not info.get("ServerVersion"):
        problems = " ".join([*(info.get("ServerErrors") or []), errors]).split()
        return Host(trouble=" ".join(problems) or "`docker info` does not answer", kind=kind)
    total = int(info["MemTotal"]) // _MEBIBYTE
    return Host(info["ServerVersion"], kind=kind, memory=total, free=min(total, _free()))


def checks(
    host: Host, memory: int, *, exists: bool = False, kind_comes: bool = False
) -> list[Diagnosis]:
    """Diagnoses of Docker, its memory, and kind's command line.

    `memory` is what the services request, in MiB. A cluster that `exists` has it already; a kind
    that `kind_comes` is brought next.
    """
    return [
        _docker(host),
        *([_memory(host, memory)] if host.docker and not exists else []),
        *([] if kind_comes and not _kind_will_do(host) else [_kind(host)]),
    ]


def _docker(host: Host) -> Diagnosis:
    if host.docker and numbers(host.docker) >= numbers(_DOCKER_AT_LEAST):
        return Diagnosis("ok", _CATEGORY, f"Docker {host.docker}")
    if host.docker:
        return Diagnosis(
            "error",
            _CATEGORY,
            f"Docker {host.docker} is too old for kind",
            resolution=f"install Docker {_DOCKER_AT_LEAST} or newer",
        )
    if host.trouble:
        return Diagnosis(
            "error",
            _CATEGORY,
            "Docker does not run",
            host.trouble,
            "start Docker, and see that `docker info` answers",
        )
    return Diagnosis(
        "error",
        _CATEGORY,
        "Docker is not here",
        "kind's nodes are its containers",
        "install Docker, or use a stack without it: `slipway up` needs none",
    )


def _memory(host: Host, memory: int) -> Diagnosis:
    wanted = memory + _NODE_MEMORY
    summary = f"{host.free} MiB of memory free for Docker's containers, of {host.memory}"
    detail = f"the platform and a node take {wanted} MiB"
    if host.memory < wanted:
        remedy = "give Docker more memory, or use a larger machine"
        return Diagnosis("error", _CATEGORY, summary, detail, remedy)
    if host.free < wanted:
        return Diagnosis("warning", _CATEGORY, summary, detail, "end what takes the memory")
    return Diagnosis("ok", _CATEGORY, summary, detail)


def _kind(host: Host) -> Diagnosis:
    pin = TOOLS["kind"]
    if _kind_will_do(host):
        return Diagnosis("ok", _CATEGORY, f"kind {host.kind}")
    return Diagnosis(
        "error",
        _CATEGORY,
        f"kind {host.kind} is not {pin.accepted}" if host.kind else "kind is not here yet",
        f"the nodes' image is made for kind {pin.version}",
        f"`slipway tools install` brings {pin.version}, or builds it with Go",
    )


def _kind_will_do(host: Host) -> bool:
    return bool(host.kind) and TOOLS["kind"].accepts(host.kind)


def _outputs(*command: str) -> tuple[str, str]:
    """Standard output and standard error of a program; both empty where it is absent."""
    try:
        done = programs.run(
            command,
            timeout=_SECONDS,
            env=os.environ | {"PATH": Home.of_environment().search_path},
        )
    except (OSError, subprocess.TimeoutExpired):
        return "", ""
    return done.stdout, done.stderr


def _free() -> int:
    import psutil  # noqa: PLC0415 - only a kind stack asks

    return int(psutil.virtual_memory().available) // _MEBIBYTE
