"""Prometheus' own tools judge what is written for it."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.home import Home
from monitoring.alert import Alert


@pytest.fixture(scope="session")
def promtool() -> str:
    """Prometheus' checker, from the toolchain."""
    return str(Home.of_environment().tools / "bin" / "promtool")


@pytest.fixture
def judge(promtool: str, tmp_path: Path) -> Callable[[str, Alert, Any], None]:
    """Asserts of a rule file that an alert fires in a case as it says, label by label."""

    def judged(rule_file: str, alert: Alert, case: Any) -> None:
        (tmp_path / "rules.yml").write_text(rule_file)
        (tmp_path / "test.yml").write_text(yaml.safe_dump(as_promtool(alert, case)))
        found = subprocess.run(
            [promtool, "test", "rules", str(tmp_path / "test.yml")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr

    return judged


def as_promtool(alert: Alert, case: Any) -> dict:
    """The case as promtool reads it: series a minute apart, what fires `at` a time."""
    expected = {
        "exp_labels": {"severity": alert.severity} | (case.fires or {}),
        "exp_annotations": {"summary": case.says, "runbook": alert.runbook},
    }
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    asked = {
        "eval_time": case.at,
        "alertname": alert.name,
        "exp_alerts": [] if case.fires is None else [expected],
    }
    test = {"interval": "1m", "input_series": series, "alert_rule_test": [asked]}
    return {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}


def shown(
    promtool: str,
    folder: Path,
    asked: Mapping[str, float | None],
    series: Mapping[str, str],
    at: str = "21m",
) -> None:
    """Assert what expressions give at a time, None being nothing; series have a value a minute."""
    cases = [
        {
            "expr": expression,
            "eval_time": at,
            "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
        }
        for expression, value in asked.items()
    ]
    written = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": "1m", "input_series": written, "promql_expr_test": cases}
    (folder / "test.yml").write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    done = subprocess.run(
        [promtool, "test", "rules", str(folder / "test.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
