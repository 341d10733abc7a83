"""Prometheus' configuration as plain data: what it scrapes, its rules, where it alerts.

It knows nothing of the platform's services: jobs and addresses are handed in.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

RULES_FILE = "rules.yml"


@dataclass(frozen=True)
class Job:
    """One scraped service: its name, host:port, and the path of its metrics."""

    name: str
    address: str
    path: str = "/metrics"


def configuration(jobs: list[Job], alertmanager: str, interval: str) -> str:
    """`prometheus.yml` that scrapes `jobs` each `interval` and alerts to host:port."""
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "rule_files": [RULES_FILE],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}],
            },
            "scrape_configs": [
                {
                    "job_name": job.name,
                    "metrics_path": job.path,
                    "static_configs": [{"targets": [job.address]}],
                }
                for job in jobs
            ],
        },
        sort_keys=False,
    )
