"""Explanations beside the event loop, of one worker.

Owns the thread that computes them, how many may wait for it, and what is counted. One thread, as
explaining is pure computing: two would take the loop's core twice and end no sooner.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import CollectorRegistry, Counter, Histogram

from contracts.metrics import EXPLANATION_SECONDS, EXPLANATIONS
from serving.config import Explanations
from serving.errors import RequestError
from serving.explanation.explain import ExplainedOutput, explain
from serving.models.scoring import Job, arrays_of

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_WAITING = 8
"""Requests for explanations that one worker has in hand; a second or so of work."""


class Explainer:
    """Explains requests, one after another."""

    def __init__(self, model: str, budget: Explanations, registry: CollectorRegistry) -> None:
        """Explain within `budget`; count in `registry`, for the registered model's name."""
        self._budget = budget
        self._thread = ThreadPoolExecutor(1, "explaining")
        self._in_hand = 0
        self._rows = Counter(EXPLANATIONS, "Rows explained.", ["model"], registry=registry).labels(
            model
        )
        self._seconds = Histogram(
            EXPLANATION_SECONDS,
            "Time that the explanation of a request took, without its wait.",
            ["model"],
            buckets=_SECONDS,
            registry=registry,
        ).labels(model)

    async def explain(self, job: Job) -> list[ExplainedOutput]:
        """Explain the outputs of a scored job.

        Raises:
            RequestError: 429, with `retry-after`, where too many wait; 422 as `explain.explain`.
        """
        if self._in_hand >= _WAITING:
            raise RequestError(
                429,
                f"{_WAITING} requests for explanations are in hand, which is the most; try again "
                "later",
                (("retry-after", "1"),),
            )
        self._in_hand += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._explain, job)
        finally:
            self._in_hand -= 1

    def _explain(self, job: Job) -> list[ExplainedOutput]:
        begin = time.perf_counter()
        explained = explain(job.model, arrays_of(job), job.output_names, self._budget)
        self._seconds.observe(time.perf_counter() - begin)
        self._rows.inc(job.rows)
        return explained
