"""Numbers as people read them, by the names that Grafana gives to units."""

from __future__ import annotations

import math

_SUFFIX = "suffix:"
_PLAIN = {"none": "", "reqps": " req/s"}
_SECONDS = ((60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_BYTES = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))
_THOUSAND, _HUNDRED, _TEN = 1000, 100, 10


def text(value: float, unit: str) -> str:
    """A value with its unit: 0.0123 of `s` is "12.3 ms", 0.5 of `percentunit` is "50 %"."""
    if not math.isfinite(value):
        return "-"
    if unit == "percentunit":
        return f"{_short(value * 100)} %"
    if unit in {"s", "bytes"}:
        return _scaled(value, _SECONDS if unit == "s" else _BYTES)
    if unit.startswith(_SUFFIX):
        return f"{_short(value)} {unit.removeprefix(_SUFFIX).strip()}"
    return f"{_short(value)}{_PLAIN.get(unit, ' ' + unit)}"


def _scaled(value: float, scale: tuple[tuple[float, str], ...]) -> str:
    if value == 0:
        return f"0 {scale[-1][1] if scale is _BYTES else 's'}"
    factor, name = next((step for step in scale if abs(value) >= step[0]), scale[-1])
    return f"{_short(value / factor)} {name}"


def _short(value: float) -> str:
    """About three digits, without zeros that say nothing."""
    size = abs(value)
    if size >= _THOUSAND:
        return f"{value:,.0f}"
    digits = 0 if size >= _HUNDRED else 1 if size >= _TEN else 2 if size >= 1 else 3
    shown = f"{value:.{digits}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
