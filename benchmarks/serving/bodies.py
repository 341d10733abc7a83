"""Rows of a model as the bodies that servers take, and their answers as numbers."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from benchmarks.serving.models import Model

_FORMATS = {"INT64": "<i8", "FP32": "<f4"}


@dataclass(frozen=True)
class Body:
    """One request: where it goes and what it says."""

    path: str
    data: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


def protocol(model: Model, rows: int, **more: Any) -> Body:
    """The Open Inference Protocol's JSON, with flat data; `more` stands beside the inputs."""
    inputs = [
        {**_head(each, rows), "data": _column(each["name"], model, rows)} for each in model.inputs
    ]
    return Body(_path(model), _json({"inputs": inputs, **more}))


def binary(model: Model, rows: int) -> Body:
    """The protocol's binary extension: a JSON head, then each tensor's bytes; JSON back."""
    tensors = [_raw(each, model, rows) for each in model.inputs]
    inputs = [
        {**_head(each, rows), "parameters": {"binary_data_size": len(tensor)}}
        for each, tensor in zip(model.inputs, tensors, strict=True)
    ]
    head = _json({"inputs": inputs})
    headers = {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(head)),
    }
    return Body(_path(model), head + b"".join(tensors), headers)


def named_rows(model: Model, rows: int) -> Body:
    """Slipway's rows of named fields."""
    return Body(_path(model), _json({"rows": model.rows[:rows]}))


def columns(model: Model, rows: int) -> Body:
    """The columns by name that the BentoML service takes."""
    shaped = {
        each["name"]: [_listed(row[each["name"]]) for row in model.rows[:rows]]
        for each in model.inputs
    }
    return Body("/predict", _json({"columns": shaped}))


def of_protocol(answer: bytes) -> list[float]:
    """The numbers of the first output of a protocol answer."""
    values: list[float] = json.loads(answer)["outputs"][0]["data"]
    return values


def of_rows(answer: bytes) -> list[float]:
    """The first output of each row of Slipway's answer to rows of named fields."""
    rows: list[dict[str, float]] = json.loads(answer)["predictions"]
    return [next(iter(row.values())) for row in rows]


def of_explained(answer: bytes) -> list[float]:
    """What the contributions to one row's prediction add up to, or nothing if there are none."""
    tensors = {each["name"]: each["data"] for each in json.loads(answer)["outputs"]}
    name = next(iter(tensors))
    contributions, base = (tensors.get(f"{name}.{of}") for of in ("contributions", "base_value"))
    return [base[0] + sum(contributions)] if base and contributions else []


def of_list(answer: bytes) -> list[float]:
    """The numbers of an answer that is a list."""
    values: list[float] = json.loads(answer)
    return values


def _path(model: Model) -> str:
    return f"/v2/models/{model.name}/infer"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _head(spec: dict[str, Any], rows: int) -> dict[str, Any]:
    shape = [rows, *spec["shape"][1:]]
    return {"name": spec["name"], "shape": shape, "datatype": spec["datatype"]}


def _column(name: str, model: Model, rows: int) -> list[Any]:
    values = [row[name] for row in model.rows[:rows]]
    return [each for value in values for each in value] if isinstance(values[0], list) else values


def _raw(spec: dict[str, Any], model: Model, rows: int) -> bytes:
    values = _column(spec["name"], model, rows)
    if spec["datatype"] == "BYTES":
        texts = [value.encode() for value in values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return np.array(values, _FORMATS[spec["datatype"]]).tobytes()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
