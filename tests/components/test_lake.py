"""Tables in the lake."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

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


TYPED = {
    "whole": 5,
    "single": pl.Series([5.5, 5.5], dtype=pl.Float32),
    "double": 0.1,
    "flag": True,
    "day": dt.date(2013, 1, 2),
    "moment": dt.datetime(2013, 1, 2, 3, tzinfo=dt.UTC),
    "price": Decimal("1.25"),
    "several": pl.Series([[1], []]),
}


def typed(**cells):
    """Two rows of January with these further columns."""
    return SourceTable(pl.DataFrame({"row": [1, 2], "month": ["1", "1"], **cells}), "month")


def test_typed_cells_come_back_as_they_went_in(tmp_path):
    """A source with types of its own is kept with them, and is no change when it comes again."""
    uri, given = str(tmp_path / "t"), typed(**TYPED)
    first = land(uri, given)
    assert read(first).select(given.frame.columns).equals(given.frame)
    assert read(first).schema == given.frame.schema
    assert land(uri, given) == first


@pytest.mark.parametrize("again", [5, 5.5, True, "text"], ids=repr)
@pytest.mark.parametrize("before", ["5", 7, 7.25, dt.date(2013, 1, 2)], ids=repr)
def test_no_cell_is_cast_to_what_the_lake_held_before(before, again, tmp_path):
    """A column of another type starts the table anew; the version before is read as it was."""
    uri = str(tmp_path / "t")
    old, new = land(uri, typed(v=before)), land(uri, typed(v=again))
    assert [read(each)["v"].to_list() for each in (old, new)] == [[before] * 2, [again] * 2]
    assert land(uri, typed(v=again)) == new
    assert land(uri, typed(v=before)).version == new.version + 1


def test_the_partitions_type_may_change_too(tmp_path):
    """Also that of the column by which the table is partitioned, or the column itself."""
    uri = str(tmp_path / "t")
    whole = SourceTable(pl.DataFrame({"row": [1, 2], "month": [1, 12], "value": ["a", "b"]}))
    text = SourceTable(whole.frame.cast({"month": pl.String}), "month")
    for number, (given, by) in enumerate(
        [(text, "month"), (whole, "month"), (whole, None), (whole, "value"), (text, "month")]
    ):
        landed = land(uri, SourceTable(given.frame, by))
        assert (landed.version, landed.partition_by) == (number, by)
        assert land(uri, SourceTable(given.frame, by)) == landed
        assert Snapshot.from_json(landed.as_json()) == landed
        assert read(landed).select(given.frame.columns).equals(given.frame)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (pl.Series([200, 0], dtype=pl.UInt8), pl.Int16),
        (pl.Series([2**32 - 1, 0], dtype=pl.UInt32), pl.Int64),
        (pl.Series(["a", "b"], dtype=pl.Categorical), pl.String),
        (pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])), pl.String),
        (pl.Series([None, None]), pl.String),
        (pl.Series([dt.datetime(2013, 1, 2)] * 2, dtype=pl.Datetime("ms")), pl.Datetime("us")),  # noqa: DTZ001 -- it has none
    ],
    ids=lambda value: str(getattr(value, "dtype", value)),
)
def test_a_type_that_delta_lacks_is_kept_as_one_that_holds_it(given, kept, tmp_path):
    """Whatever was there before, every value stays what it is."""
    uri = str(tmp_path / "t")
    land(uri, typed(v="before"))
    landed = land(uri, typed(v=given))
    assert (read(landed)["v"].dtype, read(landed)["v"].to_list()) == (kept, given.to_list())
    assert land(uri, typed(v=given)) == landed


@pytest.mark.parametrize(
    "given",
    [
        pl.Series([2**63, 0], dtype=pl.UInt64),
        pl.Series([dt.time(1, 2)] * 2),
        pl.Series([dt.timedelta(1)] * 2),
        pl.Series([dt.datetime(2013, 1, 2)] * 2, dtype=pl.Datetime("ns")),  # noqa: DTZ001 -- as above
        pl.Series([[1], []], dtype=pl.List(pl.UInt8)),
    ],
    ids=lambda value: str(value.dtype),
)
def test_a_type_that_cannot_be_kept_is_refused_and_leaves_nothing(given, tmp_path):
    """The refusal names the column; with it mended the same table lands."""
    uri = str(tmp_path / "t")
    with pytest.raises(StepError, match=r"^t: the lake keeps no .*, the type of the column v"):
        land(uri, typed(v=given))
    assert land(uri, typed(v="mended")).version == 0


def test_what_a_killed_write_left_is_no_table(tmp_path):
    """Files without a commit do not stand in the way of the next run."""
    place = tmp_path / "t"
    (place / "_delta_log").mkdir(parents=True)
    (place / "_delta_log" / "_commit_0.json.tmp").write_text("{")
    (place / "part-0.parquet").write_bytes(b"PAR1")
    assert read(land(str(place), table(*JANUARY))).rows() == list(JANUARY)


@pytest.mark.parametrize(
    ("months", "words"),
    [
        (["1", None], "t: 1 rows have no month, by which"),
        (["", ""], "t: 2 rows have no month"),
        ([1.5, 2.0], "t: it is partitioned by month, which is Float64"),
    ],
)
def test_rows_without_a_partition_are_refused(months, words, tmp_path):
    """They could not be replaced later."""
    rows = pl.DataFrame({"row": [1, 2], "month": months})
    with pytest.raises(StepError, match=f"^{words}"):
        land(str(tmp_path / "t"), SourceTable(rows, "month"))


def test_a_quote_in_a_partitions_name_is_part_of_it(tmp_path):
    """It ends no literal."""
    uri = str(tmp_path / "t")
    land(uri, table((1, "o'clock", "a"), (2, "x", "b")))
    landed = land(uri, table((3, "o'clock", "z")))
    assert read(landed).rows() == [(3, "o'clock", "z")]


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
