"""Reading the flight data's files."""

from __future__ import annotations

import zipfile

import polars as pl
import pytest

from usecases.errors import StepError
from usecases.flight_delays.source import parse_months, read


@pytest.fixture
def folder(tmp_path, february):
    """A folder with a few real rows in the three files."""
    for name, table in february.items():
        rows = table.frame.drop("row").head(50)
        rows.write_csv(tmp_path / f"{name}.csv", null_value="NA")
    return tmp_path


def refusal_of(call):
    """Return cause and remedy with which `call` refuses."""
    with pytest.raises(StepError) as refused:
        call()
    return refused.value.cause, refused.value.remedy


@pytest.mark.parametrize(
    ("text", "months"),
    [("1-3", (1, 2, 3)), ("1,2,5-7", (1, 2, 5, 6, 7)), (" 12 ", (12,)), ("3,1,1-2", (1, 2, 3))],
)
def test_months_are_read_as_ranges_and_lists(text, months):
    """A text of months is the ascending months it names."""
    assert parse_months(text) == months


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("13", "months='13': month 13 does not exist"),
        ("0-2", "months='0-2': month 0 does not exist"),
        ("3-1", "months='3-1': the range 3-1 runs backwards"),
        ("1,x", "months='1,x': 'x' is neither a month nor a range"),
        ("", "months='': '' is neither a month nor a range"),
    ],
)
def test_months_that_do_not_exist_are_refused(text, cause):
    """A wrong text of months is refused with the part that is wrong and the valid months."""
    assert refusal_of(lambda: parse_months(text)) == (
        cause,
        "give months between 1 and 12, such as 1-3 or 1,2,5-7",
    )


def test_tables_keep_every_cell_as_text(february):
    """The source is read unjudged: all cells are text, and rows carry their number."""
    shapes = {name: (t.frame.height, t.partition_by) for name, t in february.items()}
    assert shapes == {
        "flights": (24951, "month"),
        "weather": (2010, "month"),
        "planes": (3322, None),
    }
    kinds = {table.frame.drop("row").dtypes[0] for table in february.values()}
    assert kinds == {pl.String}
    assert february["flights"].frame["row"][0] == 111297


def test_month_without_flights_is_refused(folder):
    """A month that exists but has no rows is named, with the months that have rows."""
    assert refusal_of(lambda: read(str(folder), "2-3")) == (
        "the data has no flights in month 3",
        "leave it out; of the months asked for the data has: 2",
    )


def test_corrupt_archive_is_named(folder):
    """A damaged zip is refused by its file name, with the file to replace."""
    path = folder / "flights.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder / "flights.csv", "flights.csv")
    (folder / "flights.csv").unlink()
    path.write_bytes(path.read_bytes()[:-30])
    assert refusal_of(lambda: read(str(folder), "2")) == (
        "flights.csv.zip cannot be read: File is not a zip file",
        f"replace {path} with an intact copy",
    )


def test_damaged_bytes_in_an_archive_are_found(folder):
    """A flipped byte in a zip is found by its checksum."""
    path = folder / "weather.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder / "weather.csv", "weather.csv")
    (folder / "weather.csv").unlink()
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(content)
    cause, _ = refusal_of(lambda: read(str(folder), "2"))
    assert cause == "weather.csv.zip cannot be read: Bad CRC-32 for file 'weather.csv'"


def test_ragged_file_is_named(folder):
    """A row with too many cells makes the file unreadable, and the file is named."""
    with (folder / "planes.csv").open("a") as file:
        file.write("N1,2000,a,b,c,2,100,1,d,e,f,g\n")
    cause, _ = refusal_of(lambda: read(str(folder), "2"))
    assert cause.startswith("planes.csv cannot be read: ")


def test_missing_file_is_named(folder):
    """A file that is not there is named with its folder."""
    (folder / "planes.csv").unlink()
    assert refusal_of(lambda: read(str(folder), "2")) == (
        f"{folder}: no planes.csv or planes.csv.zip",
        "give source=<folder>",
    )


def test_lost_month_column_is_named(folder):
    """Without a month column nothing can be chosen: it is named with the columns found."""
    path = folder / "weather.csv"
    pl.read_csv(path, infer_schema=False).select("origin", "temp").write_csv(path)
    assert refusal_of(lambda: read(str(folder), "2")) == (
        "weather: column month is missing, found row, origin, temp",
        "restore the column, or change usecases/flight_delays/schema.py",
    )


def test_rows_whose_month_is_none_are_not_dropped_silently(folder):
    """A month cell that is no month is refused with its row, for no choice would keep it."""
    path = folder / "flights.csv"
    text = path.read_text().splitlines()
    text[3] = text[3].replace("2013,2,", "2013,febr,", 1)
    path.write_text("\n".join(text))
    assert refusal_of(lambda: read(str(folder), "2")) == (
        "flights: month is not a number from 1 to 12 in 1 rows, e.g. row 3: 'febr'",
        "mend these rows in the data file",
    )
