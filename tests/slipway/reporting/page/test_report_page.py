"""The page as a whole: self-contained, complete, and safe whatever a name holds."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from infra.settings.fields import seconds
from monitoring.dashboards.defaults import Query
from monitoring.dashboards.panels import Panel
from slipway.operations.target import Process, ServiceState
from slipway.reporting.page.gather import Chart, Page, Section
from slipway.reporting.page.markup import document
from slipway.reporting.page.series import Series, Span
from slipway.stack.running import Champion

_BAD = ((float("-inf"), "green"), (1.0, "red"))
_QUERIES = (Query("x", "y"),)
FIGURE = Panel("Down", "How many.", "none", "figure", _QUERIES, _BAD)
PLOT = Panel("Over <time>", "All of it.", "s", "plot", _QUERIES)
PROCESS = Process(7, 61, "SIGKILL <")
SERVICE = ServiceState("serving", "down", "http://127.0.0.1:1/v2", "0.1.0", 2, PROCESS)


class Elements(HTMLParser):
    """Every element's name and attributes, and that each is closed."""

    _VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        """Note an element that is opened."""
        self.found.append((tag, dict(attrs)))
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        """Note one that closes itself."""
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """What is closed is what was opened last."""
        assert self.open.pop() == tag

    def count(self, tag: str, css: str = "") -> int:
        """How many there are of a class."""
        return sum(
            name == tag and css in [*(attributes.get("class") or "").split(), ""]
            for name, attributes in self.found
        )


def page(*charts: Chart, champion: Champion | None = None, alerts: tuple = ()) -> Page:
    return Page(
        stack="local",
        span=Span(1000, 4600, 15, "20s"),
        services=[SERVICE],
        model="m",
        champion=champion,
        alerts=list(alerts),
        sections=(Section("Serving", "What it serves.", (("Row", charts),)),),
    )


def test_the_page_is_whole_and_fetches_nothing() -> None:
    """Every element is closed; no script, no image, no sheet from elsewhere."""
    line = Series("a & <b>", ((2000.0, 0.5), (2015.0, 0.7)))
    text = document(page(Chart(FIGURE, (Series("y", ((2000.0, 3.0),)),)), Chart(PLOT, (line,))))

    elements = Elements(text)

    assert {name for name, _ in elements.found} & {"script", "img", "link", "iframe"} == set()
    assert not re.search(r"@import|url\(|src=", text)
    assert (elements.count("figure", "figure"), elements.count("figure", "plot")) == (1, 1)
    assert elements.count("svg") == 1
    assert "a &amp; &lt;b&gt; <b>700 ms</b>" in text


@pytest.mark.parametrize(("value", "css"), [(0.0, "green"), (1.0, "red")])
def test_a_figure_is_coloured_by_its_thresholds(value: float, css: str) -> None:
    """Red from where it is bad."""
    elements = Elements(document(page(Chart(FIGURE, (Series("y", ((2000.0, value),)),)))))

    assert elements.count("output", css) == 1


def test_a_figure_of_several_series_shows_each_by_its_name() -> None:
    """The first alone would be taken for all."""
    series = (Series("blue", ((2000.0, 0.0),)), Series("<red>", ((2000.0, 3.0),)))

    text = document(page(Chart(FIGURE, series)))

    assert '<output class="green"><small>blue</small> 0</output>' in text
    assert '<output class="red"><small>&lt;red&gt;</small> 3</output>' in text


def test_a_service_that_is_not_ready_says_why() -> None:
    """With the command that helps, whole."""
    trouble = "no answer: see `slipway logs serving`"
    service = dataclasses.replace(SERVICE, state="not ready", trouble=trouble)

    shown = dataclasses.replace(page(), sections=(), services=[service], stack="staging")
    text = document(shown)

    assert "not ready</span><br>no answer: see `" in text
    assert "slipway logs serving --stack staging`" in text


def test_what_is_not_known_is_said() -> None:
    """A panel without data has its place, and says so; so do a champion and alerts."""
    text = document(page(Chart(FIGURE, ()), Chart(PLOT, ())))

    assert text.count("no data") == 2
    assert "No model of m is released yet" in text
    assert "None fires." in text
    assert Elements(text).count("svg") == 0


def test_a_model_registry_that_does_not_answer_costs_only_its_own_part() -> None:
    """When things are down is when the page is wanted."""
    shown = dataclasses.replace(page(), sections=(), trouble="http://x does not answer")

    assert "<h2>Champion</h2><p>http://x does not answer</p>" in document(shown)


def test_services_champion_and_alerts_are_there_in_full() -> None:
    """What `status` and `up` print, and what fires."""
    champion = Champion("3", "sha256:abc", {"roc_auc": "0.7", "baseline_roc_auc": "0.6"})
    alert = {
        "labels": {"alertname": "ServiceDown", "severity": "page"},
        "annotations": {"summary": "x < y", "runbook": "docs/runbooks/ServiceDown.md"},
    }
    text = document(page(Chart(FIGURE, ()), champion=champion, alerts=(alert,)))
    cells = re.findall(r"<td>(.*?)</td>", text)

    assert Elements(text).count("table") == 3
    assert cells == [
        "<b>serving</b>",
        '<span class="state down">down</span>',
        '<a href="http://127.0.0.1:1/v2">http://127.0.0.1:1/v2</a>',
        "0.1.0",
        "1 min",
        "2",
        "SIGKILL &lt;",
        *("roc_auc", "0.7000", "0.6000"),
        "<b>ServiceDown</b>",
        "page",
        "x &lt; y",
        "<code>docs/runbooks/ServiceDown.md</code>",
    ]
    assert "<code>sha256:abc</code>" in text


def test_plots_begin_where_something_is_known() -> None:
    """An hour of nothing before the first point would only make the rest small."""
    early = Chart(FIGURE, (Series("y", ((1500.0, 0.0),)),))
    late = Chart(PLOT, (Series("y", ((3000.0, 0.0),)),))

    assert page(early, late).period == (3000.0, 4600)


def test_durations_are_those_of_settings() -> None:
    """5s, 1m, 7d."""
    assert [seconds(text) for text in ("5s", "1m", "2h", "7d", "1w")] == [
        *(5, 60, 7200, 604800, 604800),
    ]
