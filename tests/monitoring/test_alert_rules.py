"""Alerts fire when they should, and only then: judged by `promtool test rules`."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from monitoring import rules
from monitoring.cluster import Cluster
from monitoring.objective import Objective

ROOT = Path(__file__).resolve().parents[2]
OBJECTIVE = Objective()
ALERTS = {alert.name: alert for alert in rules.alerts(OBJECTIVE)}
_ASKED = 'slipway_inference_requests_total{model="m",slot="champion",code="200"}'
_FAILED = 'slipway_inference_requests_total{model="m",slot="champion",code="503"}'
_REFUSED = 'slipway_inference_requests_total{model="m",slot="champion",code="400"}'
_AWAY = 'slipway_inference_requests_total{model="m",slot="",code="429"}'
_NEXT = 'slipway_inference_requests_total{model="m",slot="challenger",code="200"}'
_NEXT_FAILED = 'slipway_inference_requests_total{model="m",slot="challenger",code="500"}'
_SIGNATURE = 'slipway_inference_refusals_total{model="m",reason="signature"}'
_BUSY = 'slipway_inference_refusals_total{model="m",reason="busy"}'
_UNFIT = 'slipway_inference_requests_total{model="m",slot="champion",code="422"}'
_ALL = 'slipway_inference_duration_seconds_count{model="m",slot="champion",code="200"}'
_IN_TIME = (
    'slipway_inference_duration_seconds_bucket{model="m",slot="champion",code="200",le="0.1"}'
)


@dataclass(frozen=True)
class Case:
    """Series by name, in promtool's notation a minute apart; what fires `at` a time."""

    alert: str
    when: str
    series: dict[str, str]
    at: str
    fires: dict[str, str] | None = None
    says: str = ""


_ERRORS = "m breaks its promise of 99.5% without fault"
_LATE = "m breaks its promise of 99% within 0.1 s"
_UP, _BEGAN = 'up{job="j"}', 'process_start_time_seconds{job="j"}'
_OPEN, _LIMIT = 'process_open_fds{job="j"}', 'process_max_fds{job="j"}'
_RULES_FAILED = 'prometheus_rule_evaluation_failures_total{rule_group="g"}'
_DROPPED = 'prometheus_notifications_dropped_total{alertmanager="a"}'
_READY = 'slipway_model_ready{model="m"}'
_NOT_LOADED = 'slipway_model_load_failures_total{model="m",slot="shadow",reason="digest"}'
_LOST = 'slipway_prediction_log_dropped_total{model="m"}'
_DELAY = "slipway_prediction_log_delay_seconds"
_UNSEEN = "slipway_tracking_poll_failures_total"

CASES = (
    Case(
        "ServiceDown",
        "gone",
        {_UP: "1 0 0"},
        "2m",
        {"job": "j"},
        "j has not answered Prometheus for 30 s",
    ),
    Case("ServiceDown", "just gone", {_UP: "1 1 0"}, "2m"),
    Case(
        "ServiceRestarting",
        "three starts",
        {_BEGAN: "1 2 3 4"},
        "4m",
        {"job": "j"},
        "j has started 3 times anew in 15 minutes",
    ),
    Case("ServiceRestarting", "two starts", {_BEGAN: "1 2 3 3"}, "4m"),
    Case(
        "FileDescriptorsRunOut",
        "nine in ten open",
        {_OPEN: "90x9", _LIMIT: "100x9"},
        "6m",
        {"job": "j"},
        "j has 90% of its files open",
    ),
    Case("FileDescriptorsRunOut", "half open", {_OPEN: "50x9", _LIMIT: "100x9"}, "6m"),
    Case(
        "RulesFail",
        "each minute",
        {_RULES_FAILED: "0+1x12"},
        "11m",
        {"rule_group": "g"},
        "Prometheus cannot evaluate g: its alerts are blind",
    ),
    Case("RulesFail", "once", {_RULES_FAILED: "0 1x12"}, "11m"),
    Case(
        "AlertsUndelivered",
        "each minute",
        {_DROPPED: "0+1x12"},
        "11m",
        {"alertmanager": "a"},
        "Prometheus drops alerts: nobody is told of anything else",
    ),
    Case("AlertsUndelivered", "once", {_DROPPED: "0 1x12"}, "11m"),
    Case(
        "NoModelServed",
        "10 minutes long",
        {_READY: "0x12"},
        "11m",
        {"model": "m"},
        "the model server has had no model for 10 minutes",
    ),
    Case("NoModelServed", "5 minutes long", {_READY: "0x12"}, "5m"),
    Case(
        "ModelRefused",
        "once",
        {_NOT_LOADED: "0 0 1 1"},
        "3m",
        {"model": "m", "slot": "shadow", "reason": "digest"},
        "what was released as shadow was refused (digest); the one before it serves on",
    ),
    Case("ModelRefused", "never", {_NOT_LOADED: "0x3"}, "3m"),
    Case(
        "ReleasesUnseen",
        "each minute",
        {_UNSEEN: "0+1x12"},
        "11m",
        {},
        "the model server cannot ask the model registry which version is released",
    ),
    Case("ReleasesUnseen", "while it starts", {_UNSEEN: "0 4x12"}, "11m"),
    Case(
        "ChallengerFails",
        "one in ten, the champion none",
        {_ASKED: "0+90x20", _NEXT: "0+9x20", _NEXT_FAILED: "0+1x20"},
        "20m",
        {"model": "m"},
        "the challenger of m fails 10% of its requests, more than twice what the champion does",
    ),
    Case(
        "ChallengerFails",
        "one in ten, and there is no champion",
        {_NEXT: "0+9x20", _NEXT_FAILED: "0+1x20"},
        "20m",
        {"model": "m"},
        "the challenger of m fails 10% of its requests, more than twice what the champion does",
    ),
    Case(
        "ChallengerFails",
        "as often as the champion",
        {_ASKED: "0+90x20", _FAILED: "0+10x20", _NEXT: "0+9x20", _NEXT_FAILED: "0+1x20"},
        "20m",
    ),
    Case("ChallengerFails", "nobody asks", {_ASKED: "0+9x20", _FAILED: "0+1x20"}, "20m"),
    Case(
        "CallersRefused",
        "all are refused since a release",
        {_ASKED: "0+100x20 2000x20", _UNFIT: "0x20 0+100x20", _SIGNATURE: "0x20 0+100x20"},
        "40m",
        {"model": "m", "reason": "signature"},
        "100% of the requests to m are refused (signature), more than twice yesterday's share",
    ),
    Case(
        "CallersRefused",
        "as many as yesterday",
        {_ASKED: "0+80x1500", _UNFIT: "0+20x1500", _SIGNATURE: "0+20x1500"},
        "1500m",
    ),
    Case(
        "CallersRefused",
        "a few",
        {_ASKED: "0+95x40", _UNFIT: "0+5x40", _SIGNATURE: "0+5x40"},
        "40m",
    ),
    Case(
        "CallersRefused",
        "too many at once is another alert's",
        {_ASKED: "0+80x20", _AWAY: "0+20x20", _BUSY: "0+20x20"},
        "20m",
    ),
    Case(
        "ServingSaturated",
        "one in five is turned away",
        {_ASKED: "0+80x20", _AWAY: "0+20x20"},
        "20m",
        {"model": "m"},
        "m turns 20% of its requests away: too many at once",
    ),
    Case("ServingSaturated", "one in a thousand", {_ASKED: "0+999x20", _AWAY: "0+1x20"}, "20m"),
    Case(
        "PredictionLogDropping",
        "once",
        {_LOST: "0 0 7 7"},
        "3m",
        {"model": "m"},
        "predictions of m are answered and not logged",
    ),
    Case("PredictionLogDropping", "never", {_LOST: "0x3"}, "3m"),
    Case(
        "PredictionLogStalled",
        "five minutes late",
        {_DELAY: "300x9"},
        "5m",
        {},
        "predictions wait 5m 0s for their table",
    ),
    Case("PredictionLogStalled", "just once", {_DELAY: "5 300 5 5 5"}, "3m"),
    Case("PredictionLogStalled", "as long as a flush", {_DELAY: "60x9"}, "9m"),
    Case(
        "ServingErrorsBurnBudgetFast",
        "one in ten fails for an hour",
        {_ASKED: "0+90x60", _FAILED: "0+10x60"},
        "60m",
        {"model": "m"},
        f"{_ERRORS}: fast",
    ),
    Case(
        "ServingErrorsBurnBudgetFast",
        "one in 25 fails for six hours",
        {_ASKED: "0+96x360", _FAILED: "0+4x360"},
        "360m",
        {"model": "m"},
        f"{_ERRORS}: fast",
    ),
    Case(
        "ServingErrorsBurnBudgetFast",
        "the fault ended an hour ago",
        {_ASKED: "0+90x120", _FAILED: "0+10x60 600x60"},
        "120m",
    ),
    Case(
        "ServingErrorsBurnBudgetFast",
        "the caller's mistakes",
        {_ASKED: "0+50x60", _REFUSED: "0+50x60"},
        "60m",
    ),
    Case("ServingErrorsBurnBudgetFast", "nobody asks", {_ASKED: "5x60"}, "60m"),
    Case(
        "ServingErrorsBurnBudgetSlowly",
        "one in 100 fails for three days",
        {_ASKED: "0+99x4320", _FAILED: "0+1x4320"},
        "72h",
        {"model": "m"},
        f"{_ERRORS}: slowly",
    ),
    Case(
        "ServingErrorsBurnBudgetSlowly",
        "one in 1000 fails for three days",
        {_ASKED: "0+999x4320", _FAILED: "0+1x4320"},
        "72h",
    ),
    Case(
        "ServingLatencyBurnBudgetFast",
        "one in five late for an hour",
        {_ALL: "0+100x60", _IN_TIME: "0+80x60"},
        "60m",
        {"model": "m"},
        f"{_LATE}: fast",
    ),
    Case(
        "ServingLatencyBurnBudgetFast",
        "one in 100 late for an hour",
        {_ALL: "0+100x60", _IN_TIME: "0+99x60"},
        "60m",
    ),
    Case(
        "ServingLatencyBurnBudgetSlowly",
        "one in 50 late for three days",
        {_ALL: "0+100x4320", _IN_TIME: "0+98x4320"},
        "72h",
        {"model": "m"},
        f"{_LATE}: slowly",
    ),
    Case(
        "ServingLatencyBurnBudgetSlowly",
        "one in 200 late for three days",
        {_ALL: "0+200x4320", _IN_TIME: "0+199x4320"},
        "72h",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}, {case.when}")
def test_an_alert_fires_when_it_should(judge, case: Case) -> None:
    """Labels and text are whole, or there is no alert at all."""
    judge(rules.rules(OBJECTIVE), ALERTS[case.alert], case)


def test_every_alert_is_seen_firing_and_silent() -> None:
    """No alert is without a test of both."""
    seen = {(case.alert, case.fires is not None) for case in CASES}

    assert seen == {(name, fires) for name in ALERTS for fires in (True, False)}


def test_every_alert_has_a_runbook() -> None:
    """Whoever is woken finds what to do, and no runbook is left of an alert that is gone."""
    written = {str(path.relative_to(ROOT)) for path in (ROOT / "docs/runbooks").glob("*.md")}
    everywhere = rules.alerts(OBJECTIVE, Cluster("slipway"))

    assert {alert.runbook for alert in everywhere} == written


def test_the_objective_reaches_its_alerts() -> None:
    """Budget and bound stand in the rules as the settings give them."""
    text = rules.rules(Objective(99.9, 0.025, 95.0))

    assert "> 14.4 * 0.001 " in text
    assert "> 14.4 * 0.05 " in text
    assert 'le="0.025"' in text
