"""What the platform on Kubernetes requests, by the settings it ships with; nothing is started."""

from __future__ import annotations

from dataclasses import dataclass

from infra.description import describe
from infra.settings.reading import parse

_CPU_GOAL, _MEMORY_GOAL = 600, 2048  # millicores, MiB
# By the Kubeflow distribution's own page on resources.
_OTHERS = (
    ("Kubeflow, the whole distribution", 4380, 12_341),
    ("of it, Kubeflow Pipelines alone", 970, 3552),
)


@dataclass(frozen=True)
class Requests:
    """CPU in millicores and memory in MiB that a service's pods request at the least."""

    service: str
    role: str
    cpu: int
    memory: int


def measure() -> list[Requests]:
    """The requests of each service of a stack with everything in it, Grafana included."""
    settings = parse({"target": {"kind": "existing", "context": "any"}}, source="footprint")
    return [
        Requests(
            service.name,
            service.role,
            service.resources.cpu * service.scaling.min,
            service.resources.memory * service.scaling.min,
        )
        for service in describe(settings).services
    ]


def page(requests: list[Requests]) -> str:
    """The part of docs/benchmarks.md."""
    cpu, memory = (sum(getattr(each, what) for each in requests) for what in ("cpu", "memory"))
    rows = [f"| {each.service} | {each.cpu} | {each.memory} |" for each in requests]
    others = [
        f"| {name} | {theirs_cpu} | {theirs_memory} | {theirs_cpu / cpu:.1f}x |"
        f" {theirs_memory / memory:.1f}x |"
        for name, theirs_cpu, theirs_memory in _OTHERS
    ]
    return "\n".join(
        [
            "## What the platform on Kubernetes requests\n",
            "With its own database, object store, pipelines, logs and Grafana, as it ships. The",
            f"goal is {_CPU_GOAL}m and {_MEMORY_GOAL} MiB.\n",
            "| | CPU, m | memory, MiB | of our CPU | of our memory |\n|---|---|---|---|---|",
            f"| **this platform** | **{cpu}** | **{memory}** | 1.0x | 1.0x |",
            *others,
            "\n| service | CPU, m | memory, MiB |\n|---|---|---|",
            *rows,
            "",
        ]
    )
