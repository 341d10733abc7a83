"""Panels about serving's slots: which version is in each, and what each gets of the traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.metrics import (
    CHALLENGER_WEIGHT,
    INFERENCE_REQUESTS,
    MODEL_INFO,
    MODEL_LOAD_FAILURES,
    MODEL_LOAD_SECONDS,
    MODEL_READY,
    MODEL_SWAPS,
    POLL_FAILURES,
    SHADOW_PREDICTIONS,
)
from contracts.slots import CHALLENGER
from monitoring.counters import counted
from monitoring.dashboards.defaults import RATE, Query, plot
from monitoring.serving_alerts import SLOT_ERRORS

if TYPE_CHECKING:
    from monitoring.dashboards.defaults import Panel


def version() -> Panel:
    """Which version answers."""
    return plot(
        "Version in each slot",
        "1 while a version of the model is in a slot.",
        "none",
        Query(f"max by (slot, version) ({MODEL_INFO})", "{{slot}}: version {{version}}"),
    )


def ready() -> Panel:
    """Whether there is a model at all."""
    return plot(
        "Ready",
        "1 while every worker has a model; NoModelServed fires after 10 minutes at 0.",
        "none",
        Query(MODEL_READY, "{{model}}"),
    )


def releases() -> Panel:
    """What became of releases."""
    swaps = f"sum by (slot) ({counted(MODEL_SWAPS, '10m')})"
    failures = counted(MODEL_LOAD_FAILURES, "10m")
    refused = f"sum by (slot, reason) ({failures}) > 0"
    return plot(
        "Releases taken and refused",
        "Models that workers took into service, and refused ones with the reason, in 10 minutes.",
        "none",
        Query(swaps, "{{slot}}: taken"),
        Query(refused, "{{slot}} refused: {{reason}}"),
    )


def poll_failures() -> Panel:
    """Whether the model registry answers."""
    return plot(
        "Unanswered looks at the aliases",
        "Times in 5 minutes that the model registry did not answer serving's question.",
        "none",
        Query(f"sum({counted(POLL_FAILURES, '5m')})", "unanswered"),
    )


def weight() -> Panel:
    """How traffic is meant to be split, and how it is."""
    asked = f"rate({INFERENCE_REQUESTS}[{RATE}])"
    challenger = f'rate({INFERENCE_REQUESTS}{{slot="{CHALLENGER}"}}[{RATE}])'
    return plot(
        "Challenger's share",
        "Of routing keys, as set by `slipway traffic`; and of infer requests, as seen.",
        "percentunit",
        Query(f"max by (model) ({CHALLENGER_WEIGHT})", "set"),
        Query(f"sum by (model) ({challenger}) / sum by (model) ({asked})", "seen"),
    )


def requests() -> Panel:
    """What each slot answers."""
    return plot(
        "Infer requests by slot",
        "Answers by the slot that gave them; the shadow scores what the champion answered.",
        "reqps",
        Query(f"sum by (slot) (rate({INFERENCE_REQUESTS}[{RATE}]))", "{{slot}}"),
        Query(f"sum(rate({SHADOW_PREDICTIONS}[{RATE}]))", "shadow, scored later"),
    )


def errors() -> Panel:
    """Which slot fails."""
    return plot(
        "Failed by slot",
        "Share of a slot's infer requests that failed by our fault, over 10 minutes.",
        "percentunit",
        Query(SLOT_ERRORS, "{{slot}}"),
    )


def load_time() -> Panel:
    """How long a model takes to come into service."""
    return plot(
        "Load time",
        "From a release being seen to its model being warm, the last of each slot.",
        "s",
        Query(f"max by (slot) ({MODEL_LOAD_SECONDS})", "{{slot}}"),
    )
