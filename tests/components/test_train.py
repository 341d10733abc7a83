"""Training, and the graph that is served."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import onnx
import polars as pl
import pytest

from components import graph
from components.train import export, logic
from usecases.errors import StepError
from usecases.flight_delays import USECASE


@pytest.fixture(scope="module")
def held_out(parts):
    """All rows no tree was fitted on."""
    return pl.concat([parts.validation, parts.test])


@pytest.fixture(scope="module")
def trees(parts):
    """Trees and feature graph as training makes them, before they are joined."""
    features = USECASE.features(parts.train)
    matrices = [
        graph.run(features.SerializeToString(), part, USECASE.inputs, "features")
        for part in (parts.train, parts.validation)
    ]
    labels = [part["late"].to_numpy() for part in (parts.train, parts.validation)]
    booster, _ = logic._boost({**USECASE.training, "seed": 7}, matrices, labels, 40)
    return features, booster


def test_graph_agrees_with_the_trees_on_all_held_out_rows(parts, trained, trees, held_out):
    """The served graph is within 1e-5 of LightGBM's own trees, unrounded, for every row."""
    features, booster = trees
    matrix = graph.run(features.SerializeToString(), held_out, USECASE.inputs, "features")
    served = graph.probabilities(trained.model, held_out, USECASE.inputs)
    assert np.abs(served - booster.predict(matrix)).max() < 1e-5


def test_graph_agrees_on_unknown_categories_and_missing_measures(trained, trees, held_out):
    """Parity holds where nothing is known of carrier, plane and weather."""
    features, booster = trees
    blank = held_out.with_columns(
        pl.lit("??").alias("carrier"),
        pl.lit("???").alias("dest"),
        pl.lit("???").alias("origin"),
        *(
            pl.lit(np.nan, pl.Float32).alias(item.name)
            for item in USECASE.inputs
            if item.datatype == "FP32"
        ),
    )
    matrix = graph.run(features.SerializeToString(), blank, USECASE.inputs, "features")
    served = graph.probabilities(trained.model, blank, USECASE.inputs)
    assert np.abs(served - booster.predict(matrix)).max() < 1e-5
    assert np.isfinite(served).all()


def test_served_graph_has_the_contracts_form(trained):
    """One [N, 1] tensor for each raw input in order, and `probability` [N, 1] FP32."""
    model = onnx.load_from_string(trained.model)
    onnx.checker.check_model(model, full_check=True)
    codes = {"INT64": 7, "FP32": 1, "BYTES": 8}
    assert [(x.name, *form(x)) for x in model.graph.input] == [
        (item.name, codes[item.datatype], "N", 1) for item in USECASE.inputs
    ]
    (output,) = model.graph.output
    kind, _, width = form(output)
    assert (output.name, kind, width) == ("probability", 1, 1)


def form(value):
    """Return a graph value's element type and its two dimensions."""
    tensor = value.type.tensor_type
    rows, columns = tensor.shape.dim
    return tensor.elem_type, rows.dim_param, columns.dim_value


def test_same_rows_and_seed_give_the_same_bytes(parts, trained):
    """Training is deterministic to the byte."""
    again = logic.train(USECASE, parts.train, parts.validation, 40, 7)
    assert again.model == trained.model


def test_report_holds_what_came_of_training(trained):
    """The report has parameters, trees, parity and shares of gain that sum to one."""
    report = trained.report()
    assert report["parameters"] == {**USECASE.training, "seed": 7}
    assert (report["rounds"], report["parity"] < 1e-6) == (40, True)
    assert sum(report["importance"].values()) == pytest.approx(1, abs=1e-4)


def test_part_with_one_outcome_is_refused(parts):
    """Rows that are all late teach nothing: refused by name and size."""
    late = parts.train.filter(pl.col("late") == 1).head(10)
    with pytest.raises(StepError, match=r"^the train part has 10 rows and only one value of late"):
        logic.train(USECASE, late, parts.validation, 5, 7)


def test_graph_that_differs_from_the_trees_is_refused(parts, monkeypatch):
    """Nothing leaves training whose graph is not what was trained."""
    monkeypatch.setattr(logic, "PARITY", 0.0)
    with pytest.raises(StepError, match=r"^the ONNX graph differs from the trees by .*e-0"):
        logic.train(USECASE, parts.train, parts.validation, 5, 7)


def test_thresholds_are_rounded_down_to_single_precision():
    """A float32 just above a threshold stays above it, where rounding to nearest would not."""
    low = np.float32(1.0)
    high = np.nextafter(low, np.float32(2))
    column = np.array([low, high] * 50, dtype=np.float32).reshape(-1, 1)
    data = lgb.Dataset(column.astype(np.float64), [0, 1] * 50)
    settings = {"objective": "binary", "min_data_in_leaf": 1, "verbose": -1, "num_threads": 1}
    booster = export.single_precision(lgb.train(settings, data, 1))
    threshold = booster.dump_model()["tree_info"][0]["tree_structure"]["threshold"]
    assert np.float32(threshold) == threshold
    assert low <= threshold < high
