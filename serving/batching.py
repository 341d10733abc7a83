"""Puts requests together that are there at the same time: natural batching, without waiting.

Owns when jobs are scored. A request that is alone is scored at once. While others are in hand, jobs
wait for the end of the event loop's current turn, in which all that came in were read, and each
model's are scored in one run. So a batch is as large as the load makes it, and nobody waits for a
timer. Must be used on the event loop only.
"""

import asyncio
from collections.abc import Callable, Sequence

from serving.inference import Job, Results, alone, together
from serving.model import Model

_MOST_ROWS = 256
"""Rows of one run: beyond, a run's cost is in its rows, and the first would wait for the last."""

_Entry = tuple[Job, asyncio.Future[Results]]
_Waiting = dict[Model, list[_Entry]]
Observe = Callable[[int], None]
"""Told the rows of each run."""


class Batcher:
    """The jobs of one worker that are about to be scored."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ran: Observe) -> None:
        """Score on `loop`; `ran` is told the rows of each run of a graph."""
        self._loop = loop
        self._ran = ran
        self._waiting: _Waiting = {}

    @property
    def depth(self) -> int:
        """Jobs that wait."""
        return sum(map(len, self._waiting.values()))

    def now(self, job: Job) -> Results:
        """Score a job at once.

        Raises:
            RequestError: 422, as in `inference.alone`.
        """
        self._ran(job.rows)
        return alone(job)

    def soon(self, job: Job) -> asyncio.Future[Results]:
        """Score a job together with those that come in the same turn of the loop.

        The future raises RequestError: 422, as in `inference.alone`.
        """
        if not self._waiting:
            self._loop.call_soon(self._turn)
        future: asyncio.Future[Results] = self._loop.create_future()
        self._waiting.setdefault(job.model, []).append((job, future))
        return future

    def _turn(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for entries in waiting.values():
            for part in _parts(entries):
                self._score(part)

    def _score(self, entries: Sequence[_Entry]) -> None:
        entries = [entry for entry in entries if not entry[1].done()]
        if len(entries) < 2 or not self._scored_together(entries):  # noqa: PLR2004  # two or more
            for job, future in entries:
                self._scored_alone(job, future)

    def _scored_together(self, entries: Sequence[_Entry]) -> bool:
        jobs = [job for job, _ in entries]
        try:
            results = together(jobs)
        except Exception:  # noqa: BLE001  # one is at fault; each alone shows whose fault it is
            return False
        self._ran(sum(job.rows for job in jobs))
        for (_, future), result in zip(entries, results, strict=True):
            future.set_result(result)
        return True

    def _scored_alone(self, job: Job, future: asyncio.Future[Results]) -> None:
        try:
            future.set_result(self.now(job))
        except Exception as error:  # noqa: BLE001  # handed to whoever waits
            future.set_exception(error)


def _parts(
    entries: list[_Entry],
) -> list[list[_Entry]]:
    """The entries in their order, in parts of at most `_MOST_ROWS` rows."""
    parts: list[list[_Entry]] = [[]]
    rows = 0
    for entry in entries:
        rows += entry[0].rows
        if rows > _MOST_ROWS:
            parts.append([])
            rows = entry[0].rows
        parts[-1].append(entry)
    return parts
