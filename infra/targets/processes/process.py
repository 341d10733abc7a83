"""One service as a supervised process: made, compared, changed, looked at, ended.

Plain functions over plain values; Pulumi's side of it is in `provider`.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from infra.errors import ServiceFailedError
from infra.files import private_folder, write_atomically
from infra.home import StackDir
from infra.targets.processes import health, launch, supervisor

WORKS_IN = "data"
"""The folder of its own that a service works in: its paths may be given from there."""

_MEBIBYTE = 2**20
_PLAIN = frozenset("/._-+=:,@")
_ODD = {"%": "%%", "'": '"\'"'}


@dataclass(frozen=True)
class Spec:
    """All that makes a process what it is; two equal ones are the same process.

    `argv` starts with an absolute path. `environment` and `files` are rendered texts.
    `address` is the host:port that `health_path` (or a plain connection) is tried on.
    """

    stack: str
    name: str
    argv: list[str]
    environment: dict[str, str]
    files: dict[str, str]
    folders: list[str]
    version: str
    address: str
    health_path: str
    health_seconds: int
    stop_seconds: int
    log_megabytes: int
    log_files: int
    ports: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, props: dict[str, Any]) -> Self:
        """The spec in a resource's properties; Pulumi hands whole numbers over as floats."""
        numbers = {
            key: int(props[key])
            for key in ("health_seconds", "stop_seconds", "log_megabytes", "log_files")
        }
        ports = {name: int(number) for name, number in props["ports"].items()}
        known = {key: props[key] for key in cls.__dataclass_fields__}
        return cls(**known | numbers | {"ports": ports})

    @property
    def stack_dir(self) -> StackDir:
        """The folder of the stack it belongs to."""
        return StackDir(Path(self.stack))

    @property
    def folder(self) -> Path:
        """The service's own folder."""
        return self.stack_dir.service(self.name)


def run(spec: Spec) -> None:
    """Make the process run as `spec` says, whatever was there, and wait for its health.

    Raises:
        ServiceFailedError: it did not come up; it is stopped and forgotten again.
        OSError: its files could not be written; nothing was started.
    """
    _write(spec)
    try:
        supervisor.put(spec.stack_dir, spec.name)
        health.wait(
            spec.stack_dir, spec.name, spec.address, spec.health_path or None, spec.health_seconds
        )
    except ServiceFailedError:
        remove(spec)
        raise


def update(old: Spec, new: Spec) -> None:
    """Run `new` in the place of `old`; where it does not come up, `old` again.

    Raises:
        ServiceFailedError: `new` did not come up; `old` runs as before, but for one of another
            folder, whose paths are not this stack's.
    """
    try:
        run(new)
    except ServiceFailedError:
        if old.stack == new.stack:
            run(old)
        raise


def changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Names of the properties that differ between two specs, given as properties."""
    return [
        key for key in Spec.__dataclass_fields__ if _plain(old.get(key)) != _plain(new.get(key))
    ]


def remove(spec: Spec) -> None:
    """Stop the process and remove what it was made of; its durable data stays."""
    if supervisor.is_running(spec.stack_dir):
        supervisor.remove(spec.stack_dir, spec.name)
    supervisor.program_file(spec.stack_dir, spec.name).unlink(missing_ok=True)
    (spec.folder / "spec.json").unlink(missing_ok=True)
    shutil.rmtree(spec.folder / "config", ignore_errors=True)


def config_files(spec: Spec) -> dict[str, str] | None:
    """The config files of the running process as they are on disk; None if it does not run."""
    seen = supervisor.state(spec.stack_dir, spec.name)
    if seen is None or seen.state not in {"RUNNING", "STARTING"}:
        return None
    folder = spec.folder / "config"
    paths = {name: folder / name for name in spec.files}
    return {name: path.read_text(encoding="utf-8") for name, path in paths.items() if path.exists()}


def _plain(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _write(spec: Spec) -> None:
    config, data, _ = (private_folder(spec.folder / part) for part in ("config", WORKS_IN, "log"))
    for folder in spec.folders:
        private_folder(data / folder)
    for stale in {path for path in config.rglob("*") if path.is_file()} - {
        config / name for name in spec.files
    }:
        stale.unlink()
    for name, text in spec.files.items():
        write_atomically(config / name, text)
    temporary = spec.folder / "tmp"
    inherited = supervisor.inherited_environment(spec.stack_dir, temporary)
    launched = {
        "argv": spec.argv,
        "environment": inherited | spec.environment,
        "folder": str(data),
        "temporary": str(temporary),
    }
    write_atomically(spec.folder / "spec.json", json.dumps(launched, indent=1))
    write_atomically(supervisor.program_file(spec.stack_dir, spec.name), _program(spec))


def _program(spec: Spec) -> str:
    # Supervisord works in the stack's folder and reads this text twice over: an odd sign of
    # the folder's own path cannot be written here.
    log = Path("services", spec.name, "log", f"{spec.name}.log")
    command = [sys.executable, "-I", "-S", launch.__file__, str(spec.folder / "spec.json")]
    return f"""\
[program:{spec.name}]
command = {" ".join(_quoted(word) for word in command)}
autostart = true
autorestart = true
startsecs = 1
startretries = 30
stopwaitsecs = {spec.stop_seconds}
stopasgroup = true
killasgroup = true
redirect_stderr = true
stdout_logfile = {log}
stdout_logfile_maxbytes = {spec.log_megabytes * _MEBIBYTE}
stdout_logfile_backups = {spec.log_files}
"""


def _quoted(word: str) -> str:
    """A word of a command: each odd sign for itself, as " #" or " ;" would begin a comment."""
    signs = (
        sign if sign.isalnum() or sign in _PLAIN else _ODD.get(sign, f"'{sign}'") for sign in word
    )
    return "".join(signs)
