"""A prediction over HTTP, as any client of the Open Inference Protocol v2 makes it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.errors import SlipwayError
from slipway.models.explanation import ASK, Explanation, explained, explanations
from slipway.stack.running import answered, succeeded

if TYPE_CHECKING:
    import httpx

    from slipway.stack.running import Running

Row = dict[str, Any]


@dataclass(frozen=True)
class Prediction:
    """What the model server answered: outputs by name, a value a row; milliseconds taken.

    `explanations` is empty where none were asked for.
    """

    model: str
    version: str
    rows: list[Row]
    outputs: dict[str, list[Any]]
    milliseconds: float
    explanations: list[Explanation] = field(default_factory=list)


def example(running: Running, model: str, digest: str) -> Row:
    """The example row that the model's own package carries."""
    base = f"/v2/models/{model}"
    accept = {"Accept": _MANIFEST}
    manifest = running.ask("registry", f"{base}/manifests/{digest}", headers=accept)
    layers = succeeded(manifest).json()["layers"]
    [signature] = [x["digest"] for x in layers if x["annotations"][_TITLE] == "signature.json"]
    blob = running.ask("registry", f"{base}/blobs/{signature}")
    row: Row = succeeded(blob).json()["example"]
    return row


def predict(running: Running, model: str, rows: list[Row], *, explain: bool = False) -> Prediction:
    """Ask the model server for `rows`, each a value by feature name, and why if `explain` is set.

    Raises:
        SlipwayError: a feature is missing or unknown, or the server says what is wrong.
    """
    metadata = _answered(running.ask("serving", f"/v2/models/{model}"))
    request: dict[str, Any] = {"inputs": [_tensor(x, rows) for x in metadata["inputs"]]}
    if explain:
        request["parameters"] = ASK
    _refuse_unknown({tensor["name"] for tensor in metadata["inputs"]}, rows)
    server = running.url("serving")
    with running.client("serving") as client:
        # What is timed is the prediction, not the connection.
        answered(server, client.get, "/v2/health/live")
        start = time.perf_counter()
        response = answered(server, client.post, f"/v2/models/{model}/infer", json=request)
        milliseconds = (time.perf_counter() - start) * 1000
    answer = _answered(response)
    others = explained(answer)
    outputs = {x["name"]: x["data"] for x in answer["outputs"] if x["name"] not in others}
    return Prediction(
        model, answer["model_version"], rows, outputs, milliseconds, explanations(answer)
    )


_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_TITLE = "org.opencontainers.image.title"


def _tensor(tensor: dict[str, Any], rows: list[Row]) -> dict[str, Any]:
    name, datatype = tensor["name"], tensor["datatype"]
    if missing := [index for index, row in enumerate(rows) if name not in row]:
        raise SlipwayError(f"row {missing[0]}: feature {name!r} ({datatype}) is missing")
    data = [row[name] for row in rows]
    return {"name": name, "datatype": datatype, "shape": [len(rows), 1], "data": data}


def _refuse_unknown(known: set[str], rows: list[Row]) -> None:
    for index, row in enumerate(rows):
        if unknown := sorted(set(row) - known):
            raise SlipwayError(
                f"row {index}: unknown feature {unknown[0]!r}; known are {', '.join(sorted(known))}"
            )


def refused(response: httpx.Response) -> SlipwayError:
    """What the model server says is wrong, as an error."""
    try:
        reason = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        reason = response.text[:200]
    return SlipwayError(f"the model server answers {response.status_code}: {reason}")


def _answered(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise refused(response)
    body: dict[str, Any] = response.json()
    return body
