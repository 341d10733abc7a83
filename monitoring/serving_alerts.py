"""Alerts about the model server: its models, its load, and the log of its predictions."""

from __future__ import annotations

from contracts.metrics import (
    INFERENCE_REFUSALS,
    INFERENCE_REQUESTS,
    LOG_DELAY_SECONDS,
    LOG_DROPPED,
    MODEL_LOAD_FAILURES,
    MODEL_READY,
    POLL_FAILURES,
)
from contracts.slots import CHALLENGER, CHAMPION
from monitoring.alert import Alert, Recording

SLOT_ERRORS = "slot:slipway_inference_errors:ratio_rate10m"
"""Name of the series: share of a slot's infer requests that failed by our fault (5xx)."""
REFUSED = "model:slipway_inference_refusals:ratio_rate10m"
"""Name of the series: share of a model's infer requests that were refused as the caller's fault
(4xx), by reason."""

STALLED_SECONDS = 120
"""How late a prediction may be for its table; settings allow no flush that is half as slow."""


def recordings() -> list[Recording]:
    """What fails, by model and slot, and what is refused, by reason; nothing where none asked."""
    asked = f"sum by (model, slot) (rate({INFERENCE_REQUESTS}[10m]))"
    failed = f'sum by (model, slot) (rate({INFERENCE_REQUESTS}{{code=~"5.."}}[10m]))'
    refused = f"sum by (model, reason) (rate({INFERENCE_REFUSALS}[10m]))"
    of_all = f"sum by (model) (rate({INFERENCE_REQUESTS}[10m]))"
    return [
        Recording(SLOT_ERRORS, f"({failed} or 0 * {asked}) / {asked}"),
        Recording(REFUSED, f"{refused} / on (model) group_left () {of_all}"),
    ]


def alerts() -> list[Alert]:
    """All of them: models first, then load, then the log."""
    return [*_MODELS, *_LOAD, *_LOG]


# A champion that was not asked cannot fail: then the challenger's own share decides.
_CHALLENGER = f'max by (model) ({SLOT_ERRORS}{{slot="{CHALLENGER}"}})'
_CHAMPION = f'(max by (model) ({SLOT_ERRORS}{{slot="{CHAMPION}"}}) or 0 * {_CHALLENGER})'

_MODELS = (
    Alert(
        name="NoModelServed",
        expression=f"{MODEL_READY} == 0",
        hold="10m",
        severity="ticket",
        summary="the model server has had no model for 10 minutes",
    ),
    Alert(
        name="ModelRefused",
        expression=f"sum by (model, slot, reason) (increase({MODEL_LOAD_FAILURES}[10m])) > 0",
        hold="0s",
        severity="ticket",
        summary=(
            "what was released as {{ $labels.slot }} was refused ({{ $labels.reason }});"
            " the one before it serves on"
        ),
    ),
    Alert(
        name="ReleasesUnseen",
        expression=f"sum(increase({POLL_FAILURES}[5m])) > 0",
        hold="5m",
        severity="ticket",
        summary="the model server cannot ask the model registry which version is released",
    ),
    Alert(
        name="ChallengerFails",
        expression=f"{_CHALLENGER} > 0.01 + 2 * {_CHAMPION}",
        hold="5m",
        severity="page",
        summary=(
            "the challenger of {{ $labels.model }} fails {{ $value | humanizePercentage }} of its"
            " requests, more than twice what the champion does"
        ),
    ),
)
# Too many at once is ServingSaturated's. Where there was no yesterday, it counts as 0.
_CALLERS = f'{REFUSED}{{reason!="busy"}}'
_YESTERDAY = f"({REFUSED} offset 1d or 0 * {REFUSED})"
_LOAD = (
    Alert(
        name="CallersRefused",
        expression=f"{_CALLERS} > 0.1 + 2 * {_YESTERDAY}",
        hold="5m",
        severity="page",
        summary=(
            "{{ $value | humanizePercentage }} of the requests to {{ $labels.model }} are refused"
            " ({{ $labels.reason }}), more than twice yesterday's share"
        ),
    ),
    Alert(
        name="ServingSaturated",
        expression=(
            f'sum by (model) (rate({INFERENCE_REQUESTS}{{code="429"}}[5m]))'
            f" / sum by (model) (rate({INFERENCE_REQUESTS}[5m])) > 0.01"
        ),
        hold="5m",
        severity="ticket",
        summary=(
            "{{ $labels.model }} turns {{ $value | humanizePercentage }} of its requests away:"
            " too many at once"
        ),
    ),
)
_LOG = (
    Alert(
        name="PredictionLogDropping",
        expression=f"sum by (model) (increase({LOG_DROPPED}[5m])) > 0",
        hold="0s",
        severity="ticket",
        summary="predictions of {{ $labels.model }} are answered and not logged",
    ),
    Alert(
        name="PredictionLogStalled",
        expression=f"max({LOG_DELAY_SECONDS}) > {STALLED_SECONDS}",
        hold="2m",
        severity="ticket",
        summary="predictions wait {{ $value | humanizeDuration }} for their table",
    ),
)
