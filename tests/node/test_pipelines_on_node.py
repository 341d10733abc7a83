"""Kubeflow Pipelines on the node: what it runs, by the clock too, and what it was refused."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from kfp import compiler, dsl

from infra import versions

pytestmark = [pytest.mark.node]

SERVICES = (
    *("database", "object-store", "ml-pipeline", "ml-pipeline-persistenceagent"),
    *("ml-pipeline-scheduledworkflow", "workflow-controller", "metadata-grpc-service"),
)
STEP_IMAGES = ("kfp-driver", "kfp-launcher", "argo-executor", "slipway")
ENDED = {"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"}
RUNS = "/apis/v2beta1/runs"
RECURRING = "/apis/v2beta1/recurringruns"


@dsl.component(base_image=versions.IMAGES["slipway"], install_kfp_package=False)
def say(word: str) -> str:
    """Return the word, louder: no two steps of a run are given the same."""
    return word + "!"


@dsl.component(base_image=versions.IMAGES["slipway"], install_kfp_package=False)
def sleep(seconds: int) -> None:
    """Take long."""
    import time  # noqa: PLC0415 - kfp ships the body alone

    time.sleep(seconds)


@dsl.pipeline
def two_steps(word: str) -> None:
    """One step after the other."""
    say(word=say(word=word).output)


@dsl.pipeline
def endless() -> None:
    """A step that only ends when it is told to."""
    sleep(seconds=3600)


@pytest.fixture(scope="module")
def pipelines(on_node) -> Iterator[httpx.Client]:
    """KFP's interface, with all that it needs on the node."""
    on_node.needs(*SERVICES)
    for image in STEP_IMAGES:
        on_node.needs_image(versions.IMAGES[image])
    with on_node.client("ml-pipeline") as client:
        yield client


@pytest.fixture
def compiled(tmp_path: Path):
    """A pipeline as the API takes it."""

    def compile_it(pipeline) -> dict:
        path = tmp_path / "pipeline.yaml"
        compiler.Compiler().compile(pipeline, str(path))
        return as_given(path.read_text())

    return compile_it


def as_given(text: str) -> dict:
    """A compiled pipeline with what it asks of the cluster, if it does."""
    documents = list(yaml.safe_load_all(text))
    names = ("pipeline_spec", "platform_spec")
    return dict(zip(names, documents, strict=False)) if documents[1:] else documents[0]


def submit(client: httpx.Client, spec: dict, **arguments: object) -> str:
    """Start a run."""
    body = {
        "display_name": "of-a-test",
        "pipeline_spec": spec,
        "runtime_config": {"parameters": arguments},
    }
    answer = client.post(RUNS, json=body)
    assert answer.is_success, answer.text
    started: str = answer.json()["run_id"]
    return started


def ended(client: httpx.Client, run: str, seconds: float = 400) -> dict:
    """The run when it has ended."""
    deadline = time.monotonic() + seconds
    while (found := client.get(f"{RUNS}/{run}").raise_for_status().json())["state"] not in ENDED:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    return found


def pods_of(on_node, run: str) -> list[dict]:
    """The pods that a run made."""
    found: list[dict] = on_node.cluster.get("pods", "-l", f"pipeline/runid={run}")["items"]
    return found


def test_two_steps_run_and_run_from_cache(
    on_node, pipelines, compiled, record_testsuite_property
) -> None:
    """New work is done in a pod a step; the same again needs no pod but its drivers."""
    spec = compiled(two_steps)
    word = f"at {time.time()}"
    runs, works = [], []
    for name in ("seconds of two steps", "seconds of two cached steps"):
        begun = time.monotonic()
        runs.append(ended(pipelines, submit(pipelines, spec, word=word)))
        record_testsuite_property(name, round(time.monotonic() - begun, 1))
        pods = pods_of(on_node, runs[-1]["run_id"])
        works.append(sum("-impl" in pod["metadata"]["name"] for pod in pods))

    assert [run["state"] for run in runs] == ["SUCCEEDED", "SUCCEEDED"]
    assert works == [2, 0]


def test_every_pod_of_a_run_is_held(on_node, pipelines, compiled) -> None:
    """Drivers, launchers and the steps' own containers meet the standard they run under."""
    run = ended(pipelines, submit(pipelines, compiled(two_steps), word=f"at {time.time()}"))

    held = {
        container["name"]: container["securityContext"]
        for pod in pods_of(on_node, run["run_id"])
        for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]
    }

    assert {"main", "wait", "init", "kfp-launcher"} <= set(held)
    for name, context in held.items():
        assert context["capabilities"] == {"drop": ["ALL"]}, name
        assert context["allowPrivilegeEscalation"] is False, name


def test_a_run_is_terminated(on_node, pipelines, compiled, until) -> None:
    """A step that would take an hour is gone in a minute, and so is its run."""
    run = submit(pipelines, compiled(endless))
    until(lambda: not _running(on_node, run), 120)

    pipelines.post(f"{RUNS}/{run}:terminate").raise_for_status()

    assert ended(pipelines, run, 60)["state"] in {"CANCELED", "FAILED"}
    until(lambda: _running(on_node, run), 30)


def test_a_recurring_run_runs(pipelines, compiled, until) -> None:
    """By its interval, with nobody asking.

    Its run is waited for: whatever a recurring run still runs goes with it when it is deleted.
    """
    body = {
        "display_name": "of-a-test",
        "pipeline_spec": compiled(two_steps),
        "runtime_config": {"parameters": {"word": f"at {time.time()}"}},
        "trigger": {"periodic_schedule": {"interval_second": "10"}},
        "max_concurrency": "1",
        "no_catchup": True,
        "mode": "ENABLE",
    }
    answer = pipelines.post(RECURRING, json=body)
    assert answer.is_success, answer.text
    recurring = answer.json()["recurring_run_id"]
    try:
        until(lambda: not _runs_of(pipelines, recurring), 90)
        first = ended(pipelines, _runs_of(pipelines, recurring)[0], 150)
    finally:
        pipelines.delete(f"{RECURRING}/{recurring}").raise_for_status()

    assert first["state"] == "SUCCEEDED"


def test_nothing_was_refused(on_node) -> None:
    """Whatever ran until here, the API server answered no account of ours with 403."""
    path = os.environ.get("SLIPWAY_TEST_AUDIT_LOG")
    if not path:
        pytest.skip("SLIPWAY_TEST_AUDIT_LOG names no audit log of the API server")
    accounts = f"system:serviceaccount:{on_node.cluster.namespace}:"
    with Path(path).open() as lines:
        events = [json.loads(line) for line in lines if accounts in line]

    refused = {
        (
            event["user"]["username"].removeprefix(accounts),
            event["verb"],
            event["objectRef"]["resource"],
            event["objectRef"].get("subresource", ""),
        )
        for event in events
        if event["requestReceivedTimestamp"] > on_node.begun
        and event["user"]["username"].startswith(accounts)
        and event["responseStatus"]["code"] == httpx.codes.FORBIDDEN
    }

    assert events
    assert refused == set()


def _running(on_node, run: str) -> list[str]:
    return [
        pod["metadata"]["name"]
        for pod in pods_of(on_node, run)
        if "-impl" in pod["metadata"]["name"] and pod["status"]["phase"] == "Running"
    ]


def _runs_of(client: httpx.Client, recurring: str) -> list[str]:
    answer = client.get(RUNS, params={"page_size": 200})
    return [
        run["run_id"]
        for run in answer.raise_for_status().json().get("runs", [])
        if run.get("recurring_run_id") == recurring
    ]
