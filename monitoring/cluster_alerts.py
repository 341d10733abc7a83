"""Alerts about pods, volumes and quotas: what can go wrong on Kubernetes alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.alert import Alert

if TYPE_CHECKING:
    from monitoring.cluster import Cluster

_POD = "on (namespace, pod)"
_CONTAINER = "on (namespace, pod, container)"
_WHO = "{{ $labels.namespace }}/{{ $labels.pod }}"


def alerts(cluster: Cluster) -> list[Alert]:
    """All of them; those that only the kubelets can tell, where they are asked."""
    ours = cluster.ours
    measured = [_volume_nearly_full(ours)] if cluster.nodes else []
    return [
        _pod_not_ready(ours),
        _pods_missing(ours),
        _container_restarting(ours),
        _container_out_of_memory(ours),
        _quota_nearly_used(ours),
        *measured,
        _logs_dropped(),
    ]


def _pod_not_ready(ours: str) -> Alert:
    return Alert(
        name="PodNotReady",
        expression=(
            f'kube_pod_status_ready{{condition="true",{ours}}} == 0 and {_POD}'
            f' kube_pod_status_phase{{phase=~"Pending|Running|Unknown",{ours}}} == 1'
        ),
        hold="10m",
        severity="ticket",
        summary=f"{_WHO} has not been ready for 10 minutes",
    )


def _pods_missing(ours: str) -> Alert:
    deployments = (
        f"(kube_deployment_spec_replicas{{{ours}}}"
        f" - kube_deployment_status_replicas_available{{{ours}}} > 0)"
    )
    stateful_sets = (
        f"(kube_statefulset_replicas{{{ours}}}"
        f" - kube_statefulset_status_replicas_available{{{ours}}} > 0)"
    )
    return Alert(
        name="PodsMissing",
        expression=f"{deployments} or {stateful_sets}",
        hold="10m",
        severity="page",
        summary=(
            "{{ $labels.deployment }}{{ $labels.statefulset }} of {{ $labels.namespace }} has"
            " lacked {{ $value }} of its pods for 10 minutes"
        ),
    )


def _container_restarting(ours: str) -> Alert:
    return Alert(
        name="ContainerRestarting",
        expression=f"increase(kube_pod_container_status_restarts_total{{{ours}}}[15m]) > 2",
        hold="0s",
        severity="ticket",
        summary=f"{{{{ $labels.container }}}} of {_WHO} restarts again and again",
    )


def _container_out_of_memory(ours: str) -> Alert:
    killed = f'reason="OOMKilled",{ours}'
    again = (
        f"(kube_pod_container_status_last_terminated_reason{{{killed}}} == 1 and {_CONTAINER}"
        f" increase(kube_pod_container_status_restarts_total{{{ours}}}[10m]) > 0)"
    )
    return Alert(
        name="ContainerOutOfMemory",
        expression=f"{again} or kube_pod_container_status_terminated_reason{{{killed}}} == 1",
        hold="0s",
        severity="ticket",
        summary=f"{{{{ $labels.container }}}} of {_WHO} was killed at its memory limit",
    )


def _quota_nearly_used(ours: str) -> Alert:
    used, hard = (f'kube_resourcequota{{type="{kind}",{ours}}}' for kind in ("used", "hard"))
    return Alert(
        name="QuotaNearlyUsed",
        expression=f"{used} / ignoring (type) ({hard} > 0) > 0.9",
        hold="15m",
        severity="ticket",
        summary=(
            "{{ $labels.namespace }} uses {{ $value | humanizePercentage }} of its quota of"
            " {{ $labels.resource }}"
        ),
    )


def _volume_nearly_full(ours: str) -> Alert:
    return Alert(
        name="VolumeNearlyFull",
        expression=(
            f"kubelet_volume_stats_available_bytes{{{ours}}}"
            f" / kubelet_volume_stats_capacity_bytes{{{ours}}} < 0.1"
        ),
        hold="5m",
        severity="page",
        summary=(
            "the volume {{ $labels.persistentvolumeclaim }} of {{ $labels.namespace }} has"
            " {{ $value | humanizePercentage }} left"
        ),
    )


def _logs_dropped() -> Alert:
    return Alert(
        name="LogsDropped",
        expression="sum by (reason) (increase(loki_write_dropped_entries_total[15m])) > 0",
        hold="0s",
        severity="ticket",
        summary="the log collector drops lines that Loki does not take ({{ $labels.reason }})",
    )
