"""The rules for flight data."""

from __future__ import annotations

from components.validate.logic import check, without_errata
from usecases.flight_delays import USECASE


def test_published_year_keeps_every_rule():
    """All twelve months, with the known errata taken out, break no rule."""
    tables = USECASE.read("", "1-12")
    findings = {
        name: check(without_errata(table.frame, name, USECASE.errata()), USECASE.schemas()[name])[1]
        for name, table in tables.items()
    }
    assert findings == {"flights": [], "weather": [], "planes": []}


def test_known_error_of_the_source_breaks_a_rule(february):
    """The erratum is needed: as published, its cell breaks a rule, and is found by its row."""
    (finding,) = check(february["weather"].frame, USECASE.schemas()["weather"])[1]
    assert str(finding) == (
        "weather: wind_speed must be between 0 and 250 (1 row, e.g. row 1010: 1048.36058)"
    )
