"""What is wrong with a table, and how that reads.

Owns the wording of a refusal of data: table, rule, number of rows, examples with row numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from usecases.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

EXAMPLES: Final = 3
LONGEST_VALUE: Final = 60
MOST_FINDINGS: Final = 8


@dataclass(frozen=True)
class Finding:
    """One broken rule: how many rows break it, with examples `row 17: 'abc'`."""

    table: str
    rule: str
    rows: int = 0
    examples: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: str, rule: str, rows: pl.Series, values: pl.Series) -> Finding:
        """Make a finding of all offending rows, keeping the first few as examples."""
        pairs = zip(rows.head(EXAMPLES), values.head(EXAMPLES), strict=False)
        examples = tuple(f"row {row}: {_shown(value)}" for row, value in pairs)
        return cls(table, rule, len(values), examples)

    def __str__(self) -> str:
        """Return e.g. `weather: humid must be between 0 and 100 (2 rows, e.g. row 17: 130)`."""
        if not self.rows:
            return f"{self.table}: {self.rule}"
        many = "1 row" if self.rows == 1 else f"{self.rows} rows"
        return f"{self.table}: {self.rule} ({many}, e.g. {'; '.join(self.examples)})"


def refusal(findings: Sequence[Finding]) -> StepError:
    """Return the error that names every broken rule, the first few in full."""
    shown = " | ".join(str(finding) for finding in findings[:MOST_FINDINGS])
    more = len(findings) - MOST_FINDINGS
    rest = f" | and {more} more" if more > 0 else ""
    rules = "1 rule is" if len(findings) == 1 else f"{len(findings)} rules are"
    return StepError(
        f"{rules} broken: {shown}{rest}",
        "mend the source, or change the rule in the use case's schema.py; no model was made",
    )


def _shown(value: object) -> str:
    text = "missing" if value is None else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."
