"""Shapley values by permutation sampling, of any function that scores rows.

Owns the arithmetic: which mixtures of a row and the background rows are scored, and how their
scores become contributions. Models, requests and outputs are the business of `explain`.

For each background row some orders of the features are walked: the row's features replace the
background row's one after another, and each gets the change that its step made. The changes of one
walk add up to f(row) - f(background row) whatever the order, so their means over all walks add up
to f(row) - mean f(background). Every order is walked backwards too, which makes the means exact
where no more than two features interact.

Sources: Strumbelj and Kononenko 2014 (https://doi.org/10.1007/s10115-013-0679-x), sampling;
Lundberg and Lee 2017 (https://arxiv.org/abs/1705.07874), contributions against a background;
Mayer and Wuthrich 2025 (https://arxiv.org/abs/2508.12947), orders in pairs.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from serving.protocol.tensors import Array

Columns = dict[str, Array]
"""Rows as arrays [rows, width] by input name; features are their columns, in order."""
Score = Callable[[Columns], Array]
"""Scores rows: FP64 [rows, values]."""

_FEW = 8
"""So many features have more orders than the configuration allows."""
_AT_ONCE = 1024
"""Mixtures that are built and scored in one run: more are no faster, and the event loop waits while
their texts are handed over, which holds the interpreter."""


class ShapleyValues(NamedTuple):
    """The explanation of some rows.

    Attributes:
        base: mean score of the background rows, [values].
        contributions: [rows, features, values]; summed over features and with `base` added they
            are the rows' scores.
    """

    base: Array
    contributions: Array


class _Walks(NamedTuple):
    """The steps of all walks of some rows, [rows, background rows, orders, features] each.

    Attributes:
        fresh: whether the step reaches a mixture that is neither end of its walk nor the one
            before: a feature that is equal in both rows changes nothing.
        before: where the score before the step is, in the row of all scores.
        after: likewise after it.
    """

    fresh: Array
    before: Array
    after: Array


@lru_cache(maxsize=16)
def orders(features: int, background: int, permutations: int) -> Array:
    """Orders of the features for each background row, [background, orders, features].

    All that there are, if these are no more than `permutations`; else half as many, drawn for each
    background row anew, and each of them backwards. The same arguments give the same orders.
    """
    if math.factorial(min(features, _FEW)) <= permutations:
        drawn = np.array(list(itertools.permutations(range(features))))
        return _frozen(np.tile(drawn, (background, 1, 1)))
    numbers = np.tile(np.arange(features), (background, permutations // 2, 1))
    half = np.random.default_rng(permutations).permuted(numbers, axis=-1)
    return _frozen(np.concatenate([half, half[..., ::-1]], axis=1))


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array


def shapley(score: Score, rows: Columns, background: Columns, walked: Array) -> ShapleyValues:
    """Contributions of every feature to every row's score.

    Args:
        score: called with mixtures of both, a thousand rows at a time.
        rows: the rows to explain.
        background: the rows to compare with, of the same columns.
        walked: the orders of features, from `orders`.
    """
    base = score(background)
    count = len(next(iter(rows.values())))
    size = max(1, _AT_ONCE // walked.size)
    parts = []
    for start in range(0, count, size):
        part = {name: array[start : start + size] for name, array in rows.items()}
        parts.append(_contributions(score, part, background, walked, base))
    return ShapleyValues(base.mean(axis=0), np.concatenate(parts))


def _contributions(
    score: Score, rows: Columns, background: Columns, walked: Array, base: Array
) -> Array:
    ends = score(rows)
    walks = _walks(_differences(rows, background), walked)
    ranks = np.argsort(walked, axis=-1)
    mixed = [score(mixture) for mixture in _mixtures(rows, background, ranks, walks.fresh)]
    scores = np.concatenate([base, ends, *mixed])
    changes = scores[walks.after] - scores[walks.before]
    by_feature = np.take_along_axis(changes, ranks[None, ..., None], axis=3)
    mean: Array = by_feature.mean(axis=(1, 2))
    return mean


def _differences(rows: Columns, background: Columns) -> Array:
    """Whether a row differs from a background row in a feature, [rows, background, features]."""
    differences = []
    for name, array in rows.items():
        one, other = array[:, None], background[name][None]
        differs = one != other
        if array.dtype.kind == "f":
            differs &= ~(np.isnan(one) & np.isnan(other))
        differences.append(differs.astype(bool))
    return np.concatenate(differences, axis=-1)


def _walks(differs: Array, walked: Array) -> _Walks:
    """Number the scores: those of the background, then the rows', then of each fresh mixture."""
    rows, background, _ = differs.shape
    moved = np.take_along_axis(differs[:, :, None], walked[None], axis=-1)
    count = moved.cumsum(axis=-1)
    total = count[..., -1:]
    fresh = moved & (count < total)
    start = np.arange(background)[None, :, None, None]
    end = background + np.arange(rows)[:, None, None, None]
    mixture = background + rows - 1 + fresh.cumsum().reshape(fresh.shape)
    after = np.where(count == total, end, np.where(count == 0, start, mixture))
    first = np.broadcast_to(start, (*fresh.shape[:-1], 1))
    return _Walks(fresh, np.concatenate([first, after[..., :-1]], axis=-1), after)


def _mixtures(rows: Columns, background: Columns, ranks: Array, fresh: Array) -> Iterator[Columns]:
    """The rows of all fresh steps, in their order: the row's features so far, else the other's."""
    places = np.nonzero(fresh)
    for begin in range(0, len(places[0]), _AT_ONCE):
        row, other, order, step = (place[begin : begin + _AT_ONCE] for place in places)
        taken = ranks[other, order] <= step[:, None]
        mixture, column = {}, 0
        for name, array in rows.items():
            width = array.shape[1]
            columns = taken[:, column : column + width]
            mixture[name] = np.where(columns, array[row], background[name][other])
            column += width
        yield mixture
