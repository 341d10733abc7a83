"""Panels about predictions: their log, their values, the shadow, and the features they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.metrics import (
    FEATURE_MISSING,
    FEATURE_OUT_OF_RANGE,
    LOG_DELAY_SECONDS,
    LOG_DROPPED,
    LOG_FAILURES,
    LOG_PENDING_BYTES,
    LOG_RECORDS,
    LOG_SHIPPED,
    PREDICTION_VALUE,
    SHADOW_DIFFERENCE,
    SHADOW_PREDICTIONS,
    SHADOW_SKIPPED,
)
from monitoring.dashboards.defaults import RATE, Query, plot

if TYPE_CHECKING:
    from monitoring.dashboards.defaults import Panel

_MOST_FEATURES = 10
_QUANTILES = (0.1, 0.5, 0.9)


def logged() -> Panel:
    """What is kept, and what is not."""
    records = f"sum by (kind) (rate({LOG_RECORDS}[{RATE}]))"
    return plot(
        "Logged and dropped",
        "Predictions and labels acknowledged to the log, and predictions that are answered only.",
        "suffix: /s",
        Query(records, "{{kind}}"),
        Query(f"sum(rate({LOG_DROPPED}[{RATE}]))", "dropped"),
    )


def shipped() -> Panel:
    """What reaches the tables."""
    return plot(
        "Shipped to the tables",
        "Rows appended to each Delta table, and appends that the store did not take.",
        "suffix: /s",
        Query(f"sum by (table) (rate({LOG_SHIPPED}[{RATE}]))", "{{table}}"),
        Query(
            f"sum by (table) (rate({LOG_FAILURES}[{RATE}]))",
            "{{table}} failed",
        ),
    )


def waiting() -> Panel:
    """What is on disk only."""
    return plot(
        "Waiting for the tables",
        "What the journal holds; at its bound predictions are not logged any more.",
        "bytes",
        Query(f"max by (instance) ({LOG_PENDING_BYTES})", "{{instance}}"),
    )


def delay() -> Panel:
    """How late the tables are."""
    return plot(
        "Delay of the tables",
        "Age of the oldest prediction that waits; PredictionLogStalled fires from 120 s on.",
        "s",
        Query(f"max by (instance) ({LOG_DELAY_SECONDS})", "{{instance}}"),
    )


def values() -> Panel:
    """What is predicted."""
    rates = f"sum by (slot, output, le) (rate({PREDICTION_VALUE}_bucket[{RATE}]))"
    return plot(
        "Predictions",
        "What each slot answers: 1 in 10 below, median, 1 in 10 above.",
        "none",
        *(
            Query(
                f"histogram_quantile({quantile:g}, {rates})",
                f"{{{{slot}}}} {{{{output}}}} p{quantile * 100:g}",
            )
            for quantile in _QUANTILES
        ),
    )


def shadow_difference() -> Panel:
    """How far the shadow is from the champion."""
    rates = f"sum by (le) (rate({SHADOW_DIFFERENCE}_bucket[{RATE}]))"
    return plot(
        "Shadow against champion",
        "How far apart the two are on the same rows: median, 9 in 10, 99 in 100.",
        "none",
        *(
            Query(f"histogram_quantile({quantile:g}, {rates})", f"p{quantile * 100:g}")
            for quantile in (0.5, 0.9, 0.99)
        ),
    )


def shadow_scored() -> Panel:
    """Whether the shadow keeps up."""
    return plot(
        "Shadow's predictions",
        "Requests that the shadow scored after their answer, and those it left out to keep up.",
        "reqps",
        Query(f"sum(rate({SHADOW_PREDICTIONS}[{RATE}]))", "scored"),
        Query(f"sum(rate({SHADOW_SKIPPED}[{RATE}]))", "left out"),
    )


def out_of_range() -> Panel:
    """Which features are not as in training."""
    return _features(
        "Out of range",
        "Values a second that training never saw: the ten features with most.",
        FEATURE_OUT_OF_RANGE,
    )


def missing() -> Panel:
    """Which features are not there."""
    return _features(
        "Missing",
        "Missing values a second: the ten features with most.",
        FEATURE_MISSING,
    )


def _features(title: str, description: str, counter: str) -> Panel:
    counted = f"sum by (feature) (rate({counter}[{RATE}]))"
    return plot(
        title,
        description,
        "suffix: /s",
        Query(f"topk({_MOST_FEATURES}, {counted} > 0)", "{{feature}}"),
    )
