"""What it costs to build all objects of a stack with many tenants. Nothing is deployed."""

from __future__ import annotations

import gc
import time
import tracemalloc
from dataclasses import dataclass

from infra.description import describe
from infra.settings.tree import Settings
from infra.targets.kubernetes import objects
from infra.targets.kubernetes.render_context import Manifest, RenderContext

COUNTS = (1, 10, 100)
_REPEATS = 3


@dataclass(frozen=True)
class Cost:
    """Of one number of tenants: objects, seconds, and MiB at the peak."""

    tenants: int
    objects: int
    seconds: float
    mebibytes: float


def measure() -> list[Cost]:
    """From settings to plain objects, with what other builds leave behind done before."""
    _build(1)
    return [_cost(count) for count in COUNTS]


def _cost(tenants: int) -> Cost:
    # Apart: tracing makes everything slower.
    seconds = min(_seconds(tenants) for _ in range(_REPEATS))
    gc.collect()
    tracemalloc.start()
    made = _build(tenants)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return Cost(tenants, len(made), seconds, peak / 2**20)


def _seconds(tenants: int) -> float:
    start = time.perf_counter()
    _build(tenants)
    return time.perf_counter() - start


def _build(tenants: int) -> list[Manifest]:
    target = {"kind": "existing", "context": "none"}
    names = [{"name": f"tenant-{number}", "members": ["ada"]} for number in range(tenants)]
    described = describe(Settings.model_validate({"target": target, "tenants": names}))
    secrets = dict.fromkeys(described.secrets, "x" * 40)
    context = RenderContext("slipway", "benchmark")
    services = list(described.services)
    return objects.of_platform(services, context, secrets, described.steps, described.tenants)


def page(costs: list[Cost]) -> str:
    """The part of docs/benchmarks.md."""
    first, last = costs[0], costs[-1]
    count = last.tenants - first.tenants
    rows = [
        f"| {each.tenants} | {each.objects} | {each.seconds * 1000:.0f} | {each.mebibytes:.1f} |"
        for each in costs
    ]
    milliseconds = (last.seconds - first.seconds) / count * 1000
    further = (last.objects - first.objects) / count
    kibibytes = (last.mebibytes - first.mebibytes) / count * 2**10
    return "\n".join(
        [
            "## Tenants\n",
            "From settings to all objects of a stack on Kubernetes, nothing deployed. Each further",
            f"tenant costs {milliseconds:.1f} ms, {kibibytes:.0f} KiB and {further:.0f} objects.\n",
            "| tenants | objects | ms | MiB at the peak |\n|---|---|---|---|",
            *rows,
            "",
        ]
    )
