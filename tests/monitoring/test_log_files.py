"""Loki's and its collector's files: what a line is known by, and how little is kept in memory."""

import re

import pytest
import yaml

from monitoring import log_collection, loki

COLLECTED = log_collection.configuration(["s", "s-red"], "http://loki:1")
RULES = {
    target: (source, pattern.encode().decode("unicode_escape"))
    for source, pattern, target in re.findall(
        r'source_labels = \["(\w+)"\]\n    regex         = "(.*)"\n    target_label  = "(\w+)"',
        COLLECTED,
    )
}


def relabelled(label: str, value: str) -> str | None:
    """What the rule makes of a value, anchored as Prometheus anchors it."""
    found = re.fullmatch(RULES[label][1], value)
    return found[1] if found else None


@pytest.mark.parametrize(
    ("node", "step"),
    [
        ("two-steps-dw6gq.root.say.executor", "say"),
        ("two-steps-dw6gq.root.say-2.executor(0)", "say-2"),
        ("two-steps-dw6gq.root.say-driver", "say-driver"),
        ("two-steps-dw6gq.root.loop.0.say.executor", "loop.0.say"),
        ("two-steps-dw6gq.root-driver", None),
    ],
)
def test_a_step_is_known_by_its_name_in_the_pipeline(node: str, step: str | None) -> None:
    """The names are those that Argo 4.0.5 gave the pods of a run of KFP 2.17.0."""
    assert relabelled("step", node) == step


def test_a_pipeline_is_known_without_its_run_s_own_letters() -> None:
    """Or each run would be a stream of its own."""
    assert relabelled("pipeline", "two-steps-dw6gq") == "two-steps"


def test_a_run_and_a_pod_are_beside_the_line_and_no_labels() -> None:
    """Loki's streams stay few; both can be searched for all the same."""
    [beside] = re.findall(r"stage.structured_metadata \{\n    values = \{ (.*) \}", COLLECTED)

    assert beside == 'pod = "", run = ""'
    assert RULES["run"][0] == "__meta_kubernetes_pod_label_pipeline_runid"


@pytest.mark.parametrize(
    ("container", "dropped"),
    [("init", True), ("wait", True), ("kfp-launcher", True), ("main", False)],
)
def test_of_a_step_s_pod_only_the_step_is_read(container: str, *, dropped: bool) -> None:
    """The containers are those of a run of KFP 2.17.0; a service's `init` is its own affair."""
    [pattern] = re.findall(r'regex         = "(.*)"\n    action        = "drop"', COLLECTED)

    assert bool(re.fullmatch(pattern, f"{container};two-steps-dw6gq")) == dropped
    assert not re.fullmatch(pattern, f"{container};")


def test_only_our_namespaces_are_asked_for() -> None:
    """The collector has rights in no other."""
    assert 'names = ["s", "s-red"]' in COLLECTED
    assert COLLECTED.count("discovery.kubernetes ") == 1


def test_loki_keeps_logs_as_long_as_it_is_told_and_deletes_them_then() -> None:
    """Without a compactor that deletes, a retention is but a number."""
    written = yaml.safe_load(loki.configuration("/data", "7d"))

    assert written["limits_config"]["retention_period"] == "7d"
    assert written["compactor"]["retention_enabled"] is True
    assert written["compactor"]["delete_request_store"] == "filesystem"


def test_loki_s_caches_are_small_and_its_parts_on_loopback() -> None:
    """Its own default is a gigabyte of cache, and a port that everybody reaches."""
    written = yaml.safe_load(loki.configuration("/data", "7d"))
    cache = written["chunk_store_config"]["chunk_cache_config"]["embedded_cache"]

    assert cache["max_size_mb"] == 16
    assert written["server"]["grpc_listen_address"] == "127.0.0.1"
    assert written["analytics"] == {"reporting_enabled": False}
