"""The OpenAPI description of every path, and the page that shows it.

Owns the document of the model in service: its inputs, and its example as a request that can be
tried. Bodies are the business of `schemas`, paths that of `routes`.
Source: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1).
"""

import base64
import hashlib
from pathlib import Path
from typing import Any

from contracts import api_keys
from serving.config import Config
from serving.http import binary
from serving.http.schemas import Schema, general, of_model, reference
from serving.models import metadata
from serving.models.model import Model

_PAGE = Path(__file__).with_name("docs.html").read_bytes()
_SCRIPT = _PAGE.partition(b"<script>")[2].partition(b"</script>")[0]
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; "
    f"script-src 'sha256-{base64.b64encode(hashlib.sha256(_SCRIPT).digest()).decode()}'"
)
_REFUSALS = {
    "400": "The request is not of the protocol's form.",
    "404": "There is no such model, version or path.",
    "503": "There is no model in service yet.",
}
_INFER_REFUSALS = _REFUSALS | {
    "401": "An API key is needed, or it is not known here.",
    "408": "There was no answer in time.",
    "413": "The body is too long.",
    "415": "The body's content-encoding is not known here.",
    "422": "The request does not fit the model, or its values cannot be scored.",
    "429": "Too many requests are in hand; `retry-after` says when to come again.",
}
_FEEDBACK_REFUSALS = {code: text for code, text in _INFER_REFUSALS.items() if code != "404"} | {
    "501": "This server keeps no prediction log.",
    "503": "Labels cannot be kept right now.",
}


def page() -> tuple[bytes, list[tuple[str, str]]]:
    """The page that shows the document, and its headers: it loads nothing from elsewhere."""
    headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", _POLICY),
        ("x-content-type-options", "nosniff"),
    ]
    return _PAGE, headers


def document(config: Config, model: Model | None) -> dict[str, Any]:
    """The description of a server.

    Args:
        config: its configuration; names the model, bounds its requests.
        model: the one in service, whose inputs are described; in general without one.
    """
    schemas = general()
    if model is not None:
        schemas |= of_model(model, config.limits.max_rows)
    components: dict[str, Any] = {"schemas": schemas}
    if config.api_keys:
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": api_keys.HEADER},
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Slipway: {config.model}",
            "version": metadata.server_version(),
            "description": "The Open Inference Protocol v2, with rows of named values, and labels.",
        },
        "paths": _open_paths() | _models(config, model) | _feedback(config),
        "components": components,
    }


def _open_paths() -> dict[str, Any]:
    ready = _reply("Ready.", {"type": "object"})
    not_ready = {"503": _reply("Not ready, and why.", {"type": "object"})}
    text = {"description": "Prometheus's text format.", "content": {"text/plain": {}}}
    html = {"description": "A page.", "content": {"text/html": {}}}
    return {
        "/v2": _get("The server and its extensions", _reply("About it.", {"type": "object"})),
        "/v2/health/live": _get("Whether the server runs", _reply("It runs.", {"type": "object"})),
        "/v2/health/ready": _get("Whether it takes requests", ready, not_ready),
        "/v2/slots": _get(
            "Which version is in each slot, and what was refused", _reply("It.", {"type": "object"})
        ),
        "/v2/openapi.json": _get("This description", _reply("It.", {"type": "object"})),
        "/docs": _get("This description as a page", html),
        "/metrics": _get("Metrics of all workers", text),
    }


def _models(config: Config, model: Model | None) -> dict[str, Any]:
    infer = _infer(config, model)
    name = _parameter("model", "path", {"const": config.model})
    version = _parameter(
        "version", "path", {"type": "string"}, example=model.version if model else "1"
    )
    paths: dict[str, Any] = {}
    for base, parameters in (
        ("/v2/models/{model}", [name]),
        ("/v2/models/{model}/versions/{version}", [name, version]),
    ):
        ready = _reply("Ready, or not and why.", {"type": "object"})
        about = _reply("Its inputs and outputs.", {"type": "object"})
        known = _replies(_REFUSALS)
        paths |= {
            base: _get("A model's inputs and outputs", about, known),
            f"{base}/ready": _get("Whether a model takes requests", ready, known | {"503": ready}),
            f"{base}/infer": infer,
        }
        for path in (base, f"{base}/ready", f"{base}/infer"):
            paths[path] = paths[path] | {"parameters": parameters}
    return paths


def _infer(config: Config, model: Model | None) -> dict[str, Any]:
    answer = {"anyOf": [reference("InferResponse"), reference("RowsResponse")]}
    content: dict[str, Any] = {"application/json": {"schema": reference("InferRequest")}}
    if model is not None:
        content["application/json"]["examples"] = _examples(model)
    content["application/octet-stream"] = {}
    length = _parameter(
        binary.HEADER,
        "header",
        {"type": "integer", "minimum": 0},
        text="Bytes of the JSON, where tensors' bytes stand behind it.",
    )
    key = _parameter("x-routing-key", "header", {"type": "string"})
    operation = {
        "summary": "Predict",
        "parameters": [length, key],
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _reply("The predictions.", answer, "application/octet-stream")}
        | _replies(_INFER_REFUSALS),
    }
    return {"post": operation | _security(config)}


def _feedback(config: Config) -> dict[str, Any]:
    content = {
        "application/json": {
            "schema": reference("Feedback"),
            "examples": {
                "one": {"value": {"id": "the prediction's", "value": True}},
                "several": {"value": {"labels": [{"id": "a", "row": 1, "value": 0.5}]}},
            },
        }
    }
    operation = {
        "summary": "Say what turned out to be true of predictions",
        "requestBody": {"required": True, "content": content},
        "responses": {"200": _reply("They are kept.", reference("Accepted"))}
        | _replies(_FEEDBACK_REFUSALS),
    }
    return {"/v2/feedback": {"post": operation | _security(config)}}


def _examples(model: Model) -> dict[str, Any]:
    example = model.signature.example
    inputs = [
        {
            "name": spec.name,
            "datatype": spec.datatype,
            "shape": [max(size, 1) for size in spec.shape],
            "data": value if isinstance(value := example[spec.name], list) else [value],
        }
        for spec in model.signature.inputs
    ]
    return {
        "rows": {"summary": "A row of named values", "value": {"rows": [example]}},
        "tensors": {"summary": "The protocol's tensors", "value": {"inputs": inputs}},
    }


def _security(config: Config) -> dict[str, Any]:
    return {"security": [{"bearer": []}, {"key": []}]} if config.api_keys else {}


def _get(
    summary: str, good: dict[str, Any], bad: dict[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    return {"get": {"summary": summary, "responses": {"200": good} | (bad or {})}}


def _replies(refusals: dict[str, str]) -> dict[str, Any]:
    return {code: _reply(text, reference("Error")) for code, text in refusals.items()}


def _reply(text: str, schema: Schema, *more: str) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    return {"description": text, "content": content | {kind: {} for kind in more}}


def _parameter(
    name: str, place: str, schema: Schema, *, text: str = "", example: str | None = None
) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "in": place, "schema": schema}
    if place == "path":
        parameter["required"] = True
    if text:
        parameter["description"] = text
    if example is not None:
        parameter["example"] = example
    return parameter
