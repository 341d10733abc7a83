"""`slipway status` says what a load balancer would: of the model server, and by its exit code."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from infra.home import Home, StackDir
from infra.settings.tree import Settings
from infra.targets.processes.supervisor import Supervised
from slipway.commands import main, target
from slipway.models import served
from slipway.models.served import Refused, ServedSlot
from slipway.operations.cluster import status as cluster_status
from slipway.operations.processes import status
from slipway.operations.processes.target import ProcessTarget
from slipway.operations.target import Pods, all_up, came_up
from slipway.reporting import summary as report
from slipway.stack.running import Running

MODEL = "flight-delays"
NO_MODEL = f"no version of {MODEL!r} has the alias 'champion' yet"
FAULT = {"version": "2", "reason": "untrusted", "error": "Key mismatch"}
SERVICES = {
    name: {"url": f"http://{name}", "ui": "", "version": "1", "health": "/health"}
    for name in ("serving", "tracking", "prometheus")
}


def slots(champion: str, refused: dict | None = None) -> dict:
    """What the model server answers of its slots."""
    return {
        "model": MODEL,
        "slots": [
            {"slot": "champion", "version": champion, "refused": refused},
            {"slot": "challenger", "version": "", "refused": None},
            {"slot": "shadow", "version": "", "refused": None},
        ],
    }


def answers(
    reason: str, told: dict | None, share: str = "NaN"
) -> Callable[[httpx.Request], httpx.Response]:
    """A stack's services over HTTP; the model server is ready where there is no reason against."""

    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/v2/health/ready":
                more = {"error": reason} if reason else {}
                return httpx.Response(503 if reason else 200, json={"ready": not reason} | more)
            case "/v2/slots" if told is not None:
                return httpx.Response(200, json=told)
            case "/api/v1/query":
                result = [{"metric": {}, "value": [1, share]}]
                return httpx.Response(200, json={"data": {"result": result}})
        return httpx.Response(404, json={"error": "no such path"})

    return answer


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Running]:
    """A stack whose processes all run and listen, and whose services answer so."""
    home = Home(tmp_path, tmp_path)

    def of(answer: Callable[[httpx.Request], httpx.Response]) -> Running:
        def client(_: Running, service: str) -> httpx.Client:
            transport = httpx.MockTransport(answer)
            return httpx.Client(transport=transport, base_url=f"http://{service}")

        running = Running(SERVICES, {})
        monkeypatch.setattr(Running, "_client", client)
        monkeypatch.setattr(ProcessTarget, "running", lambda _: running)
        monkeypatch.setattr(target, "of_stack", lambda name: ProcessTarget(home, name, Settings()))
        return running

    seen = {name: Supervised("RUNNING", 7, 60, "") for name in SERVICES}
    monkeypatch.setattr("slipway.operations.processes.status.supervisor.states", lambda _: seen)
    monkeypatch.setattr("slipway.operations.processes.status.health.answers", lambda *_: True)
    monkeypatch.setattr("slipway.operations.processes.status.history.exits", lambda *_: [])
    monkeypatch.delenv("SLIPWAY_STACK", raising=False)
    return of


def down(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def test_each_slot_s_version_what_was_refused_and_what_fails_is_told(stack) -> None:
    """A refused version stands beside the one that serves on."""
    found = served.ask(stack(answers("", slots("1", FAULT), "0.25")))

    assert (found.ready, found.trouble, found.model) == (True, "", MODEL)
    assert found.slots[0] == ServedSlot("champion", "1", Refused(**FAULT))
    assert found.error_share == 0.25
    assert not found.untrained


@pytest.mark.parametrize(
    ("answer", "trouble", "untrained"),
    [
        (answers(NO_MODEL, slots("")), NO_MODEL, True),
        (answers("version 2 was refused", slots("", FAULT)), "version 2 was refused", False),
        (answers("the server is about to end", slots("1")), "the server is about", False),
        (answers(NO_MODEL, None), NO_MODEL, False),
        (down, "http://serving does not answer (refused): see `slipway status`", False),
    ],
    ids=["no model", "refused", "ending", "an older server", "down"],
)
def test_a_server_that_takes_no_requests_is_not_ready(stack, answer, trouble, untrained) -> None:
    """With what it says of it; only one that waits for a first model is as it should be."""
    found = served.ask(stack(answer))

    assert (found.ready, found.untrained, found.error_share) == (False, untrained, None)
    assert found.trouble.startswith(trouble)


@pytest.mark.parametrize(
    ("answer", "code", "word", "said"),
    [
        (answers("", slots("1"), "0"), 0, "up", "0.00% of the requests of 5 minutes"),
        (answers("", slots("1", FAULT)), 0, "up", "refused for champion: version 2 (untrus"),
        (answers(NO_MODEL, slots("")), 1, "not ready", "run training --stack existing"),
        (answers("version 2 was refused", slots("", FAULT)), 1, "not ready", "Key mismatch"),
        (down, 1, "not ready", "http://serving does not answer"),
    ],
    ids=["serving", "an update refused", "no model", "refused", "down"],
)
def test_the_exit_code_is_what_a_load_balancer_is_told(stack, answer, code, word, said) -> None:
    """That it listens is not enough; the text and the JSON have the same facts."""
    stack(answer)

    shown = CliRunner().invoke(main.app, ["status", "--stack", "existing"], env={"COLUMNS": "200"})
    told = CliRunner().invoke(main.app, ["status", "--json"])

    assert (shown.exit_code, told.exit_code) == (code, code)
    assert said in shown.output
    [server] = [each for each in json.loads(told.output) if each["name"] == "serving"]
    assert (server["state"], server["model"]["ready"]) == (word, code == 0)
    assert server["state"] in shown.output


def test_another_service_that_listens_and_is_not_well_is_not_ready(stack, monkeypatch) -> None:
    """Its own health check decides, as a load balancer's would."""
    running = stack(answers("", slots("1")))
    monkeypatch.setattr(
        "slipway.operations.processes.status.health.answers",
        lambda where, path: (where, path) != ("tracking", "/health"),
    )

    found = {each.name: each for each in status.states(running, StackDir("/nowhere"))}

    assert {name: each.state for name, each in found.items()} == {
        "serving": "up",
        "tracking": "not ready",
        "prometheus": "up",
    }
    assert found["tracking"].trouble == "http://tracking/health does not answer as it should"


@pytest.mark.parametrize(
    ("answer", "up"),
    [
        (answers("", slots("1")), True),
        (answers(NO_MODEL, slots("")), True),
        (answers("version 2 was refused", slots("", FAULT)), False),
        (down, False),
    ],
    ids=["serving", "no model", "refused", "down"],
)
def test_up_has_done_its_work_where_all_that_lacks_is_a_first_model(stack, answer, up) -> None:
    """`up --no-train` does what it was asked; its table says, as `status` does, what is missing."""
    found = status.states(stack(answer), StackDir("/nowhere"))
    model = report.ModelSummary(MODEL, None, {}, {}, None, None)
    summary = report.Summary("local", found, [], model)

    assert (summary.exit_code == 0) == up


@pytest.mark.parametrize(
    ("answer", "state", "trouble"),
    [
        (answers("", slots("1")), "up", ""),
        (answers(NO_MODEL, slots("")), "not ready", NO_MODEL),
    ],
)
def test_a_pod_that_is_ready_without_a_model_is_not_up(
    stack, monkeypatch, answer, state, trouble
) -> None:
    """Its probe lets a first `up` succeed; callers are refused all the same."""
    running = stack(answer)
    labels = {"app.kubernetes.io/name": "serving"}
    pod = {
        "metadata": {"labels": labels},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    workload = {"metadata": {"name": "serving"}, "spec": {"replicas": 1}}
    monkeypatch.setattr(cluster_status, "_apps", lambda *_: [workload])
    monkeypatch.setattr(cluster_status, "_pods", lambda _: [pod])

    [server] = [each for each in cluster_status.states(running) if each.name == "serving"]

    assert (server.state, server.trouble, server.instance) == (state, trouble, Pods(1, 1))
    assert server.model == served.ask(running)
    assert all_up([server]) == (state == "up")
    assert came_up([server])
