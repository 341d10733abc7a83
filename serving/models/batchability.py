"""Whether requests to a model gain from batches: measured, when it is loaded.

Owns the measurement: the same rows scored singly and in one run must give the same, and the one run
must be faster by a margin. A graph whose rows touch each other, or whose cost is all in its rows,
is scored request by request.
"""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from serving.errors import RequestError
from serving.models.model import Model
from serving.models.scoring import Job, score, score_batch
from serving.protocol.tensors import ANY, Array, Values

_JOBS = 16
_ROUNDS = 5
_GAIN = 1.2
"""How many times faster the one run must be."""
_SLOW = 0.02
"""Seconds of one row beyond which measuring takes too long, and a call's own cost is nothing."""
_CLOSE = 1e-5
"""Relative difference of outputs that other kernels for other sizes may bring about."""


def with_batchability(model: Model, example: Job) -> Model:
    """The model, marked as batchable where that is right and faster.

    Args:
        model: a model that has scored the example.
        example: a request of one row. Other rows are derived from it with other numbers, so that a
            graph that mixes rows is noticed.
    """
    if not _can(model) or _seconds(example) > _SLOW:
        return model
    jobs = [_varied(example, number) for number in range(_JOBS)]
    try:
        return replace(model, batchable=_same(jobs) and _faster(jobs))
    except (RequestError, OverflowError, FloatingPointError):
        return model  # the varied rows are beyond a datatype, or what the graph takes


def _seconds(job: Job) -> float:
    begin = time.perf_counter()
    score(job)
    return time.perf_counter() - begin


def _varied(example: Job, number: int) -> Job:
    values: dict[str, Values] = {
        name: [_other(value, number) for value in column] for name, column in example.values.items()
    }
    return replace(example, values=values)


def _other(value: Any, number: int) -> Any:
    return value + number % 5 if type(value) in {int, float} else value


def _can(model: Model) -> bool:
    outputs = [spec.shape for spec in model.signature.outputs]
    return bool(model.blocks) and all(shape[:1] == (ANY,) for shape in outputs)


def _same(jobs: list[Job]) -> bool:
    pairs = zip(score_batch(jobs), map(score, jobs), strict=True)
    return all(_close(joined[name], single[name]) for joined, single in pairs for name in single)


def _close(one: Array, other: Array) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind != "f":
        return bool((one == other).all())
    return bool(np.allclose(one, other, rtol=_CLOSE, atol=_CLOSE, equal_nan=True))


def _faster(jobs: list[Job]) -> bool:
    one_by_one, at_once = [], []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        for job in jobs:
            score(job)
        middle = time.perf_counter()
        score_batch(jobs)
        one_by_one.append(middle - begin)
        at_once.append(time.perf_counter() - middle)
    return min(one_by_one) > _GAIN * min(at_once)
