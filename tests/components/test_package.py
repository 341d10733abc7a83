"""What travels with a model."""

from __future__ import annotations

import base64
import hashlib
import json

import numpy as np
import polars as pl
import pytest

from components import graph
from components.gate.logic import decide
from components.package import card, step
from components.package.background import background
from components.package.reference import reference
from components.package.signature import signature
from infra.signing_keys import make_key_pair
from usecases.flight_delays import USECASE


@pytest.fixture
def facts(trained, evaluation):
    """Report, evaluation and decision as steps pass them on."""
    decision = decide(evaluation, USECASE.gates)
    found = {
        "report": trained.report(),
        "evaluation": evaluation.as_json(),
        "decision": {**decision.as_json(), "lake_version": "flights@0", "run_id": "run0"},
    }
    return json.loads(json.dumps(found))


def test_signature_speaks_the_inference_protocol(parts):
    """Inputs and output are named with datatype and shape; the example has a value for each."""
    found = signature(USECASE, parts.test)
    (output,) = found["outputs"]
    assert output.pop("description") == f"how probable it is: {USECASE.card.target}"
    assert (found["name"], output) == (
        "flight-delays",
        {"name": "probability", "datatype": "FP32", "shape": [-1, 1]},
    )
    inputs = {item["name"]: item for item in found["inputs"]}
    assert (inputs["temp"]["description"], inputs["temp"]["unit"]) == (
        "temperature at the origin",
        "°F",
    )
    assert inputs["origin"]["values"] == ["EWR", "JFK", "LGA"]
    assert {"unit", "values"} & inputs["carrier"].keys() == set()
    assert [(x["name"], x["datatype"], x["shape"]) for x in found["inputs"]] == [
        (item.name, item.datatype, [-1, 1]) for item in USECASE.inputs
    ]
    example = found["example"]
    assert list(example) == [item.name for item in USECASE.inputs]
    assert json.loads(json.dumps(example, allow_nan=False)) == example


def test_example_without_a_complete_row_has_no_nan(parts):
    """If every row misses something, the example says 0 for it: JSON has no NaN."""
    bare = parts.test.with_columns(humid=np.float32("nan"))
    assert signature(USECASE, bare)["example"]["humid"] == 0


@pytest.fixture(scope="module")
def predicted(trained, parts):
    """What the small model says of its training rows."""
    return graph.probabilities(trained.model, parts.train, USECASE.inputs)


def test_reference_describes_every_input_and_the_prediction(parts, predicted):
    """Numbers have 21 ascending quantiles, categories shares that sum to one."""
    found = reference(USECASE, predicted, parts.train)
    assert list(found["features"]) == [item.name for item in USECASE.inputs]
    assert (found["rows"], found["label_rate"]) == (
        parts.train.height,
        pytest.approx(parts.train["late"].to_numpy().mean(), abs=1e-6),
    )
    temperature = found["features"]["temp"]
    known = parts.train["temp"].drop_nans().to_numpy()
    assert temperature["quantiles"] == pytest.approx(
        np.quantile(known.astype(float), np.linspace(0, 1, 21)), rel=1e-6
    )
    assert temperature["missing"] == pytest.approx(1 - len(known) / parts.train.height, abs=1e-6)
    shares = found["features"]["origin"]["shares"]
    assert (sorted(shares), sum(shares.values())) == (
        ["EWR", "JFK", "LGA"],
        pytest.approx(1, abs=1e-5),
    )
    assert found["prediction"]["mean"] == pytest.approx(predicted.mean(), rel=1e-5)


def test_measure_that_is_always_missing_has_no_quantiles(parts, predicted):
    """A column of NaN is described as missing, not as numbers."""
    bare = parts.train.with_columns(humid=np.float32("nan"))
    found = reference(USECASE, predicted, bare)["features"]["humid"]
    assert found == {"kind": "numeric", "missing": 1.0, "quantiles": []}


def test_background_speaks_for_the_training_rows(parts, trained, predicted):
    """64 rows of them; what the model says of these is on average what it says of all."""
    found = background(USECASE, predicted, parts.train)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert {name: len(values) for name, values in found.items()} == {
        item.name: 64 for item in USECASE.inputs
    }
    rows = pl.DataFrame(found, schema=parts.train.select(list(found)).schema).fill_null(np.nan)
    said = graph.probabilities(trained.model, rows, USECASE.inputs)
    assert list(said) == sorted(said)
    assert said.mean() == pytest.approx(predicted.mean(), rel=0.02)


def test_background_of_few_rows_is_all_of_them(parts, predicted):
    """Fewer rows than a sample has are taken once each."""
    few = background(USECASE, predicted[:5], parts.train[:5])
    assert sorted(few["sched_dep_time"]) == sorted(parts.train["sched_dep_time"][:5])


def test_background_of_a_missing_measure_is_null(parts, predicted):
    """JSON has no NaN: a measure that a row lacks is null."""
    bare = parts.train.with_columns(humid=np.float32("nan"))
    assert set(background(USECASE, predicted, bare)["humid"]) == {None}


@pytest.fixture
def paths(parts, trained, facts, tmp_path):
    """The package step's inputs as files."""
    (tmp_path / "model.onnx").write_bytes(trained.model)
    tables = {}
    for name in ("train", "validation", "test"):
        tables[name] = str(tmp_path / f"{name}.parquet")
        getattr(parts, name).write_parquet(tables[name])
    return str(tmp_path / "model.onnx"), tables, "# card", "flights@0"


def test_package_is_pushed_once_and_by_digest(paths, oci, trained):
    """Packaging twice gives the same digest, six named layers, and the very graph."""
    digest = step.package(USECASE, *paths)
    assert step.package(USECASE, *paths) == digest
    manifest = json.loads(oci.manifests[digest])
    layers = {x["annotations"]["org.opencontainers.image.title"]: x for x in manifest["layers"]}
    assert manifest["artifactType"] == "application/vnd.slipway.model.v1"
    assert {name: layer["mediaType"] for name, layer in layers.items()} == {
        "model.onnx": "application/vnd.slipway.model.onnx",
        "signature.json": "application/json",
        "training.json": "application/json",
        "reference.json": "application/json",
        "background.json": "application/json",
        "model_card.md": "text/markdown",
    }
    assert oci.blobs[layers["model.onnx"]["digest"]] == trained.model
    assert oci.blobs[layers["model_card.md"]["digest"]].decode() == "# card"
    assert oci.uploads == 7


def test_a_package_is_signed_when_there_is_a_key(paths, oci, monkeypatch):
    """With a key model.sig names all other files, and packaging again gives the same digest."""
    bare = step.package(USECASE, *paths)
    monkeypatch.setenv("SLIPWAY_SIGNING_KEY", make_key_pair().private_pem)
    digest = step.package(USECASE, *paths)
    assert step.package(USECASE, *paths) == digest
    blobs = {
        layer["annotations"]["org.opencontainers.image.title"]: oci.blobs[layer["digest"]]
        for layer in json.loads(oci.manifests[digest])["layers"]
    }
    envelope = json.loads(blobs.pop("model.sig"))["dsseEnvelope"]
    resources = json.loads(base64.b64decode(envelope["payload"]))["predicate"]["resources"]
    assert {found["name"]: found["digest"] for found in resources} == {
        name: hashlib.sha256(data).hexdigest() for name, data in blobs.items()
    }
    assert "model.sig" not in oci.manifests[bare].decode()


def test_card_says_what_a_reader_needs(parts, facts, evaluation):
    """Sections in order, figures beside the baseline's, the exact data, the limits."""
    tables = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    text = card.write(USECASE, tables, facts["report"], evaluation, facts["decision"])
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [
        "Purpose",
        "Target",
        "Data",
        "Held-out figures",
        "Per slice",
        "Gate",
        "Training",
        "What the trees use",
        "Inputs",
        "Limits",
    ]
    assert "Lake version: `flights@0`" in text
    assert f"| test | 2013-02-23 | 2013-02-28 | {parts.test.height} |" in text
    assert f"| baseline | {evaluation.baseline['roc_auc']:.4f} |" in text
    assert "\n\n\n" not in text
