"""A panel's series as inline SVG: axes with round figures, lines that break where nothing is known.

Colours are classes (`s0` to `s7`) of the page's style sheet, so that they follow its theme.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from slipway.reporting.page import units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.reporting.page.series import Series

COLOURS = 8
_HEIGHT = 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 70.0, 12.0, 10.0, 24.0
_TICKS = 4
_GAP_STEPS = 3
# A quarter of 0.8 is a little more than 0.2 in floating point.
_DUST = 1 - 1e-9
_ROUND = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_TIME_WIDTH = 110
_SHORT_SECONDS = 5 * 60
# A span below it has no ticks that differ.
_LEAST_SPAN = 1e-290


@dataclass(frozen=True)
class Frame:
    """Axes: Unix seconds from `begin` to `end`, values at `ticks` of `unit`; units of `width`."""

    begin: float
    end: float
    ticks: tuple[float, ...]
    unit: str
    width: float

    def x(self, when: float) -> float:
        """Where a time stands, in the picture's units."""
        share = (when - self.begin) / max(self.end - self.begin, 1e-9)
        return _LEFT + share * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Where a value stands, in the picture's units."""
        share = (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def frame(series: Sequence[Series], unit: str, period: tuple[float, float], width: float) -> Frame:
    """Axes around all of the series."""
    values = [value for one in series for _, value in one.points]
    return Frame(*period, _round_figures(values, unit), unit, width)


def svg(title: str, axes: Frame, series: Sequence[Series], step: float) -> str:
    """The picture; `step` is the seconds between points that follow each other.

    Times are UTC.
    """
    lines = [_line(axes, one, index % COLOURS, step) for index, one in enumerate(series)]
    return (
        f'<svg viewBox="0 0 {axes.width:.0f} {_HEIGHT:g}" role="img" aria-label="{escape(title)}">'
        f"{_values(axes)}{_times(axes)}{''.join(lines)}</svg>"
    )


def _round_figures(values: Sequence[float], unit: str) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 with zeros (bytes: of KiB, MiB) that span 0 and all values."""
    low, high = min([0.0, *values]), max([0.0, *values])
    if high - low < _LEAST_SPAN:
        high = low + 1
    rough = (high - low) / _TICKS
    grows = 1024.0 if unit == "bytes" else 1000.0
    base = grows ** math.floor(math.log(rough, grows))
    size = next(base * factor for factor in (*_ROUND, grows) if base * factor >= rough * _DUST)
    first, last = math.floor(low / size), math.ceil(high / size)
    return tuple(index * size for index in range(first, last + 1))


def _values(axes: Frame) -> str:
    return "".join(
        f'<line class="grid" x1="{_LEFT:g}" x2="{axes.width - _RIGHT:.0f}"'
        f' y1="{axes.y(tick):.1f}" y2="{axes.y(tick):.1f}"/>'
        f'<text class="tick" x="{_LEFT - 6:g}" y="{axes.y(tick) + 3.5:.1f}"'
        f' text-anchor="end">{escape(units.text(tick, axes.unit))}</text>'
        for tick in axes.ticks
    )


def _times(axes: Frame) -> str:
    count = max(2, min(_TICKS, int(axes.width / _TIME_WIDTH)))
    shares = [index / count for index in range(count + 1)]
    whens = [axes.begin + share * (axes.end - axes.begin) for share in shares]
    anchors = ["start", *["middle"] * (count - 1), "end"]
    pattern = "%H:%M:%S" if axes.end - axes.begin < _SHORT_SECONDS else "%H:%M"
    return "".join(
        f'<text class="tick" x="{axes.x(when):.1f}" y="{_HEIGHT - 6:g}"'
        f' text-anchor="{anchor}">{datetime.fromtimestamp(when, UTC):{pattern}}</text>'
        for when, anchor in zip(whens, anchors, strict=True)
    )


def _line(axes: Frame, series: Series, colour: int, step: float) -> str:
    drawn: list[str] = []
    before = -math.inf
    for when, value in series.points:
        # A move alone draws nothing; with a line of no length a lone point is a dot.
        pen, end = ("M", "h0") if when - before > _GAP_STEPS * step else ("L", "")
        drawn.append(f"{pen}{axes.x(when):.1f} {axes.y(value):.1f}{end}")
        before = when
    label = f"<title>{escape(series.name)}</title>"
    return f'<path class="line s{colour}" d="{"".join(drawn)}">{label}</path>'
