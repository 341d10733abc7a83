"""Parity: both targets run the same thing, each in its own place.

Each service is rendered by both. What only a target knows (hosts, ports, folders, secrets)
is named alike first; then argv, environment, files and ports must be equal.
"""

import re
from pathlib import Path

import pytest

from infra.home import StackDir
from infra.service import Service
from infra.services import all_services
from infra.settings.target import Processes
from infra.settings.tree import Settings
from infra.targets.kubernetes import configuration, objects
from infra.targets.kubernetes.render_context import Manifest, RenderContext
from infra.targets.processes.target import Machine, filled, spec

SERVICES = all_services(Settings(), grafana_at_hand=True)
SECRETS = {name: f"hush-{name}" for service in SERVICES for name in service.secrets}
PLACE = RenderContext("mlops", "dev")
NAMES = [f"{service.name}/{port}" for service in SERVICES for port in service.ports]
PORTS = {name: 20_000 + index for index, name in enumerate(NAMES)}
TOOLS = {
    service.command[0]: {
        "path": f"/tools/{service.command[0]}/bin/{service.command[0]}",
        "version": "1",
    }
    for service in SERVICES
}
MACHINE = Machine(StackDir(Path("/stack")), PORTS, TOOLS)
# A pod's root file system is read-only; on a machine the user's own home is inherited.
ONLY_IN_PODS = {"HOME"}
# A pod's folder holds no module that could stand before ours.
ONLY_ON_MACHINES = "-P"


def on_a_machine(service: Service) -> dict[str, object]:
    """What the process target runs, in neutral words."""
    made = spec(MACHINE, service, Processes())
    neutral = _neutral_machine(service)
    arguments = [word for word in made["argv"][1:] if word != ONLY_ON_MACHINES]
    return {
        "argv": [Path(made["argv"][0]).name, *map(neutral, arguments)],
        "environment": {
            name: neutral(text)
            for name, text in filled(MACHINE, service, service.environment, SECRETS).items()
        },
        "files": {
            name: neutral(text)
            for name, text in filled(MACHINE, service, service.files, SECRETS).items()
        },
        "ports": list(made["ports"]),
        "health": (made["address"] == MACHINE.address(service.name, service.health.port))
        and (made["health_path"], service.health.port),
    }


def in_a_cluster(service: Service) -> dict[str, object]:
    """What the Kubernetes target runs, in neutral words, read from its objects alone."""
    values = configuration.secret_values(service, PLACE, SECRETS)
    made = {m["kind"]: m for m in objects.of_service(service, SERVICES, PLACE, values, "")}
    pod = (made.get("StatefulSet") or made["Deployment"])["spec"]["template"]["spec"]
    container = pod["containers"][0]
    neutral = _neutral_cluster(service)
    probe = container["readinessProbe"]
    check = probe.get("httpGet") or probe["tcpSocket"]
    return {
        "argv": [*container["command"], *map(neutral, container["args"])],
        "environment": {
            name: neutral(text)
            for name, text in _variables(container, made).items()
            if name not in ONLY_IN_PODS
        },
        "files": {path: neutral(text) for path, text in _files(pod, made).items()},
        "ports": [port["name"] for port in container["ports"]],
        "health": (check.get("path", ""), check["port"]),
    }


def _variables(container: Manifest, made: dict[str, Manifest]) -> dict[str, str]:
    return {
        variable["name"]: variable["value"]
        if "value" in variable
        else made["Secret"]["stringData"][variable["valueFrom"]["secretKeyRef"]["key"]]
        for variable in container["env"]
    }


def _files(pod: Manifest, made: dict[str, Manifest]) -> dict[str, str]:
    sources = [
        source
        for volume in pod["volumes"]
        for source in volume.get("projected", {}).get("sources", [volume])
    ]
    kept = {"configMap": ("ConfigMap", "data"), "secret": ("Secret", "stringData")}
    return {
        item["path"]: made[kept[how][0]][kept[how][1]][item["key"]]
        for source in sources
        for how, what in source.items()
        if how in kept
        for item in what["items"]
    }


def _neutral_machine(service: Service):
    folder = str(MACHINE.stack.service(service.name))
    numbers = {str(number): name.split("/")[1] for name, number in PORTS.items()}
    names = {f"127.0.0.1:{number}": f"<{name}>" for name, number in PORTS.items()}

    def neutral(text: str) -> str:
        for there, name in names.items():
            own = name[1:-1].split("/")[0] == service.name
            text = text.replace(there, "<own>:" + name[1:-1].split("/")[1] if own else name)
        text = text.replace(f"{folder}/data", "<data>").replace(f"{folder}/config", "<config>")
        text = re.sub(r"\b2\d{4}\b", lambda match: numbers.get(match[0], match[0]), text)
        text = text.replace("127.0.0.1", "<own>")
        return text.replace(f"/tools/{service.command[0]}", "<home>")

    return neutral


def _neutral_cluster(service: Service):
    numbers = {"8080": "http", "8081": "grpc", "9090": "metrics"}

    def neutral(text: str) -> str:
        text = re.sub(
            r"([a-z-]+)\.mlops\.svc:(\d+)",
            lambda match: (
                f"<own>:{numbers[match[2]]}"
                if match[1] == service.name
                else f"<{match[1]}/{numbers[match[2]]}>"
            ),
            text,
        )
        text = re.sub(r"(?<![\w>])/(data|config)\b", r"<\1>", text)
        text = re.sub(r"\b(8080|8081|9090)\b", lambda match: numbers[match[0]], text)
        return text.replace("0.0.0.0", "<own>").replace("/usr/share/grafana", "<home>")  # noqa: S104 - compared only

    return neutral


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_both_targets_run_the_same(service: Service) -> None:
    """Argv, environment, files, ports and health, to the letter."""
    assert in_a_cluster(service) == on_a_machine(service)


@pytest.mark.parametrize("sign", " #;%?*[]'\"$&")
def test_an_odd_sign_of_the_folder_is_in_no_text_of_a_service(sign: str) -> None:
    """Each syntax would take another one for its own; so paths are given from where it works."""
    machine = Machine(StackDir(Path(f"/a{sign}b/stack")), PORTS, TOOLS)

    for service in SERVICES:
        texts = [
            *spec(machine, service, Processes())["argv"],
            *filled(machine, service, service.environment, SECRETS).values(),
            *filled(machine, service, service.files, SECRETS).values(),
        ]
        assert [text for text in texts if f"/a{sign}b" in text] == []
