"""Services to supervised processes: placeholders filled in, then one resource each."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from infra.errors import ToolMissingError
from infra.service import render, revealed, secrets_in
from infra.targets import stack_secrets
from infra.targets.processes import ports, process
from infra.targets.processes.provider import Process, Supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.description import Description
    from infra.home import Home, StackDir
    from infra.service import Service
    from infra.settings.target import Processes

PYTHON = "python"


_PLAIN = re.compile(r"[\w/.+-]+")


@dataclass(frozen=True)
class Machine:
    """What a service's placeholders mean on this machine.

    `ports` by `service/port`; `tools` as the toolchain recorded them.
    """

    stack: StackDir
    ports: Mapping[str, int]
    tools: Mapping[str, Mapping[str, str]]

    def address(self, service: str, port: str) -> str:
        """The host:port of a port of a service."""
        return f"{ports.HOST}:{self.ports[f'{service}/{port}']}"

    def fill(self, service: Service, kind: str, argument: str, secrets: Mapping[str, str]) -> str:
        """The text that one placeholder of `service` stands for."""
        folder = self.stack.service(service.name)
        match kind:
            case "address":
                return self.address(*argument.split("/", 1))
            case "port" | "number":
                own = f"{service.name}/{argument}"
                return str(self.ports[argument if kind == "number" else own])
            case "host" | "hostname":
                return ports.HOST
            case "data" | "config":
                return _as_text(folder / kind / argument, folder / process.WORKS_IN)
            case "secret" | "sha256":
                return revealed(kind, argument, secrets)
            case "home":
                return str(Path(self.tools[service.command[0]]["path"]).parent.parent)
        raise ValueError(f"service {service.name}: unknown placeholder @{{{kind}:{argument}}}")

    def program(self, service: Service) -> tuple[str, str]:
        """Absolute path and version of what a service runs.

        Raises:
            ToolMissingError: the toolchain has no such tool yet.
        """
        tool = service.command[0]
        if tool == PYTHON:
            # sys.executable has another name (python3) under Pulumi's language host.
            python = Path(sys.prefix) / "bin" / "python"
            return str(python), importlib.metadata.version(service.distribution or "slipway")
        if tool not in self.tools:
            raise ToolMissingError(f"{service.name} needs {tool}: run `slipway tools install`")
        return self.tools[tool]["path"], self.tools[tool]["version"]


def _as_text(path: Path, works_in: Path) -> str:
    """A path for a service's texts, of whatever syntax: one with odd signs from where it works."""
    return str(path) if _PLAIN.fullmatch(str(path)) else os.path.relpath(path, works_in)


def recorded_tools(tools: Path) -> dict[str, dict[str, str]]:
    """Path, version and source of each tool that the toolchain has brought."""
    try:
        recorded: dict[str, dict[str, str]] = json.loads((tools / "tools.json").read_text())
    except FileNotFoundError:
        return {}
    return recorded


def spec(machine: Machine, service: Service, settings: Processes) -> dict[str, Any]:
    """The fields of `process.Spec`, but for environment and files, which may hold secrets."""
    program, version = machine.program(service)

    def word(text: str) -> str:
        return render(text, lambda kind, argument: machine.fill(service, kind, argument, {}))

    return {
        "stack": str(machine.stack.path),
        "name": service.name,
        "argv": [program, *_alone(service), *map(word, service.command[1:])],
        "folders": list(service.data.folders) if service.data else [],
        "version": version,
        "address": machine.address(service.name, service.health.port or service.ports[0]),
        "health_path": service.health.path or "",
        "health_seconds": service.health.seconds,
        "stop_seconds": service.stop_seconds,
        "log_megabytes": settings.log_megabytes,
        "log_files": settings.log_files,
        "ports": {port: machine.ports[f"{service.name}/{port}"] for port in service.ports},
    }


def _alone(service: Service) -> list[str]:
    """That an interpreter looks for no module in the folder that it is started in."""
    return ["-P"] if service.command[0] == PYTHON else []


def filled(
    machine: Machine, service: Service, texts: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """Environment or files of a service with addresses and secrets in them."""
    return {
        name: render(text, lambda kind, arg: machine.fill(service, kind, arg, secrets))
        for name, text in texts.items()
    }


class ProcessPlatform(pulumi.ComponentResource):
    """All services of a stack as supervised processes of this machine.

    `outputs` holds what the command line and a person want to know of it.
    """

    def __init__(
        self,
        name: str,
        described: Description,
        settings: Processes,
        home: Home,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("slipway:processes:Platform", name, {}, opts)
        services = list(described.services)
        stack = home.stack(pulumi.get_stack())
        assigned = ports.assign(stack, services, settings.ports)
        self._machine = Machine(stack, assigned, recorded_tools(home.tools))
        specs = {service.name: spec(self._machine, service, settings) for service in services}
        self._supervisor = Supervisor("supervisor", str(stack.path), self._child())
        self._secrets = stack_secrets.secrets(described, self._child())
        for service in services:
            self._process(service, specs[service.name])
        self.outputs = self._outputs(services, specs)
        self.register_outputs(self.outputs)

    def _child(self, depends_on: list[pulumi.Resource] | None = None) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=depends_on)

    def _process(self, service: Service, fields: dict[str, Any]) -> None:
        # Each for itself: a secret in one would hide the other from previews.
        texts = {
            "environment": self._filled(service, service.environment),
            "files": self._filled(service, service.files),
        }
        Process(service.name, fields | texts, self._child([self._supervisor]))

    def _filled(self, service: Service, texts: Mapping[str, str]) -> pulumi.Output[dict[str, str]]:
        used = {name: self._secrets[name] for name in sorted(secrets_in(*texts.values()))}
        return pulumi.Output.all(**used).apply(
            lambda secrets: filled(self._machine, service, texts, secrets)
        )

    def _outputs(self, services: list[Service], specs: dict[str, dict[str, Any]]) -> dict[str, Any]:
        return {
            "services": {
                service.name: {
                    "url": f"http://{specs[service.name]['address']}",
                    "ui": service.ui or "",
                    "role": service.role,
                    "health": service.health.path or "",
                    "version": specs[service.name]["version"],
                }
                for service in services
            },
            "secrets": self._secrets,
        }
