"""A prediction over HTTP, as any client of the Open Inference Protocol v2 makes it."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from contracts.model_package import SIGNATURE, repository
from infra.errors import SettingsError, SlipwayError
from slipway.exits import NotUpError
from slipway.models import data_files
from slipway.models.explanation import ASK, Explanation, explained, explanations
from slipway.stack.running import answered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import httpx

    from infra.settings.serving import Serving
    from slipway.stack.running import Champion, Running

Row = dict[str, Any]


@dataclass(frozen=True)
class Prediction:
    """What the model server answered: outputs by name, a value or a list a row; milliseconds taken.

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
    with running.registry() as registry:
        signature = registry.pull(repository(model), digest, SIGNATURE)
    row: Row = json.loads(signature)["example"]
    return row


def of_champion(
    running: Running, model: str, champion: Champion, *, explain: bool = False
) -> Prediction:
    """Ask the served model for the example row of the champion's own package; and why."""
    return predict(running, model, [example(running, model, champion.digest)], explain=explain)


def of_file(
    running: Running, serving: Serving, file: Path | None, *, explain: bool = False
) -> Prediction:
    """Ask the served model for the rows of a file, or for the champion's example row; and why.

    Raises:
        SettingsError: the file does not hold rows, or they do not fit the model.
        NotUpError: there is no file, and no champion with an example.
    """
    if file is not None:
        rows, places = read_rows(file)
        return predict(running, serving.model, rows, places=places, explain=explain)
    champion = running.champion(serving.model, serving.slots.champion)
    if champion is None:
        raise NotUpError(f"no model of {serving.model} is released: run `slipway run training`")
    return of_champion(running, serving.model, champion, explain=explain)


def read_rows(file: Path) -> tuple[list[Row], list[str]]:
    """Rows of named features, and the place of each: a JSON object, a list of them, or one a line.

    Raises:
        SettingsError: the file cannot be read, or is something else; says where.
    """
    content = data_files.text(file)
    if file.suffix.lower() in _LINES:
        lines = data_files.json_lines(content)
        placed = [(_json(file, text, line), f"{file}:{line}") for line, text in lines]
    else:
        value = _json(file, content, 1)
        rows = value if isinstance(value, list) else [value]
        placed = [(row, f"{file}: row {number}") for number, row in enumerate(rows)]
    if not placed:
        raise SettingsError(f"{file}: {_FORM}")
    for row, place in placed:
        if not isinstance(row, dict):
            raise SettingsError(f"{place}: no row: {_FORM}")
    return [row for row, _ in placed], [place for _, place in placed]


def predict(
    running: Running,
    model: str,
    rows: list[Row],
    *,
    places: Sequence[str] = (),
    explain: bool = False,
) -> Prediction:
    """Ask the model server for `rows`, each a value by feature name, and why if `explain` is set.

    A number that a row does not have, or has as null, is missing, as in rows over HTTP.

    Raises:
        SettingsError: a row does not fit the model; says which, by its place if `places` has it.
        SlipwayError: the server refuses; its own words.
    """
    metadata = _answered(running.ask("serving", f"/v2/models/{model}"))
    request: dict[str, Any] = {"inputs": _tensors(metadata["inputs"], rows, places)}
    if explain:
        request["parameters"] = ASK
    server = running.url("serving")
    with running.client("serving") as client:
        # What is timed is the prediction, not the connection.
        answered(server, client.get, "/v2/health/live")
        start = time.perf_counter()
        response = answered(server, client.post, f"/v2/models/{model}/infer", json=request)
        milliseconds = (time.perf_counter() - start) * 1000
    answer = _answered(response)
    others = explained(answer)
    outputs = {
        x["name"]: _by_row(x["data"], len(rows))
        for x in answer["outputs"]
        if x["name"] not in others
    }
    return Prediction(
        model, answer["model_version"], rows, outputs, milliseconds, explanations(answer)
    )


_UNFIT = {400, 413, 422}
"""What is answered to a request that is wrong, wherever and whenever it is sent."""

_LINES = {".jsonl", ".ndjson"}
_FORM = 'give a row as {"feature": value, ...}, or a list of rows; in a .jsonl file one a line'
_PLACE = re.compile(r"`\$\[(\d+)\]")


def _json(file: Path, text: str, line: int) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        wrong, said = data_files.json_fault(error, text, line)
        raise SettingsError(f"{file}:{wrong}: no JSON: {said}") from None


def _tensors(
    inputs: list[dict[str, Any]], rows: list[Row], places: Sequence[str]
) -> list[dict[str, Any]]:
    """The inputs of a request, from rows that are read as the server reads rows.

    Raises:
        SettingsError: a row does not fit.
    """
    # PLC0415: numpy comes with them.
    from serving.errors import RequestError  # noqa: PLC0415
    from serving.protocol.datatypes import BY_NAME  # noqa: PLC0415
    from serving.protocol.rows import row_reader  # noqa: PLC0415
    from serving.protocol.tensors import TensorReader  # noqa: PLC0415

    reader = row_reader(
        TensorReader(each["name"], BY_NAME[each["datatype"]], tuple(each["shape"]))
        for each in inputs
    )
    if reader is None:
        raise SettingsError("the model's inputs have no fixed form a row: ask it over HTTP")
    try:
        values, shapes, _ = reader.read(msgspec.Raw(json.dumps(rows).encode()), len(rows))
    except RequestError as error:
        raise SettingsError(f"{_place(str(error), places)}{error}") from None
    return [
        {
            "name": (name := each["name"]),
            "datatype": each["datatype"],
            "shape": shapes[name],
            "data": values[name],
        }
        for each in inputs
    ]


def _place(message: str, places: Sequence[str]) -> str:
    """Where the row is from that a complaint is about."""
    position = _PLACE.search(message)
    return f"{places[int(position[1])]}: " if position and places else ""


def _by_row(data: list[Any], rows: int) -> list[Any]:
    """A flat output's values by row, a list where a row has several."""
    width = len(data) // rows
    return data if width == 1 else [data[at : at + width] for at in range(0, len(data), width)]


def refused(response: httpx.Response) -> SlipwayError:
    """What the model server says is wrong, as an error: of settings, if it is the request."""
    try:
        reason = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        reason = response.text[:200]
    kind = SettingsError if response.status_code in _UNFIT else SlipwayError
    return kind(f"the model server answers {response.status_code}: {reason}")


def _answered(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise refused(response)
    body: dict[str, Any] = response.json()
    return body
