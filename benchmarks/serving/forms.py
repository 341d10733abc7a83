"""What Slipway's own forms and options cost: one row, one worker, the flight model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.serving import bodies, contestants, grpc_client
from benchmarks.serving.rounds import WARM_UP, median
from benchmarks.serving.stage import stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.serving.bodies import Body
    from benchmarks.serving.client import Figures
    from benchmarks.serving.models import Model

JSON = "JSON, prediction log on"
EXPLAINED = "JSON with an explanation"
GRPC = "gRPC, by a client in Python, which bounds it"
UNLOGGED = "JSON, prediction log off"


@dataclass(frozen=True)
class Form:
    """How a row is sent, and the answer read."""

    body: Callable[[Model], Body]
    read: Callable[[bytes], list[float]]
    connections: int = 16


_USUAL = Form(lambda model: bodies.protocol(model, 1), bodies.of_protocol)
_FORMS = {
    JSON: _USUAL,
    "rows of named fields": Form(lambda model: bodies.named_rows(model, 1), bodies.of_rows),
    "binary tensors": Form(lambda model: bodies.binary(model, 1), bodies.of_protocol),
    EXPLAINED: Form(
        lambda model: bodies.protocol(model, 1, parameters={"explain": True}),
        bodies.of_explained,
        connections=4,
    ),
}


def connections(name: str) -> int:
    """How many connections a form is measured with.

    Explanations take few: a worker refuses more than it makes in a second or so.
    """
    return _FORMS.get(name, _USUAL).connections


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
        stand.load(_USUAL.body(model), _USUAL.connections, WARM_UP)
        for name, form in _FORMS.items():
            stand.check(form.body(model), 1, form.read)
            found[name] = stand.load(form.body(model), form.connections, seconds)
        port = stand.place.ports[1]
        found[GRPC] = grpc_client.load(port, model, _USUAL.connections, seconds, stand.split)
    with stage(contestants.UNLOGGED, model, 1, upstream) as stand:
        stand.load(_USUAL.body(model), _USUAL.connections, WARM_UP)
        found[UNLOGGED] = stand.load(_USUAL.body(model), _USUAL.connections, seconds)
    return found
