"""Joins the feature graph and LightGBM's trees to one ONNX graph.

Owns the served graph's form: one [N, 1] tensor a raw input, output `probability` [N, 1] FP32.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

import lightgbm as lgb
import numpy as np
import spox.opset.ai.onnx.v17 as op
from onnxmltools.convert import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
from spox import Tensor, Var, argument, build, inline

from components.graph import PROBABILITY

if TYPE_CHECKING:
    import onnx

FEATURES: Final = "features"
TREES_OPSET: Final = 15
"""The newest that onnxmltools 1.16 writes; spox lifts it to the feature graph's."""
DTYPES: Final = {1: np.float32, 7: np.int64, 8: np.str_}
"""onnx.TensorProto's codes of the three types of the Open Inference Protocol that we serve."""


def feature_names(features: onnx.ModelProto) -> tuple[str, ...]:
    """Return the names that the feature graph carries in its metadata."""
    metadata = {item.key: item.value for item in features.metadata_props}
    return tuple(metadata[FEATURES].split(","))


def single_precision(booster: lgb.Booster) -> lgb.Booster:
    """Return the same trees with every threshold rounded down to a float32.

    ONNX keeps thresholds as float32. For a float32 feature `x <= t` and `x <= floor32(t)` are the
    same, while rounding to the nearest could send a row the other way.
    """
    text = booster.model_to_string(num_iteration=booster.best_iteration)
    floored = re.sub(r"(?m)^threshold=(.*)$", _floored, text)
    # the sizes listed in the header are of the text before the change
    return lgb.Booster(model_str=re.sub(r"(?m)^tree_sizes=.*\n", "", floored))


def join(features: onnx.ModelProto, booster: lgb.Booster) -> onnx.ModelProto:
    """Return the graph from raw inputs to `probability`."""
    kind = FloatTensorType([None, booster.num_feature()])
    trees = convert_lightgbm(
        booster, initial_types=[(FEATURES, kind)], zipmap=False, target_opset=TREES_OPSET
    )
    raw = _arguments(features)
    matrix = inline(features)(**raw)[FEATURES]
    both = inline(trees)(**{FEATURES: matrix})["probabilities"]
    late = op.slice(both, *(op.const(np.array([n])) for n in (1, 2, 1)))
    model = build(raw, {PROBABILITY: late})
    model.graph.name = "model"
    return model


def _floored(match: re.Match[str]) -> str:
    exact = np.array(match[1].split(), dtype=np.float64)
    near = exact.astype(np.float32)
    low = np.where(near > exact, np.nextafter(near, np.float32(-np.inf)), near)
    return "threshold=" + " ".join(repr(float(value)) for value in low)


def _arguments(features: onnx.ModelProto) -> dict[str, Var]:
    """Repeat the feature graph's inputs as the joined graph's."""
    return {
        item.name: argument(Tensor(DTYPES[cast("int", item.type.tensor_type.elem_type)], ("N", 1)))
        for item in features.graph.input
    }
