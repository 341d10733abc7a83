"""Compiled pipelines, and the names of their versions."""

from pathlib import Path

import pytest

from contracts.steps import IMAGE
from infra.kubeflow import compiled
from infra.kubeflow.compiled import Compiled, CompileError, compile_all

GOLDEN = Path(__file__).parents[1] / "golden" / "training.yaml"
ON = "registry.example.org/slipway@sha256:" + "1" * 64


@pytest.fixture
def training() -> Compiled:
    """The golden file."""
    return Compiled("training", GOLDEN.read_text())


def test_every_step_gets_the_image_and_nothing_else_changes(training: Compiled) -> None:
    """Nine steps, one image, by digest."""
    placed = training.on(ON)

    assert placed.text.count(f"image: {ON}\n") == 9
    assert placed.text.replace(ON, IMAGE) == training.text


def test_a_version_is_named_by_what_is_uploaded(training: Compiled) -> None:
    """The same text has one name; another image or another graph has another."""
    names = [
        training.version,
        training.on(ON).version,
        Compiled("training", training.text.replace("10", "11")).version,
    ]

    assert Compiled("training", training.text).version == names[0]
    assert len(set(names)) == 3


def test_what_it_says_of_itself(training: Compiled) -> None:
    """Parameters by their types, and the description."""
    assert training.parameters == {
        "accept_breaking": "BOOLEAN",
        "mlflow_run": "STRING",
        "months": "STRING",
        "rounds": "NUMBER_INTEGER",
        "seed": "NUMBER_INTEGER",
        "source": "STRING",
        "usecase": "STRING",
    }
    assert training.defaults == {
        "accept_breaking": False,
        "mlflow_run": "",
        "months": "1-3",
        "rounds": 400,
        "seed": 7,
        "source": "",
        "usecase": "flight_delays",
    }
    assert isinstance(training.defaults["rounds"], int)
    assert training.description.startswith("Train, judge")


def test_pipelines_are_compiled_in_a_process_of_their_own(training: Compiled) -> None:
    """All of them, each as its golden file."""
    assert compile_all() == {"training": training}


def test_a_pipeline_that_does_not_compile_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last word of what went wrong, and where to look."""
    monkeypatch.setattr(compiled, "_COMPILER", "pipelines.nowhere")

    with pytest.raises(CompileError, match=r"not compile \(.*No module named .*nowhere'?\): men"):
        compile_all()
