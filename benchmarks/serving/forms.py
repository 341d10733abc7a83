"""What Slipway's own forms and options cost: one row, one worker, the flight model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.serving import bodies, contestants, grpc_client
from benchmarks.serving.rounds import WARM_UP, median
from benchmarks.serving.stage import stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.serving.bodies import Body
    from benchmarks.serving.client import Figures
    from benchmarks.serving.models import Model

CONNECTIONS = 16
JSON = "JSON, prediction log on"
EXPLAINED = "JSON, with an explanation"
_BODIES: dict[str, Callable[[Model], Body]] = {
    JSON: lambda model: bodies.protocol(model, 1),
    "rows of named fields": lambda model: bodies.named_rows(model, 1),
    "binary tensors": lambda model: bodies.binary(model, 1),
    EXPLAINED: lambda model: bodies.protocol(model, 1, parameters={"explain": True}),
}
_READERS = {"rows of named fields": bodies.of_rows}
_GRPC = "gRPC (a Python client, which bounds it)"
_UNLOGGED = "JSON, prediction log off"


def measure(rounds: int, seconds: int, model: Model, upstream: str) -> dict[str, Figures]:
    """Medians by form. Raises ContestantError and ClientError."""
    found: dict[str, list[Figures]] = {}
    for _ in range(rounds):
        for name, figures in _once(seconds, model, upstream).items():
            found.setdefault(name, []).append(figures)
    return {name: median(repeats) for name, repeats in found.items()}


def _once(seconds: int, model: Model, upstream: str) -> dict[str, Figures]:
    found = {}
    with stage(contestants.SLIPWAY, model, 1, upstream) as stand:
        stand.load(bodies.protocol(model, 1), CONNECTIONS, WARM_UP)
        for name, make in _BODIES.items():
            body = make(model)
            stand.check(body, 1, _READERS.get(name, bodies.of_protocol))
            found[name] = stand.load(body, CONNECTIONS, seconds)
        port = stand.place.ports[1]
        found[_GRPC] = grpc_client.load(port, model, CONNECTIONS, seconds, stand.split)
    with stage(contestants.UNLOGGED, model, 1, upstream) as stand:
        body = bodies.protocol(model, 1)
        stand.load(body, CONNECTIONS, WARM_UP)
        found[_UNLOGGED] = stand.load(body, CONNECTIONS, seconds)
    return found
