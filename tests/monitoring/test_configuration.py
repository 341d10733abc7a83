"""Prometheus' and Alertmanager's files: what is written is what their own checkers accept."""

import re
import subprocess
from pathlib import Path

import yaml

from monitoring import alertmanager, prometheus, rules
from monitoring.cluster import Cluster, Tenant
from monitoring.objective import Objective

ROOT = Path(__file__).resolve().parents[2]
JOBS = [prometheus.Job("serving", "127.0.0.1:1"), prometheus.Job("x", "127.0.0.1:2", "/other")]


def test_each_job_is_scraped_at_its_address_and_path() -> None:
    """One scrape configuration a job."""
    written = yaml.safe_load(prometheus.configuration(JOBS, "127.0.0.1:3", "5s"))

    assert [(job["job_name"], job["metrics_path"]) for job in written["scrape_configs"]] == [
        ("serving", "/metrics"),
        ("x", "/other"),
    ]


def test_promtool_accepts_configuration_and_rules(promtool: str, tmp_path: Path) -> None:
    """Prometheus itself would load them."""
    (tmp_path / "prometheus.yml").write_text(prometheus.configuration(JOBS, "127.0.0.1:3", "5s"))
    (tmp_path / prometheus.RULES_FILE).write_text(rules.rules(Objective()))

    checked = subprocess.run(
        [promtool, "check", "config", str(tmp_path / "prometheus.yml")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stderr) == (0, "")


def test_without_a_cluster_nothing_is_asked_of_kubernetes() -> None:
    """A Prometheus that knows no discovery reads it; several copies are one address there."""
    scaled = [prometheus.Job("serving", "127.0.0.1:1", replicated=True)]

    written = yaml.safe_load(prometheus.configuration(scaled, "127.0.0.1:3", "5s"))

    assert written["scrape_configs"] == [
        {
            "job_name": "serving",
            "metrics_path": "/metrics",
            "static_configs": [{"targets": ["127.0.0.1:1"]}],
        }
    ]


def test_of_the_kubelets_only_our_namespaces_and_the_nodes_are_kept() -> None:
    """What others run on the same nodes is none of our business."""
    cluster = Cluster("s", (Tenant("red", "s-red"),))
    written = yaml.safe_load(prometheus.configuration([], "127.0.0.1:3", "5s", cluster))

    for job in written["scrape_configs"]:
        kept = {
            rule["source_labels"][0]: re.compile(rule["regex"])
            for rule in job["metric_relabel_configs"]
        }
        names = ("", "s", "s-red", "s-blue")
        assert [each for each in names if kept["namespace"].fullmatch(each)] == ["", "s", "s-red"]
        assert not kept["__name__"].fullmatch("kubelet_running_pods")
        assert job["tls_config"] == {"insecure_skip_verify": True}


def test_alertmanager_routes_to_a_receiver_that_exists() -> None:
    """No alert falls on the floor."""
    written = yaml.safe_load(alertmanager.configuration())

    assert written["route"]["receiver"] in {receiver["name"] for receiver in written["receivers"]}
