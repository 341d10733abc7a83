"""Prometheus' configuration as plain data: what it scrapes, its rules, where it alerts.

It knows nothing of the platform's services: jobs and addresses are handed in. Only where a
cluster is named does it ask Kubernetes anything: a Prometheus without that discovery (the
process target's is built so) reads the same configuration without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from monitoring.cluster import KUBELET_RESOURCES, KUBELET_VOLUMES, SCRAPE_RESOURCES, SCRAPE_VOLUMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitoring.cluster import Cluster

RULES_FILE = "rules.yml"
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - a path

ScrapeConfig = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One scraped service: its name, host:port, and the path of its metrics.

    Of a `replicated` service, what answers at the address is any of them: in a cluster each
    is found for itself, by the `port` of that name.
    """

    name: str
    address: str
    path: str = "/metrics"
    replicated: bool = False
    port: str = "http"


def configuration(
    jobs: Sequence[Job], alertmanager: str, interval: str, cluster: Cluster | None = None
) -> str:
    """`prometheus.yml` that scrapes `jobs` each `interval` and alerts to host:port."""
    kubelets = _kubelets(cluster) if cluster and cluster.nodes else []
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": interval, "evaluation_interval": interval},
            "rule_files": [RULES_FILE],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}],
            },
            "scrape_configs": [*(_job(job, cluster) for job in jobs), *kubelets],
        },
        sort_keys=False,
        width=200,
    )


def _job(job: Job, cluster: Cluster | None) -> ScrapeConfig:
    where = (
        _every_copy(job, cluster.namespace)
        if cluster and job.replicated
        else {"static_configs": [{"targets": [job.address]}]}
    )
    return {"job_name": job.name, "metrics_path": job.path, **where}


def _every_copy(job: Job, namespace: str) -> ScrapeConfig:
    """The running pods of a service, each by its own name."""
    pod = "__meta_kubernetes_pod"
    return {
        "kubernetes_sd_configs": [
            {
                "role": "pod",
                "namespaces": {"names": [namespace]},
                "selectors": [{"role": "pod", "label": f"app.kubernetes.io/name={job.name}"}],
            }
        ],
        "relabel_configs": [
            _keep(f"{pod}_container_port_name", job.port),
            _keep(f"{pod}_phase", "Running"),
            {"source_labels": [f"{pod}_name"], "target_label": "instance"},
        ],
    }


def _kubelets(cluster: Cluster) -> list[ScrapeConfig]:
    """Every node's kubelet, at its own port.

    To go by the API server's proxy would need the right to `nodes/proxy`, and with it one to
    run commands in every pod.
    """
    return [
        _kubelet(SCRAPE_RESOURCES, "/metrics/resource", KUBELET_RESOURCES, cluster),
        _kubelet(SCRAPE_VOLUMES, "/metrics", KUBELET_VOLUMES, cluster),
    ]


def _kubelet(name: str, path: str, kept: Sequence[str], cluster: Cluster) -> ScrapeConfig:
    return {
        "job_name": name,
        "metrics_path": path,
        "scheme": "https",
        "authorization": {"credentials_file": _TOKEN},
        # A kubelet signs its own certificate unless the cluster was set up otherwise.
        "tls_config": {"insecure_skip_verify": True},
        "kubernetes_sd_configs": [{"role": "node"}],
        "metric_relabel_configs": [
            _keep("__name__", "|".join(kept)),
            # What is about a node as a whole has no namespace.
            _keep("namespace", "|".join(("", *cluster.namespaces))),
        ],
    }


def _keep(label: str, pattern: str) -> ScrapeConfig:
    return {"source_labels": [label], "regex": pattern, "action": "keep"}
