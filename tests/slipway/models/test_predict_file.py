"""Rows from a file to the model server: read as the server reads rows, or one clear line."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.errors import SettingsError
from slipway.models.predict import predict, read_rows
from slipway.stack.running import Running

MODEL = "late"
INPUTS = [
    {"name": "hour", "datatype": "INT64", "shape": [-1, 1]},
    {"name": "carrier", "datatype": "BYTES", "shape": [-1, 1]},
    {"name": "temp", "datatype": "FP32", "shape": [-1, 1]},
    {"name": "wind", "datatype": "FP64", "shape": [-1, 2]},
]
ROW = {"hour": 8, "carrier": "UA", "temp": 0.5, "wind": [1, 2]}


class Server(http.server.ThreadingHTTPServer):
    """Stands in for the model server: remembers requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, Any]] = []
        self.status = 200
        self.running = Running({"serving": {"url": f"http://127.0.0.1:{self.server_port}"}}, {})


class Handler(http.server.BaseHTTPRequestHandler):
    """Has a model of `INPUTS`, which answers two values a row."""

    def do_GET(self) -> None:
        """Metadata, whatever is asked."""
        self._answer(200, {"inputs": INPUTS})

    def do_POST(self) -> None:
        """Predict, or refuse."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        rows = asked["inputs"][0]["shape"][0]
        outputs = [{"name": "p", "shape": [rows, 2], "data": [0.25] * 2 * rows}]
        answer = {"model_version": "1", "outputs": outputs}
        self._answer(self.server.status, answer if self.server.status == 200 else {"error": "no"})

    def _answer(self, status: int, value: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A stand-in that listens."""
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def asked(server: Server, path: Path, content: str | bytes) -> Any:
    """What is predicted for a file with that content."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    rows, places = read_rows(path)
    return predict(server.running, MODEL, rows, places=places)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.json", json.dumps([ROW, ROW])),
        ("rows.json", b"\xef\xbb\xbf" + json.dumps([ROW, ROW]).encode()),
        ("rows.jsonl", f"{json.dumps(ROW)}\r\n\n{json.dumps(ROW)}"),
    ],
)
def test_rows_become_tensors(server: Server, tmp_path: Path, name: str, content: str) -> None:
    """Of the model's own names, datatypes and shapes; the answer's values are told apart by row."""
    made = asked(server, tmp_path / name, content)

    [request] = server.asked
    data = {each["name"]: (each["shape"], each["data"]) for each in request["inputs"]}
    assert data == {
        "hour": ([2, 1], [8, 8]),
        "carrier": ([2, 1], ["UA", "UA"]),
        "temp": ([2, 1], [0.5, 0.5]),
        "wind": ([2, 2], [1, 2, 1, 2]),
    }
    assert made.outputs == {"p": [[0.25, 0.25], [0.25, 0.25]]}


def test_a_missing_number_is_missing(server: Server, tmp_path: Path) -> None:
    """Null or left out, as in rows over HTTP; integers arrive to the last digit."""
    without = {name: value for name, value in ROW.items() if name != "temp"}
    rows = [ROW | {"temp": None}, without | {"hour": 2**53 + 1}]

    asked(server, tmp_path / "rows.json", json.dumps(rows))

    data = {each["name"]: each["data"] for each in server.asked[0]["inputs"]}
    assert (data["temp"], data["hour"]) == ([None, None], [8, 2**53 + 1])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "r.json",
            json.dumps([ROW, ROW | {"hour": None}]),
            ": row 1: the rows do not fit: Expected",
        ),
        ("r.json", json.dumps(ROW | {"hour": 8.5}), ": row 0: the rows do not fit: Expected `int`"),
        ("r.json", json.dumps(ROW | {"day": 1}), "Object contains unknown field `day` - at `$[0]`"),
        ("r.json", json.dumps({"hour": 1}), "Object missing required field `carrier` - at"),
        ("r.jsonl", f"{json.dumps(ROW)}\n\n[1]\n", ":3: no row: give a row as"),
        ("r.jsonl", f'{json.dumps(ROW)}\n\n{{"hour": "8"}}\n', ":3: the rows do not fit: Expected"),
        ("r.json", f"[\n{json.dumps(ROW)},\nNaN]", ":3: no JSON: JSON is malformed: invalid"),
        ("r.json", '{"temp": -Infinity}', "a number that is missing is null)"),
        ("r.json", '{"temp": 1e999}', ":1: no JSON: Number out of range"),
        ("r.json", "{}\n{}", ":2: no JSON: JSON is malformed: trailing characters"),
        ("r.json", "", ":1: no JSON: Input data was truncated"),
        ("r.json", "[" * 100_000, ":1: no JSON: "),
        ("r.json", "[]", ": give a row as"),
        ("r.json", "[3]", ": row 0: no row: give a row as"),
        ("r.json", b'{"carrier":\n"\xe9"}', ":2: not UTF-8 text"),
    ],
)
def test_what_is_no_row_is_named(
    server: Server, tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    """One line with the file, the place in it and what is wrong; nothing is sent."""
    with pytest.raises(SettingsError) as refused:
        asked(server, tmp_path / name, content)

    assert str(refused.value).startswith(f"{tmp_path / name}:")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert server.asked == []


def test_what_only_the_server_can_refuse_is_a_wrong_file_too(
    server: Server, tmp_path: Path
) -> None:
    """As a number beyond the datatype is: the command's exit code says that its input is wrong."""
    server.status = 422

    with pytest.raises(SettingsError, match=r"^the model server answers 422: no$"):
        asked(server, tmp_path / "rows.json", json.dumps(ROW))
