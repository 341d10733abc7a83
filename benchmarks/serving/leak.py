"""Whether memory is flat: a million requests to one worker, weighed as they go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.serving import bodies, contestants
from benchmarks.serving.stage import stage

if TYPE_CHECKING:
    from benchmarks.serving.models import Model

BOUND = 16.0
"""MiB a million requests of the processes that answer; losing 48 bytes a request would be 46."""
CONNECTIONS = 16
_SLICE_SECONDS = 2
_SETTLING = 0.2
"""Share of the requests in which arenas, buffers and code are still warming up."""


@dataclass(frozen=True)
class Leak:
    """What a server weighed.

    Attributes:
        requests: how many it answered in all.
        samples: requests answered so far, MiB of the processes that answer, MiB of the agent.
        errors: requests that were not answered with success.
    """

    requests: int
    samples: tuple[tuple[int, float, float], ...]
    errors: int

    @property
    def settled(self) -> list[tuple[int, float, float]]:
        """The samples after warming up."""
        return [each for each in self.samples if each[0] >= self.requests * _SETTLING]

    @property
    def slopes(self) -> tuple[float, float]:
        """MiB a million requests of both, by least squares over what is settled."""
        requests, *weights = np.array(self.settled).T
        answering, agent = (float(np.polyfit(requests / 1e6, each, 1)[0]) for each in weights)
        return answering, agent


def measure(requests: int, model: Model, upstream: str) -> Leak:
    """Answer at least `requests` of one row, with metrics and log.

    Raises:
        ContestantError: the server does not start.
        ClientError: wrk fails.
    """
    body, done, errors, samples = bodies.protocol(model, 1), 0, 0, []
    with stage(contestants.SLIPWAY, model, 1, upstream) as stand:
        while done < requests:
            figures = stand.load(body, CONNECTIONS, _SLICE_SECONDS)
            done, errors = done + figures.requests, errors + figures.errors
            answering = stand.server.mebibytes(agents=False)
            samples.append((done, answering, stand.server.mebibytes(agents=True)))
    return Leak(done, tuple(samples), errors)
