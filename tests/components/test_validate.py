"""Finding what is wrong with data."""

from __future__ import annotations

import polars as pl
import pytest

from components import lake
from components.validate.findings import Finding, refusal
from components.validate.logic import check, validate, without_errata
from usecases.contract import KnownBadCell, SourceTable
from usecases.errors import StepError
from usecases.flight_delays import USECASE


@pytest.fixture(scope="module")
def weather(ingested):
    """Twenty real rows of weather, untyped."""
    return lake.read(lake.Snapshot.from_json(ingested["tables"]["weather"])).head(20)


def broken(frame):
    """Return what breaks the weather's schema, in words."""
    return [str(finding) for finding in check(frame, USECASE.schemas()["weather"])[1]]


def change(frame, at, **cells):
    """Return `frame` with cells of its row number `at` changed."""
    return frame.with_columns(
        pl.when(pl.int_range(pl.len()) == at)
        .then(pl.lit(value))
        .otherwise(pl.col(name))
        .alias(name)
        for name, value in cells.items()
    )


def test_good_rows_come_back_typed(weather):
    """Rows that keep the rules are typed by the schema, with no findings."""
    schema = USECASE.schemas()["weather"]
    typed, findings = check(weather, schema)
    assert findings == []
    assert typed.schema == {name: column.dtype.type for name, column in schema.columns.items()}


def test_changed_columns_are_named(weather):
    """Renaming a column is reported as one missing and one unexpected."""
    assert broken(weather.rename({"humid": "humidity"})) == [
        "weather: column humid is missing",
        "weather: column humidity is not expected",
    ]


def test_cells_that_have_a_type_already_are_taken_and_none_is_rounded(weather):
    """A source with types of its own passes; a value that its schema's type lacks is shown."""
    schema = USECASE.schemas()["weather"]
    typed, _ = check(weather, schema)
    assert check(typed, schema)[0].equals(typed)
    assert check(typed, schema)[1] == []
    halves = typed.with_columns(hour=pl.col("hour") + 0.5).head(1)
    assert broken(halves) == [
        f"weather: hour must be Int64 (1 row, e.g. row {halves['row'][0]}: {halves['hour'][0]})"
    ]


def test_cells_of_the_wrong_type_are_shown(weather):
    """Text where a number belongs is reported with rows and cells."""
    first = weather["row"][0]
    assert broken(change(change(weather, 2, temp="warm"), 5, temp="3O")) == [
        f"weather: temp must be Float64 (2 rows, e.g. row {first + 2}: warm; row {first + 5}: 3O)"
    ]


def test_values_out_of_bounds_and_missing_are_counted(weather):
    """Each broken rule is reported once, with its rows."""
    first = weather["row"][0]
    bad = change(change(weather, 1, humid="101"), 3, origin="BOS", time_hour=None)
    assert sorted(broken(bad)) == [
        f"weather: humid must be between 0 and 100 (1 row, e.g. row {first + 1}: 101.0)",
        f"weather: origin must be one of EWR, JFK, LGA (1 row, e.g. row {first + 3}: BOS)",
        f"weather: time_hour must be present (1 row, e.g. row {first + 3}: missing)",
    ]


def test_repeated_rows_are_found(weather):
    """Two observations of one place and hour break the schema."""
    last = weather.tail(1)
    twice = pl.concat([weather, last.with_columns(row=pl.lit(9, pl.Int64))])
    key = "EWR, 2013-02-02 00:00:00+00:00"
    assert broken(twice) == [
        "weather: rows must differ in origin, time_hour"
        f" (2 rows, e.g. row {last['row'][0]}: {key}; row 9: {key})"
    ]


def test_errata_become_missing(weather):
    """A known wrong cell is missing afterwards; all else is as it was."""
    erratum = KnownBadCell("weather", "temp", weather["temp"][4], "a test")
    mended = without_errata(weather, "weather", (erratum,))
    wrong = weather["temp"] == weather["temp"][4]
    assert mended["temp"].is_null().to_list() == wrong.to_list()
    assert mended.drop("temp").equals(weather.drop("temp"))
    assert without_errata(weather, "flights", (erratum,)).equals(weather)
    numbers = weather.cast({"temp": pl.Float64})
    assert without_errata(numbers, "weather", (erratum,))["temp"].equals(
        mended["temp"].cast(pl.Float64)
    )


def test_bad_data_ends_the_step_with_every_table(ingested, weather, tmp_path):
    """Validation refuses once, naming the findings of all tables, and returns nothing."""
    landed = lake.land(str(tmp_path / "w"), SourceTable(change(weather, 1, humid="101"), "month"))
    planes = lake.read(lake.Snapshot.from_json(ingested["tables"]["planes"]))
    changed = lake.land(str(tmp_path / "p"), SourceTable(planes.drop("seats")))
    tables = {**ingested["tables"], "weather": landed.as_json(), "planes": changed.as_json()}
    with pytest.raises(StepError) as refused:
        validate(USECASE, tables)
    row = weather["row"][1]
    assert refused.value.cause == (
        "2 rules are broken: "
        f"weather: humid must be between 0 and 100 (1 row, e.g. row {row}: 101.0)"
        " | planes: column seats is missing"
    )


def test_refusal_shows_the_first_findings_and_counts_the_rest():
    """Many findings stay readable."""
    findings = [Finding("t", f"rule {n}") for n in range(10)]
    shown = " | ".join(f"t: rule {n}" for n in range(8))
    assert refusal(findings).cause == f"10 rules are broken: {shown} | and 2 more"
