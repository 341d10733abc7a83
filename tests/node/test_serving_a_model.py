"""A model released to the platform on the node answers."""

from collections.abc import Iterator

import pytest

from infra.settings.tree import Settings
from slipway.models import predict
from slipway.runs.run import RunResult, run_pipeline
from slipway.stack.running import Running

pytestmark = [pytest.mark.node]

MODEL = "flight-delays"


@pytest.fixture(scope="module")
def running(on_node) -> Iterator[Running]:
    """The services that steps and clients call, each by a way of its own from here."""
    on_node.needs("object-store", "tracking", "registry", "serving")
    with (
        on_node.cluster.forward("object-store") as store,
        on_node.cluster.forward("tracking") as tracking,
        on_node.cluster.forward("registry") as registry,
        on_node.cluster.forward("serving") as serving,
    ):
        addresses = {
            "object-store": store,
            "tracking": tracking,
            "registry": registry,
            "serving": serving,
        }
        services = {name: {"url": f"http://{address}"} for name, address in addresses.items()}
        yield Running(services, on_node.secrets)


@pytest.fixture(scope="module")
def released(running: Running, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """What the training pipeline came to, its steps run here against the platform there."""
    return run_pipeline(
        "training",
        {"rounds": "40"},
        run_dir=tmp_path_factory.mktemp("run"),
        on_event=lambda _event: None,
        env=running.step_environment(Settings()),
    )


def test_a_released_model_answers_a_prediction(running, released, until) -> None:
    """The server on the node follows the alias to the very package that was pushed."""
    assert released.failure is None
    champion = running.champion(MODEL, "champion")
    assert champion is not None
    # In a namespace that was kept, the same model again is no better than itself.
    assert champion.digest == released.outputs.get("package", champion.digest)

    path = f"{running.url('serving')}/v2/models/{MODEL}"
    until(lambda: _digest_served(path) != champion.digest, 60)
    row = predict.example(running, MODEL, champion.digest)
    answer = predict.predict(running, MODEL, [row, row])

    assert [len(values) for values in answer.outputs.values()] == [2] * len(answer.outputs)
    assert answer.outputs


def _digest_served(path: str) -> str | None:
    found = predict.ask(path)
    digest: str | None = found.json()["parameters"]["digest"] if found.is_success else None
    return digest
