"""Plots: round figures on the axes, everything inside them, gaps where nothing is known."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.reporting.page import plot
from slipway.reporting.page.series import Series

PERIOD = (1000.0, 1060.0)


def drawn(*series: Series, unit: str = "none") -> ET.Element:
    axes = plot.frame(series, unit, PERIOD, 400)
    return ET.fromstring(plot.svg("<Title>", axes, series, 10))  # noqa: S314 - our own text


@pytest.mark.parametrize(
    ("values", "unit", "ticks"),
    [
        ([0.3, 0.7], "none", (0, 0.2, 0.4, 0.6, 0.8)),
        ([39], "reqps", (0, 10, 20, 30, 40)),
        ([-1, 3], "none", (-1, 0, 1, 2, 3)),
        ([0], "none", (0, 0.5, 1.0)),
        ([], "none", (0, 0.5, 1.0)),
        ([3 * 2**20], "bytes", (0, 2**20, 2**21, 3 * 2**20)),
    ],
)
def test_axes_have_round_figures(values: list[float], unit: str, ticks: tuple) -> None:
    """From 0, or below, to what holds every value."""
    series = [Series("x", tuple((1000.0, value) for value in values))]

    assert plot.frame(series, unit, PERIOD, 400).ticks == pytest.approx(ticks)


@given(st.lists(st.floats(-1e12, 1e12), min_size=1), st.sampled_from(["none", "bytes", "s"]))
def test_every_value_is_inside_the_axes(values: list[float], unit: str) -> None:
    """Whatever Prometheus says, it can be drawn, with few ticks."""
    series = [Series("x", tuple((1000.0, value) for value in values))]

    axes = plot.frame(series, unit, PERIOD, 400)

    # Less than a pixel of what is drawn, whatever small numbers stand beside large ones.
    slack = 1e-6 * max(map(abs, values))
    assert axes.ticks[0] <= min(values) + slack
    assert axes.ticks[-1] >= max(values) - slack
    assert 2 <= len(axes.ticks) <= 7


def test_a_line_breaks_where_nothing_is_known() -> None:
    """Two stretches are two strokes, each begun by a move."""
    points = tuple((1000.0 + second, 1.0) for second in (0, 10, 50, 60))

    [path] = drawn(Series("x", points)).iter("path")

    assert re.findall(r"[MLh]", path.attrib["d"]) == ["M", "h", "L", "M", "h", "L"]


def test_a_line_tells_its_name() -> None:
    """The browser shows it under the pointer; what is in a name cannot break the picture."""
    [path] = drawn(Series("<b>&", ((1000.0, 1.0),))).iter("path")

    assert path.findtext("title") == "<b>&"
