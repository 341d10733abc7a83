"""The door from a notebook: a packaged model as MLflow loads it."""

import hashlib
import importlib.metadata
import json

import mlflow
import numpy as np
import pandas as pd
import polars as pl
import pytest
from mlflow.exceptions import MlflowException
from onnx import TensorProto, helper

from slipway.models import mlflow_plugin
from slipway.models.mlflow_plugin import OciArtifactRepository

# MLflow says so of its own classes, when it is loaded.
pytestmark = pytest.mark.filterwarnings("ignore:.*is inferred as AnyType:UserWarning")

DIGEST = f"sha256:{hashlib.sha256(b'x').hexdigest()}"
URI = f"oci://models/toy@{DIGEST}"
COLUMN = ["N", 1]


def graph() -> bytes:
    """The sum of `far` and `hour`, a missing `far` being 0, and of 1 where `who` is UA."""
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["who"],
            ["known"],
            domain="ai.onnx.ml",
            keys_strings=["UA"],
            values_floats=[1.0],
            default_float=0.0,
        ),
        helper.make_node("Cast", ["hour"], ["hours"], to=TensorProto.FLOAT),
        helper.make_node("IsNaN", ["far"], ["missing"]),
        helper.make_node("Constant", [], ["zero"], value_float=0.0),
        helper.make_node("Where", ["missing", "zero", "far"], ["near"]),
        helper.make_node("Sum", ["known", "hours", "near"], ["probability"]),
    ]
    kinds = {"who": TensorProto.STRING, "hour": TensorProto.INT64, "far": TensorProto.FLOAT}
    made = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(name, kind, COLUMN) for name, kind in kinds.items()],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, COLUMN)],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(made, opset_imports=opsets, ir_version=9).SerializeToString()


SIGNATURE = {
    "inputs": [
        {"name": "who", "datatype": "BYTES", "description": "who flies"},
        {"name": "hour", "datatype": "INT64"},
        {"name": "far", "datatype": "FP32"},
    ],
    "outputs": [{"name": "probability", "datatype": "FP32"}],
}
FILES = {"model.onnx": graph(), "signature.json": json.dumps(SIGNATURE).encode()}


class Registry:
    """Has one package."""

    def __init__(self, address: str) -> None:
        assert address == "127.0.0.1:5000"

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def sizes(self, repository: str, digest: str) -> dict[str, int]:
        """Of its files."""
        assert (repository, digest) == ("models/toy", DIGEST)
        return {name: len(content) for name, content in FILES.items()}

    def pull(self, repository: str, digest: str, name: str) -> bytes:
        """One of them."""
        assert (repository, digest) == ("models/toy", DIGEST)
        return FILES[name]


@pytest.fixture
def registry(monkeypatch):
    """The stand-in, as the environment names it."""
    monkeypatch.setenv("SLIPWAY_REGISTRY", "127.0.0.1:5000")
    monkeypatch.setattr(mlflow_plugin, "Registry", Registry)


@pytest.fixture
def model(registry):
    """The package, loaded by MLflow itself."""
    return mlflow.pyfunc.load_model(URI)


ROWS = {"who": ["UA", "AA"], "hour": [7, 8], "far": [0.5, None], "more": [1, 2]}


def test_mlflow_finds_the_plug_in() -> None:
    """By its entry point, once the project is installed."""
    [found] = [
        each
        for each in importlib.metadata.entry_points(group="mlflow.artifact_repository")
        if each.name == "oci"
    ]
    assert found.load() is OciArtifactRepository


def test_a_data_frame_of_raw_features_gets_one_of_outputs(model) -> None:
    """Of its own kind; what is missing is so to the model, what it does not know is passed over."""
    answer = model.predict(pl.DataFrame(ROWS))
    assert isinstance(answer, pl.DataFrame)
    assert answer["probability"].to_list() == pytest.approx([8.5, 8.0])

    frame = pd.DataFrame(ROWS, index=["a", "b"])
    answer = model.predict(frame)
    assert list(answer.index) == ["a", "b"]
    assert answer["probability"].tolist() == pytest.approx([8.5, 8.0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hour": None}, "the model needs the columns hour"),
        ({"hour": [7.5, 8.0]}, "column hour must be INT64 in every row"),
        ({"hour": [7, None]}, "column hour must be INT64 in every row"),
        ({"hour": ["x", "8"]}, "column hour is not INT64"),
        ({"who": ["UA", None]}, "column who must be BYTES in every row"),
        ({"who": [1, 2]}, "column who must be BYTES in every row"),
        ({"far": ["near", "far"]}, "column far is not FP32"),
    ],
)
def test_what_does_not_fit_is_refused_by_column(model, change, said) -> None:
    """Nothing is rounded, cut off or made up."""
    rows = {name: values for name, values in {**ROWS, **change}.items() if values is not None}
    with pytest.raises(MlflowException, match=said):
        model.predict(pl.DataFrame(rows))


def test_whole_numbers_may_come_as_floats(model) -> None:
    """As pandas has them, once a column had a gap."""
    answer = model.predict(pd.DataFrame({**ROWS, "hour": np.array([7.0, 8.0])}))
    assert answer["probability"].tolist() == pytest.approx([8.5, 8.0])


def test_the_model_says_what_its_inputs_mean(model) -> None:
    """In the words of its signature."""
    assert model.metadata.metadata["inputs"] == SIGNATURE["inputs"]
    assert model.metadata.metadata["source"] == URI


def test_it_is_an_onnx_model_too(registry) -> None:
    """For those who want the graph."""
    loaded = mlflow.onnx.load_model(URI)
    assert [each.name for each in loaded.graph.input] == ["who", "hour", "far"]


def test_files_are_listed_and_cannot_be_written(registry) -> None:
    """MLflow's own file among them."""
    repository = OciArtifactRepository(URI)
    assert [each.path for each in repository.list_artifacts()] == [*FILES, "MLmodel"]
    assert repository.list_artifacts("model.onnx") == []
    with pytest.raises(MlflowException, match="is read only"):
        repository.log_artifact("x")


def test_another_form_of_address_is_refused(registry) -> None:
    """A tag may move; a digest can be checked."""
    with pytest.raises(MlflowException, match="is not of the form oci://REPOSITORY@DIGEST"):
        OciArtifactRepository("oci://models/toy").list_artifacts()
