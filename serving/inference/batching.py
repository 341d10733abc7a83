"""Puts requests together that are there at the same time: natural batching, without waiting.

Owns when joined requests are scored: at the end of the event loop's current turn, in which all that
came in were read, each model's in one run. So a batch is as large as the load makes it, and nobody
waits for a timer. What the results become is the business of whoever asks. Must be used on the
event loop only.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from serving.models.scoring import Job, Results, alone, together

_MOST_ROWS = 256
"""Rows of one run: beyond, a run's cost is in its rows, and the first would wait for the last."""


class HasJob(Protocol):
    """A request that was read."""

    @property
    def job(self) -> Job:
        """What is to be scored."""


Asked = TypeVar("Asked", bound=HasJob)
Answer = TypeVar("Answer")


class Batcher(Generic[Asked, Answer]):
    """The requests of one worker that are about to be scored."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ran: Callable[[int], None],
        settle: Callable[[Sequence[Asked], Sequence[Results]], Sequence[Answer]],
    ) -> None:
        """Score on `loop`.

        Args:
            loop: the worker's.
            ran: told the rows of each run of a graph.
            settle: makes the answers of requests that were scored in one run, in their order.
        """
        self._loop = loop
        self._ran = ran
        self._settle = settle
        self._waiting: dict[int, list[tuple[Asked, asyncio.Future[Answer]]]] = {}

    @property
    def depth(self) -> int:
        """Requests that wait."""
        return sum(map(len, self._waiting.values()))

    def soon(self, asked: Asked) -> asyncio.Future[Answer]:
        """Score a request together with those that come in the same turn of the loop.

        The future raises RequestError: 422, as in `inference.alone`.
        """
        if not self._waiting:
            self._loop.call_soon(self._turn)
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting.setdefault(id(asked.job.model), []).append((asked, future))
        return future

    def _turn(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for entries in waiting.values():
            for part in _parts(entries):
                here = [entry for entry in part if not entry[1].done()]
                if here and not self._scored_together(here):
                    for entry in here:
                        self._scored_alone(*entry)

    def _scored_together(self, entries: list[tuple[Asked, asyncio.Future[Answer]]]) -> bool:
        jobs = [asked.job for asked, _ in entries]
        try:
            results = together(jobs)
        except Exception:  # noqa: BLE001  # one is at fault; each alone shows whose fault it is
            return False
        self._ran(sum(job.rows for job in jobs))
        try:
            answers = self._settle([asked for asked, _ in entries], results)
        except Exception as error:  # noqa: BLE001  # handed to whoever waits
            for _, future in entries:
                future.set_exception(error)
            return True
        for (_, future), answer in zip(entries, answers, strict=True):
            future.set_result(answer)
        return True

    def _scored_alone(self, asked: Asked, future: asyncio.Future[Answer]) -> None:
        try:
            results = alone(asked.job)
            self._ran(asked.job.rows)
            [answer] = self._settle([asked], [results])
        except Exception as error:  # noqa: BLE001  # handed to whoever waits
            future.set_exception(error)
        else:
            future.set_result(answer)


def _parts(
    entries: list[tuple[Asked, asyncio.Future[Answer]]],
) -> list[list[tuple[Asked, asyncio.Future[Answer]]]]:
    """The entries in their order, in parts of at most `_MOST_ROWS` rows."""
    parts: list[list[tuple[Asked, asyncio.Future[Answer]]]] = [[]]
    rows = 0
    for entry in entries:
        rows += entry[0].job.rows
        if rows > _MOST_ROWS:
            parts.append([])
            rows = entry[0].job.rows
        parts[-1].append(entry)
    return parts
