"""JSON schemas of requests and responses: the protocol's in general, and one model's in particular.

Owns the way from structs and a signature to schemas. Paths are the business of `openapi`.
"""

import math
from typing import Any

import msgspec
import numpy as np

from serving.models.model import Model
from serving.models.signature import TensorSpec
from serving.prediction_log.feedback import Feedback
from serving.protocol.datatypes import BY_NAME
from serving.protocol.messages import ID_LENGTH, InferRequest, RowsResponse, TensorsResponse
from serving.protocol.tensors import ANY

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/{name}"
_PUBLIC = {"FeedbackLabel": "Label", "TensorsResponse": "InferResponse"}
"""The published names of structs that have others in the code."""


def reference(name: str) -> Schema:
    """A reference to a schema by name."""
    return {"$ref": _REFERENCE.format(name=name)}


def general() -> dict[str, Schema]:
    """The schemas that no model changes, by name."""
    _, components = msgspec.json.schema_components(
        (InferRequest, TensorsResponse, RowsResponse, Feedback), ref_template=_REFERENCE
    )
    text = msgspec.json.encode(components).decode()
    for own, public in _PUBLIC.items():
        text = text.replace(f'/{own}"', f'/{public}"').replace(f'"{own}"', f'"{public}"')
    schemas: dict[str, Schema] = msgspec.json.decode(text)
    for schema in schemas.values():
        # The rest of a docstring repeats the properties.
        schema["description"] = schema["description"].partition("\n\n")[0]
    schemas["Error"] = _object({"error": {"type": "string"}})
    schemas["Accepted"] = _object({"accepted": {"type": "integer", "minimum": 0}})
    return schemas


def of_model(model: Model, max_rows: int) -> dict[str, Schema]:
    """The schemas of one model's infer requests, which take the general one's place."""
    specs, example = model.signature.inputs, model.signature.example
    answer = {spec.name: _value(spec) | _meaning(spec) for spec in model.signature.outputs}
    outputs = {"type": "array", "items": reference("RequestedOutput")}
    more = {
        "id": {"type": "string", "maxLength": ID_LENGTH},
        "parameters": reference("RequestParameters"),
        "outputs": outputs,
    }
    inputs = {
        "type": "array",
        "items": {"oneOf": [_tensor(spec) for spec in specs]},
        "minItems": len(specs),
        "maxItems": len(specs),
    }
    rows = {"type": "array", "items": reference("Row"), "minItems": 1, "maxItems": max_rows}
    return {
        "TensorsRequest": _object({"inputs": inputs}, more),
        "RowsRequest": _object({"rows": rows}, more),
        "Row": _row(specs, example),
        "Prediction": {"type": "object", "properties": answer},
        "RowsResponse": _rows_response(),
        "RequestParameters": _parameters(),
        "InferRequest": {"anyOf": [reference("TensorsRequest"), reference("RowsRequest")]},
    }


def _object(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
    }


def _parameters() -> Schema:
    known = {
        "routing_key": (
            ["string", "number", "boolean"],
            'Whose prediction it is; one key always meets one model. 5, 5.0 and "5" are one key.',
        ),
        "explain": ("boolean", "Answer what each feature added to the prediction too."),
        "binary_data_output": ("boolean", "Answer outputs as bytes behind the JSON."),
    }
    properties = {name: {"type": kind, "description": text} for name, (kind, text) in known.items()}
    return {"type": "object", "properties": properties}


def _tensor(spec: TensorSpec) -> Schema:
    shape = {
        "type": "array",
        "items": {"type": "integer", "minimum": 0},
        "minItems": len(spec.shape),
        "maxItems": len(spec.shape),
        "description": f"{list(spec.shape)}, where -1 is any",
    }
    named: dict[str, Schema] = {
        "name": {"const": spec.name} | _meaning(spec),
        "datatype": {"const": spec.datatype},
        "shape": shape,
    }
    parameters = {"type": "object", "properties": {"binary_data_size": {"type": "integer"}}}
    return _object(named, {"data": {"type": "array"}, "parameters": parameters})


def _rows_response() -> Schema:
    """The general one, but for what a prediction has."""
    schema = general()["RowsResponse"]
    predictions = {"type": "array", "items": reference("Prediction")}
    return schema | {"properties": schema["properties"] | {"predictions": predictions}}


def _row(specs: tuple[TensorSpec, ...], example: dict[str, Any]) -> Schema:
    properties = {
        spec.name: _value(spec) | _meaning(spec) | {"examples": [example[spec.name]]}
        for spec in specs
    }
    needed = [
        spec.name for spec in specs if "null" not in str(properties[spec.name].get("type", ""))
    ]
    return {
        "type": "object",
        "properties": properties,
        "required": needed,
        "additionalProperties": False,
    }


def _meaning(spec: TensorSpec) -> Schema:
    """What it means, in words: none of it is a rule, since the model takes other values, too."""
    unit = f" ({spec.unit})" if spec.unit else ""
    values = f"; known values: {', '.join(spec.values)}" if spec.values else ""
    text = f"{spec.description}{unit}{values}".removeprefix("; ").strip()
    return {"description": text} if text else {}


def _value(spec: TensorSpec) -> Schema:
    """What a row has for one input: an element, or a list of as many as the input takes."""
    element = _element(spec.datatype)
    inner = spec.shape[1:]
    count = math.prod(inner)
    if count == 1:
        return element
    if ANY in inner or len(inner) > 1:
        return {"type": "array"}
    return {"type": "array", "items": element, "minItems": count, "maxItems": count}


def _element(datatype: str) -> Schema:
    dtype = BY_NAME[datatype].numpy
    match dtype.kind:
        case "b":
            return {"type": "boolean"}
        case "f":
            greatest = float(np.finfo(dtype).max)
            return {"type": ["number", "null"], "minimum": -greatest, "maximum": greatest}
        case "i" | "u":
            bounds = np.iinfo(dtype)
            return {"type": "integer", "minimum": int(bounds.min), "maximum": int(bounds.max)}
        case _:
            return {"type": "string"}
