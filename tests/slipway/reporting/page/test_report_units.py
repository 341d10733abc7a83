"""Numbers on the page are those that a person would write."""

import math

import pytest

from slipway.reporting.page import units


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.00052, "s", "520 µs"),
        (0.0123, "s", "12.3 ms"),
        (1.5, "s", "1.5 s"),
        (90, "s", "1.5 min"),
        (0, "s", "0 s"),
        (0, "bytes", "0 B"),
        (1536, "bytes", "1.5 KiB"),
        (135 * 2**20, "bytes", "135 MiB"),
        (0.995, "percentunit", "99.5 %"),
        (-2.0, "percentunit", "-200 %"),
        (12.34, "reqps", "12.3 req/s"),
        (0.25, "suffix: cores", "0.25 cores"),
        (1947, "none", "1,947"),
        (1, "none", "1"),
        (math.nan, "none", "-"),
    ],
)
def test_a_value_is_said_with_its_unit(value: float, unit: str, said: str) -> None:
    """Three digits at most, and a prefix where it helps."""
    assert units.text(value, unit) == said
