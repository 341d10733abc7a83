"""Tables in the lake."""

from __future__ import annotations

import polars as pl
import pytest

from components.lake import Snapshot, land, read
from usecases.contract import SourceTable
from usecases.errors import StepError


def table(*rows, columns=("row", "month", "value")):
    """A source table partitioned by month."""
    return SourceTable(pl.DataFrame(rows, list(columns), orient="row"), "month")


JANUARY = (1, "1", "a"), (2, "1", "b")
FEBRUARY = ((3, "2", "c"),)


def test_same_content_again_is_no_new_version(tmp_path):
    """Landing the same rows twice writes once."""
    uri = str(tmp_path / "t")
    first = land(uri, table(*JANUARY, *FEBRUARY))
    assert land(uri, table(*JANUARY, *FEBRUARY)) == first == Snapshot(uri, 0, "month", ("1", "2"))
    assert land(uri, table(*JANUARY)) == Snapshot(uri, 0, "month", ("1",))


def test_other_content_replaces_its_partitions_only(tmp_path):
    """New rows of a month replace that month in one version and leave the others."""
    uri = str(tmp_path / "t")
    old = land(uri, table(*JANUARY, *FEBRUARY))
    new = land(uri, table((9, "2", "z")))
    assert new == Snapshot(uri, 1, "month", ("2",))
    assert read(Snapshot(uri, 1, "month", ("1", "2"))).rows() == [*JANUARY, (9, "2", "z")]
    assert read(old).rows() == [*JANUARY, *FEBRUARY]


def test_later_months_join_earlier_ones(tmp_path):
    """Another month is added beside those that are there."""
    uri = str(tmp_path / "t")
    land(uri, table(*JANUARY))
    land(uri, table(*FEBRUARY))
    assert read(Snapshot(uri, 1, "month", ("1", "2"))).rows() == [*JANUARY, *FEBRUARY]


def test_other_columns_start_the_table_anew(tmp_path):
    """A source that changed its columns is kept as it came; earlier versions stay readable."""
    uri = str(tmp_path / "t")
    old = land(uri, table(*JANUARY))
    new = land(uri, table((1, "1", "a"), columns=("row", "month", "renamed")))
    assert read(new).columns == ["row", "month", "renamed"]
    assert read(old).columns == ["row", "month", "value"]


def test_whole_table_is_replaced_when_it_has_no_partitions(tmp_path):
    """Without partitions the whole content counts."""
    uri = str(tmp_path / "t")
    frames = [pl.DataFrame({"row": [1], "v": [v]}) for v in ("a", "a", "b")]
    assert [land(uri, SourceTable(frame)).version for frame in frames] == [0, 0, 1]
    assert read(Snapshot(uri, 1)).rows() == [(1, "b")]


def test_snapshot_survives_a_pipelines_values():
    """A snapshot comes back whole, though numbers return as floats."""
    for snapshot in (Snapshot("s3://lake/t", 3, "month", ("1", "2")), Snapshot("s3://lake/t", 0)):
        value = snapshot.as_json()
        assert Snapshot.from_json({**value, "version": float(value["version"])}) == snapshot


def test_lake_that_cannot_be_written_is_refused(tmp_path):
    """A place that is a file refuses with its address."""
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(StepError, match=f"^the lake at {place}/t refused: "):
        land(f"{place}/t", table(*JANUARY))
