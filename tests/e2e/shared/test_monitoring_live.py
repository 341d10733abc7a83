"""Monitoring on a platform that is up: what is asked for is there; the report shows it."""

import re
import shutil
import stat
import subprocess
from html import unescape
from pathlib import Path

import httpx
import pytest

from monitoring import rules
from monitoring.dashboards import dashboard, panels
from monitoring.dashboards.defaults import at
from monitoring.objective import Objective

pytestmark = [pytest.mark.e2e]

OF_PROMETHEUS_ITSELF = {"up", "scrape_duration_seconds", "ALERTS"}
"""What it makes of scrapes and rules; ALERTS is there only after something was pending."""
RECORDED = re.compile(r"(model|slot):\w+:\w+")


def endpoints(platform) -> list[str]:
    """Every endpoint that Prometheus scrapes."""
    targets = httpx.get(f"{platform.url('prometheus')}/api/v1/targets").json()["data"]
    return [target["scrapeUrl"] for target in targets["activeTargets"]]


@pytest.fixture(scope="module")
def exported(platform) -> set[str]:
    """Names of all metrics that some service declares, whether it has a value yet or not."""
    texts = [httpx.get(url).raise_for_status().text for url in endpoints(platform)]
    names: set[str] = set()
    for text in texts:
        for name, kind in re.findall(r"^# TYPE (\S+) (\w+)", text, re.MULTILINE):
            parts = ("_bucket", "_sum", "_count") if kind in {"histogram", "summary"} else ()
            names |= {name, *(name + part for part in parts)}
    return names


def asked(platform, expression: str) -> set[str]:
    """Names of the metrics that Prometheus itself finds in an expression."""
    answer = httpx.get(
        f"{platform.url('prometheus')}/api/v1/parse_query", params={"query": expression}
    ).json()
    assert answer["status"] == "success", answer
    return set(_names(answer["data"]))


def _names(node: object) -> list[str]:
    if isinstance(node, list):
        return [name for item in node for name in _names(item)]
    if not isinstance(node, dict):
        return []
    own = [node["name"]] if node.get("type") in {"vectorSelector", "matrixSelector"} else []
    return own + [name for value in node.values() for name in _names(value)]


def test_every_panel_asks_for_what_some_service_exports(platform, exported) -> None:
    """Parsed by Prometheus, compared with what the endpoints declare."""
    missing = {
        (each.title, panel.title): unknown
        for each in dashboard.dashboards(Objective())
        for row in panels.rows(each)
        for panel in row.panels
        for query in panel.queries
        if (unknown := _unknown(platform, at(query.expression, "1m"), exported))
    }

    assert missing == {}


def test_every_rule_asks_for_what_some_service_exports(platform, exported) -> None:
    """An alert on a metric that nobody exports would never fire; all of ours are loaded."""
    groups = httpx.get(f"{platform.url('prometheus')}/api/v1/rules").json()["data"]["groups"]
    loaded = {rule["name"]: rule for group in groups for rule in group["rules"]}
    missing = {
        name: unknown
        for name, rule in loaded.items()
        if (unknown := _unknown(platform, rule["query"], exported))
    }

    assert {alert.name for alert in rules.alerts(Objective())} <= set(loaded)
    assert {rule["health"] for rule in loaded.values()} <= {"ok", "unknown"}
    assert missing == {}


def _unknown(platform, expression: str, exported: set[str]) -> set[str]:
    names = {name for name in asked(platform, expression) if not RECORDED.fullmatch(name)}
    return names - exported - OF_PROMETHEUS_ITSELF


@pytest.fixture(scope="module")
def report(platform) -> Path:
    """The page that `slipway report` wrote."""
    done = platform.cli("report")
    assert done.code == 0, done.err
    return Path(done.out.strip())


def test_the_report_shows_services_champion_and_every_panel(platform, report) -> None:
    """One file in the stack's folder, for its owner only."""
    text = report.read_text()
    served = httpx.get(f"{platform.url('serving')}/v2/models/flight-delays").json()
    titles = {
        panel.title
        for each in dashboard.dashboards(Objective())
        for row in panels.rows(each)
        for panel in row.panels
    }

    assert report == platform.cli.folder.path / "report.html"
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert titles == set(map(unescape, re.findall(r"<figcaption>(.*?)</figcaption>", text)))
    assert all(f"<b>{service['name']}</b>" in text for service in platform.summary["services"])
    assert served["parameters"]["digest"] in text
    assert text.count("<path class=") > len(platform.summary["services"])


def test_the_report_goes_where_it_is_told(platform, tmp_path: Path) -> None:
    """A file of any name; a folder is refused in one line."""
    good = platform.cli("report", "--output", str(tmp_path / "new" / "page.html"))
    bad = platform.cli("report", "--output", str(tmp_path))

    assert good.out.strip() == str(tmp_path / "new" / "page.html")
    assert (tmp_path / "new" / "page.html").read_text().startswith("<!doctype html>")
    assert bad.code == 2
    assert bad.err == f"slipway: --output {tmp_path}: Is a directory: name a file\n"


def test_a_browser_draws_the_report(report, tmp_path: Path) -> None:
    """Chromium reads the file whole and finds the plots in its own tree."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("needs Debian's package chromium")
    done = subprocess.run(
        [
            browser,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            f"--user-data-dir={tmp_path}",
            "--dump-dom",
            report.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    written = report.read_text()
    assert done.stdout.count("<svg") == written.count("<svg") > 0
    assert done.stdout.count("<figure") == written.count("<figure")
