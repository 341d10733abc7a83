"""Finding use cases, and what they must offer."""

from __future__ import annotations

import sys
import types

import pytest

from components.evaluate.metrics import NAMES
from usecases.contract import load
from usecases.errors import StepError
from usecases.flight_delays import USECASE


def test_use_case_is_found_by_its_folders_name():
    """The shipped use case is its package's USECASE."""
    assert load("flight_delays") is USECASE


def test_unknown_use_case_is_refused_with_those_there_are():
    """A name without a folder is refused, and the folders are named."""
    with pytest.raises(StepError) as refused:
        load("train_delays")
    assert (refused.value.cause, refused.value.remedy) == (
        "no use case 'train_delays'",
        "choose one of: flight_delays",
    )


def test_package_without_a_use_case_is_refused(monkeypatch):
    """A package that offers no USECASE of the protocol is refused by its path."""
    monkeypatch.setitem(
        sys.modules, "usecases.flight_delays", types.ModuleType("usecases.flight_delays")
    )
    with pytest.raises(StepError, match=r"^usecases/flight_delays/__init__.py offers no USECASE"):
        load("flight_delays")


def test_gates_name_metrics_that_are_measured():
    """Every gate is on a metric that the evaluation has."""
    gates = USECASE.gates
    named = {*gates.beats_baseline, *gates.at_most, *gates.slices, *gates.champion}
    assert named <= set(NAMES)


def test_refusal_is_one_line():
    """Whatever breaks lines in a cause or remedy, the text has one line."""
    assert str(StepError("a\n  b", "c\td")) == "a b [to mend: c d]"
