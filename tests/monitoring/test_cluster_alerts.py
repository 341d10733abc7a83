"""Alerts about Kubernetes and pipelines: they fire when they should, and only on clusters."""

from dataclasses import dataclass

import pytest

from monitoring import rules
from monitoring.cluster import Cluster, Tenant
from monitoring.objective import Objective

OBJECTIVE = Objective()
CLUSTER = Cluster("s", (Tenant("a", "s-a"),))
EVERYWHERE = {alert.name for alert in rules.alerts(OBJECTIVE)}
ALERTS = {
    alert.name: alert for alert in rules.alerts(OBJECTIVE, CLUSTER) if alert.name not in EVERYWHERE
}


@dataclass(frozen=True)
class Case:
    """Series by name, a minute apart; what fires `at` a time."""

    alert: str
    when: str
    series: dict[str, str]
    at: str
    fires: dict[str, str] | None = None
    says: str = ""


def pod(metric: str, namespace: str = "s-a", **more: str) -> str:
    """A series of the pod `p` and its container `c`."""
    labels = {"namespace": namespace, "pod": "p"} | more
    listed = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{listed}}}"


_POD = {"namespace": "s-a", "pod": "p"}
_READY = pod("kube_pod_status_ready", condition="true")
_RUNNING = pod("kube_pod_status_phase", phase="Running")
_RESTARTS = pod("kube_pod_container_status_restarts_total", container="c")
_OOM = {"container": "c", "reason": "OOMKilled"}
_KILLED_ONCE = pod("kube_pod_container_status_terminated_reason", **_OOM)
_KILLED_LAST = pod("kube_pod_container_status_last_terminated_reason", **_OOM)
_WANTED = 'kube_deployment_spec_replicas{namespace="s",deployment="d"}'
_THERE = 'kube_deployment_status_replicas_available{namespace="s",deployment="d"}'
_SET_WANTED = 'kube_statefulset_replicas{namespace="s",statefulset="t"}'
_SET_THERE = 'kube_statefulset_status_replicas_available{namespace="s",statefulset="t"}'
_CLAIM = 'namespace="s",persistentvolumeclaim="loki"'
_LEFT = f"kubelet_volume_stats_available_bytes{{{_CLAIM}}}"
_SIZE = f"kubelet_volume_stats_capacity_bytes{{{_CLAIM}}}"
_QUOTA = 'namespace="s-a",resourcequota="q",resource="pods"'
_USED, _HARD = (f'kube_resourcequota{{{_QUOTA},type="{kind}"}}' for kind in ("used", "hard"))
_LOST = 'loki_write_dropped_entries_total{reason="ingester_error"}'
_FAILED = 'argo_workflows_total_count{phase="Failed",namespace="s-a"}'
_SUCCEEDED = 'argo_workflows_total_count{phase="Succeeded",namespace="s-a"}'
_ERRORS = 'argo_workflows_error_count{cause="OperationPanic"}'
_QUEUE = 'argo_workflows_queue_depth_gauge{queue_name="workflow_queue"}'
_WAITING = 'argo_workflows_pods_gauge{phase="Pending"}'

CASES = (
    Case(
        "PodNotReady",
        "running, not ready",
        {_READY: "0x12", _RUNNING: "1x12"},
        "11m",
        _POD | {"condition": "true"},
        "s-a/p has not been ready for 10 minutes",
    ),
    Case("PodNotReady", "a finished step", {_READY: "0x12", _RUNNING: "0x12"}, "11m"),
    Case(
        "PodNotReady",
        "another's namespace",
        {
            pod("kube_pod_status_ready", "s-b", condition="true"): "0x12",
            pod("kube_pod_status_phase", "s-b", phase="Running"): "1x12",
        },
        "11m",
    ),
    Case(
        "PodsMissing",
        "of a deployment",
        {_WANTED: "3x12", _THERE: "1x12"},
        "11m",
        {"namespace": "s", "deployment": "d"},
        "d of s has lacked 2 of its pods for 10 minutes",
    ),
    Case(
        "PodsMissing",
        "of a stateful set",
        {_SET_WANTED: "1x12", _SET_THERE: "0x12"},
        "11m",
        {"namespace": "s", "statefulset": "t"},
        "t of s has lacked 1 of its pods for 10 minutes",
    ),
    Case("PodsMissing", "none", {_WANTED: "3x12", _THERE: "3x12"}, "11m"),
    Case(
        "ContainerRestarting",
        "four times",
        {_RESTARTS: "0 1 2 3 4"},
        "4m",
        _POD | {"container": "c"},
        "c of s-a/p restarts again and again",
    ),
    Case("ContainerRestarting", "once", {_RESTARTS: "0 1 1 1 1"}, "4m"),
    Case(
        "ContainerOutOfMemory",
        "a step's end",
        {_KILLED_ONCE: "1x3"},
        "2m",
        _POD | _OOM,
        "c of s-a/p was killed at its memory limit",
    ),
    Case(
        "ContainerOutOfMemory",
        "and again",
        {_KILLED_LAST: "1x5", _RESTARTS: "0 1 1 1 1"},
        "4m",
        _POD | _OOM,
        "c of s-a/p was killed at its memory limit",
    ),
    Case("ContainerOutOfMemory", "an hour ago", {_KILLED_LAST: "1x60", _RESTARTS: "1x60"}, "60m"),
    Case(
        "QuotaNearlyUsed",
        "19 of 20",
        {_USED: "19x20", _HARD: "20x20"},
        "16m",
        {"namespace": "s-a", "resourcequota": "q", "resource": "pods"},
        "s-a uses 95% of its quota of pods",
    ),
    Case("QuotaNearlyUsed", "half of it", {_USED: "10x20", _HARD: "20x20"}, "16m"),
    Case("QuotaNearlyUsed", "nothing is granted", {_USED: "0x20", _HARD: "0x20"}, "16m"),
    Case(
        "VolumeNearlyFull",
        "a twentieth left",
        {_LEFT: "5x9", _SIZE: "100x9"},
        "6m",
        {"namespace": "s", "persistentvolumeclaim": "loki"},
        "the volume loki of s has 5% left",
    ),
    Case("VolumeNearlyFull", "half left", {_LEFT: "50x9", _SIZE: "100x9"}, "6m"),
    Case(
        "LogsDropped",
        "some",
        {_LOST: "0 0 9 9"},
        "3m",
        {"reason": "ingester_error"},
        "the log collector drops lines that Loki does not take (ingester_error)",
    ),
    Case("LogsDropped", "none", {_LOST: "0x3"}, "3m"),
    Case(
        "PipelineRunsFail",
        "the first ever",
        {_FAILED: "_ _ 1 1"},
        "3m",
        {"namespace": "s-a"},
        "pipeline runs of s-a failed within 15 minutes",
    ),
    Case(
        "PipelineRunsFail",
        "one more",
        {_FAILED: "7x20 8x3"},
        "22m",
        {"namespace": "s-a"},
        "pipeline runs of s-a failed within 15 minutes",
    ),
    Case("PipelineRunsFail", "long ago", {_FAILED: "7x40"}, "40m"),
    Case("PipelineRunsFail", "success", {_SUCCEEDED: "0+1x20"}, "20m"),
    Case(
        "WorkflowControllerErrors",
        "a panic",
        {_ERRORS: "_ _ 1 1"},
        "3m",
        {"cause": "OperationPanic"},
        "the workflow controller stumbled: OperationPanic",
    ),
    Case("WorkflowControllerErrors", "long ago", {_ERRORS: "1x40"}, "40m"),
    Case(
        "WorkflowQueueGrows",
        "for a quarter of an hour",
        {_QUEUE: "30x20"},
        "16m",
        {"queue_name": "workflow_queue"},
        "30 workflows have waited for the controller for 15 minutes",
    ),
    Case("WorkflowQueueGrows", "for a moment", {_QUEUE: "0x10 30 0x10"}, "16m"),
    Case(
        "PipelinePodsWait",
        "for a quarter of an hour",
        {_WAITING: "2x20"},
        "16m",
        {"phase": "Pending"},
        "2 pods of pipelines have found no node for 15 minutes",
    ),
    Case("PipelinePodsWait", "for a moment", {_WAITING: "0x10 2 0x10"}, "16m"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}, {case.when}")
def test_an_alert_about_kubernetes_fires_when_it_should(judge, case: Case) -> None:
    """Labels and text are whole, or there is no alert at all."""
    judge(rules.rules(OBJECTIVE, CLUSTER), ALERTS[case.alert], case)


def test_every_alert_about_kubernetes_is_seen_firing_and_silent() -> None:
    """No alert is without a test of both."""
    seen = {(case.alert, case.fires is not None) for case in CASES}

    assert seen == {(name, fires) for name in ALERTS for fires in (True, False)}


def test_processes_have_no_rule_about_kubernetes() -> None:
    """No series of a cluster's is asked for where there is none."""
    text = rules.rules(OBJECTIVE)

    assert not [name for name in ("kube_", "kubelet_", "argo_", "loki_") if name in text]


def test_without_the_kubelets_nothing_of_theirs_is_asked() -> None:
    """Where node metrics are off, no rule waits for them in vain."""
    without = rules.rules(OBJECTIVE, Cluster("s", nodes=False))

    assert "kubelet_" not in without
    assert "kube_pod_status_ready" in without
