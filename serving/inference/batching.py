"""Batches the requests that are there at the same time: natural batching, without waiting.

Owns when batched requests are scored: at the end of the event loop's current turn, in which all
that came in were read, each model's in one run. So a batch is as large as the load makes it, and
no request waits for a timer. The results are the caller's business. Must be used on the event loop
only.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from serving.models.scoring import Job, Results, score, score_batch

_MAX_ROWS = 256
"""Rows of one run: beyond, a run's cost is in its rows, and the first would wait for the last."""


class HasJob(Protocol):
    """A request that was read."""

    @property
    def job(self) -> Job:
        """What is to be scored."""


Pending = TypeVar("Pending", bound=HasJob)
Response = TypeVar("Response")


class Batcher(Generic[Pending, Response]):
    """The requests of one worker that are about to be scored."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ran: Callable[[int], None],
        respond: Callable[[Sequence[Pending], Sequence[Results]], Sequence[Response]],
    ) -> None:
        """Score on `loop`.

        Args:
            loop: the worker's.
            ran: called with the rows of each run of a graph.
            respond: makes the responses to requests that were scored in one run, in their order.
        """
        self._loop = loop
        self._ran = ran
        self._respond = respond
        self._waiting: dict[int, list[tuple[Pending, asyncio.Future[Response]]]] = {}

    @property
    def depth(self) -> int:
        """Requests that wait."""
        return sum(map(len, self._waiting.values()))

    def submit(self, request: Pending) -> asyncio.Future[Response]:
        """Score a request together with those that come in the same turn of the loop.

        The future raises RequestError: 422, as in `scoring.score`.
        """
        if not self._waiting:
            self._loop.call_soon(self._turn)
        future: asyncio.Future[Response] = self._loop.create_future()
        self._waiting.setdefault(id(request.job.model), []).append((request, future))
        return future

    def _turn(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for entries in waiting.values():
            for part in _parts(entries):
                current = [entry for entry in part if not entry[1].done()]
                if current and not self._try_batch(current):
                    for entry in current:
                        self._score_one(*entry)

    def _try_batch(self, entries: list[tuple[Pending, asyncio.Future[Response]]]) -> bool:
        jobs = [request.job for request, _ in entries]
        try:
            results = score_batch(jobs)
        except Exception:  # noqa: BLE001  # one is at fault; scored singly, the others are answered
            return False
        self._ran(sum(job.rows for job in jobs))
        try:
            responses = self._respond([request for request, _ in entries], results)
        except Exception as error:  # noqa: BLE001  # handed to the callers
            for _, future in entries:
                future.set_exception(error)
            return True
        for (_, future), response in zip(entries, responses, strict=True):
            future.set_result(response)
        return True

    def _score_one(self, request: Pending, future: asyncio.Future[Response]) -> None:
        try:
            results = score(request.job)
            self._ran(request.job.rows)
            [response] = self._respond([request], [results])
        except Exception as error:  # noqa: BLE001  # handed to the callers
            future.set_exception(error)
        else:
            future.set_result(response)


def _parts(
    entries: list[tuple[Pending, asyncio.Future[Response]]],
) -> list[list[tuple[Pending, asyncio.Future[Response]]]]:
    """The entries in their order, in parts of at most `_MAX_ROWS` rows."""
    parts: list[list[tuple[Pending, asyncio.Future[Response]]]] = [[]]
    rows = 0
    for entry in entries:
        rows += entry[0].job.rows
        if rows > _MAX_ROWS:
            parts.append([])
            rows = entry[0].job.rows
        parts[-1].append(entry)
    return parts
