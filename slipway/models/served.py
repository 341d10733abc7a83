"""What the model server says of itself: ready or not, each slot's version, what it refused.

Readiness is what a load balancer is told. It asks the server, and Prometheus for failures; it
never raises: a server that does not answer is not ready.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from contracts.metrics import INFERENCE_REQUESTS
from contracts.slots import CHAMPION
from infra.errors import SlipwayError
from infra.services.serving import NAME
from infra.wiring.monitoring_inputs import PROMETHEUS
from slipway.stack.running import succeeded

if TYPE_CHECKING:
    from slipway.stack.running import Running

ERROR_MINUTES: Final = 5
"""Over how many minutes failures are counted."""

_ALL = f"sum(rate({INFERENCE_REQUESTS}[{ERROR_MINUTES}m]))"
_FAILED = f'sum(rate({INFERENCE_REQUESTS}{{code=~"5.."}}[{ERROR_MINUTES}m]))'


@dataclass(frozen=True)
class Refused:
    """A version that was released and not taken into service: at which step, and what is wrong."""

    version: str
    reason: str
    error: str


@dataclass(frozen=True)
class ServedSlot:
    """A slot: the version in service, "" without one; what was released to it and refused."""

    slot: str
    version: str
    refused: Refused | None


@dataclass(frozen=True)
class Served:
    """The model server as its callers meet it.

    `trouble` is why it is not ready. `error_share` is the share of the infer requests of the last
    minutes that failed by our fault (5xx), 0 to 1; None where there were none, or nobody knows.
    """

    ready: bool
    trouble: str
    model: str
    slots: tuple[ServedSlot, ...]
    error_share: float | None

    @property
    def untrained(self) -> bool:
        """Whether all that is wrong is that no model was released yet."""
        champions = [slot for slot in self.slots if slot.slot == CHAMPION]
        return not self.ready and any(not (x.version or x.refused) for x in champions)


def ask(running: Running) -> Served:
    """Ask the model server of a stack, wherever it runs."""
    try:
        answer = running.ask(NAME, "/v2/health/ready")
        model, placed = slots(running)
    except SlipwayError as error:
        return Served(
            ready=False, trouble=str(error), model="", slots=(), error_share=_failures(running)
        )
    return Served(
        ready=answer.is_success,
        trouble="" if answer.is_success else _reason(answer),
        model=model,
        slots=placed,
        error_share=_failures(running),
    )


def slots(running: Running) -> tuple[str, tuple[ServedSlot, ...]]:
    """The served model's name, and what is in each of its slots.

    Raises:
        SlipwayError: the server does not answer, or with an error.
    """
    answer = running.ask(NAME, "/v2/slots")
    # A server of before this path is there says its readiness alone.
    if answer.status_code == httpx.codes.NOT_FOUND:
        return "", ()
    body = succeeded(answer).json()
    return body["model"], tuple(
        ServedSlot(
            slot=slot["slot"],
            version=slot["version"],
            refused=Refused(**slot["refused"]) if slot["refused"] else None,
        )
        for slot in body["slots"]
    )


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"it answers {answer.status_code}"


def _failures(running: Running) -> float | None:
    """The share of failed requests, by Prometheus; None where it is somebody else's, or silent."""
    if PROMETHEUS not in running.services:
        return None
    query = f"({_FAILED} or 0 * {_ALL}) / {_ALL}"
    try:
        answer = running.ask(PROMETHEUS, "/api/v1/query", params={"query": query})
        result: list[dict[str, Any]] = succeeded(answer).json()["data"]["result"]
    except (SlipwayError, ValueError, KeyError):
        return None
    shares = [float(sample["value"][1]) for sample in result]
    return next((share for share in shares if not math.isnan(share)), None)
