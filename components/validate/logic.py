"""Checks landed tables against a use case's schemas and joins them to observations.

Owns reading a snapshot, typing its cells and saying which rows break which rule. The rules are
the use case's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandera.errors
import polars as pl

from components import lake
from components.validate.findings import Finding, refusal

if TYPE_CHECKING:
    import pandera.polars as pa

    from usecases.contract import KnownBadCell, UseCase

REPEATED: Final = "multiple_fields_uniqueness"
WORDS: Final = {"not_nullable": "present", "field_uniqueness": "unique"}
"""Pandera's names of rules that have no words of ours."""


def validate(usecase: UseCase, tables: dict[str, dict[str, Any]]) -> pl.DataFrame:
    """Return the observations of the snapshots in `tables`.

    Raises:
        StepError: columns, cells or rows break the schema; all tables' findings are in its text.
    """
    schemas, typed, findings = usecase.schemas(), {}, []
    for name, snapshot in tables.items():
        raw = without_errata(lake.read(lake.Snapshot.from_json(snapshot)), name, usecase.errata())
        typed[name], broken = check(raw, schemas[name])
        findings += broken
    if findings:
        raise refusal(findings)
    return usecase.observations(typed)


def without_errata(
    frame: pl.DataFrame, table: str, errata: tuple[KnownBadCell, ...]
) -> pl.DataFrame:
    """Make the cells missing that are known to be wrong in the source."""
    for item in errata:
        if item.table == table and item.column in frame.columns:
            cell = pl.col(item.column)
            wrong = cell.cast(pl.String) == item.value
            frame = frame.with_columns(pl.when(~wrong).then(cell))
    return frame


def check(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> tuple[pl.DataFrame, list[Finding]]:
    """Type `frame` (cells as the source has them) by `schema`; return it with what breaks it.

    Columns come first, then cells that are not of their type, then values: a later kind is
    looked at only when the earlier is in order.
    """
    if findings := _columns(frame, schema):
        return frame, findings
    typed = frame.select(
        _typed(frame[name].dtype, name, column) for name, column in schema.columns.items()
    )
    if findings := _untyped(frame, typed, schema):
        return typed, findings
    return typed, _values(typed, schema)


def _columns(frame: pl.DataFrame, schema: pa.DataFrameSchema) -> list[Finding]:
    expected, found = set(schema.columns), set(frame.columns)
    kinds = (("is missing", expected - found), ("is not expected", found - expected))
    return [
        Finding(str(schema.name), f"column {name} {what}")
        for what, names in kinds
        for name in sorted(names)
    ]


def _typed(given: pl.DataType, name: str, column: pa.Column) -> pl.Expr:
    dtype = column.dtype.type
    if name == "row":
        return pl.col(name)
    if isinstance(dtype, pl.Datetime) and given == pl.String:
        return pl.col(name).str.to_datetime(
            time_unit=dtype.time_unit, time_zone=dtype.time_zone, strict=False
        )
    return pl.col(name).cast(dtype, strict=False)


def _untyped(frame: pl.DataFrame, typed: pl.DataFrame, schema: pa.DataFrameSchema) -> list[Finding]:
    """Find cells that are null or another value once typed."""
    findings = []
    for name in schema.columns:
        lost = frame.filter(frame[name].is_not_null() & _changed(frame[name], typed[name]))
        if not lost.is_empty():
            rule = f"{name} must be {typed[name].dtype}"
            findings.append(Finding.of(str(schema.name), rule, lost["row"], lost[name]))
    return findings


def _changed(given: pl.Series, typed: pl.Series) -> pl.Series:
    if given.dtype == pl.String:  # whose 05 may well be a 5
        return typed.is_null()
    return typed.is_null() | (typed.cast(given.dtype, strict=False) != given).fill_null(value=True)


def _values(typed: pl.DataFrame, schema: pa.DataFrameSchema) -> list[Finding]:
    try:
        schema.validate(typed, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        groups = errors.failure_cases.group_by("column", "check", maintain_order=True)
        return [
            _finding(typed, schema, str(column), str(rule), cases)
            for (column, rule), cases in groups
        ]
    return []


def _finding(
    typed: pl.DataFrame, schema: pa.DataFrameSchema, column: str, rule: str, cases: pl.DataFrame
) -> Finding:
    """Turn pandera's cases, which know positions, into one finding that knows source rows."""
    table, rows = str(schema.name), typed["row"].gather(cases["index"].drop_nulls())
    if rule == REPEATED:
        key = schema.unique or []
        values = typed.select(key).to_struct().gather(cases["index"].drop_nulls())
        shown = pl.Series([", ".join(str(part) for part in row.values()) for row in values])
        return Finding.of(table, f"rows must differ in {', '.join(key)}", rows, shown)
    values = cases["failure_case"].cast(pl.String)
    return Finding.of(table, f"{column} must be {WORDS.get(rule, rule)}", rows, values)
