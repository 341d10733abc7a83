"""Labels from a file: read as they are meant, sent in batches, or one clear line."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.errors import SettingsError, SlipwayError
from slipway.models import feedback
from slipway.stack.running import Running


class Server(http.server.ThreadingHTTPServer):
    """Stands in for the model server: remembers bodies, and refuses from `refuses_from` on."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, list]] = []
        self.refuses_from = 100

    def running(self, **secrets: str) -> Running:
        """A stack whose model server it is."""
        url = f"http://127.0.0.1:{self.server_port}"
        return Running({"serving": {"url": url}}, secrets)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as `serving.prediction_log.feedback` does."""

    def do_POST(self) -> None:
        """Take the labels, or refuse."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        labels = json.loads(body)["labels"]
        self.server.asked.append((self.path, self.headers.get("x-api-key", ""), labels))
        refused = len(self.server.asked) > self.server.refuses_from
        self.send_response(503 if refused else 200)
        answer = {"error": "send them again"} if refused else {"accepted": len(labels)}
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A stand-in that listens."""
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_csv_and_lines_of_json_say_the_same(tmp_path: Path) -> None:
    """Numbers, truth values and texts are what they look like; a row of 0 need not be said."""
    table, lines = tmp_path / "l.csv", tmp_path / "l.jsonl"
    table.write_text("id,value,row\na,1,\nb,true,2\nc,late,0\n")
    lines.write_text(
        '{"id": "a", "value": 1.0}\n\n{"id": "b", "value": true, "row": 2}\n'
        '{"id": "c", "value": "late", "row": 0}\n'
    )

    assert feedback.read(table) == feedback.read(lines)
    assert feedback.read(table) == [
        {"id": "a", "value": 1.0},
        {"id": "b", "value": True, "row": 2},
        {"id": "c", "value": "late", "row": 0},
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("l.csv", "id,label\na,1\n", "l.csv:2: give each label an id, a value, and a row if not 0"),
        ("l.csv", "id,value,row\na,1,x\n", "l.csv:2: give"),
        ("l.csv", "id,value\na,1,2\n", "l.csv:2: give"),
        ("l.csv", "id,value\na\n", "l.csv:2: give"),
        ("l.jsonl", '{"id": "a", "value": 1}\n[1]\n', "l.jsonl:2: give"),
        ("l.jsonl", '{"id": "a", "value": 1\n', "l.jsonl:1: give"),
        ("l.jsonl", '{"id": "a", "value": 1, "colour": 2}\n', "l.jsonl:1: give"),
    ],
)
def test_a_line_that_is_no_label_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    """The file, the line, and what is wanted; nothing is sent."""
    file = tmp_path / name
    file.write_text(text)

    with pytest.raises(SettingsError) as refused:
        feedback.read(file)

    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the system's word on it."""
    with pytest.raises(SettingsError, match=r"no\.csv: No such file or directory"):
        feedback.read(tmp_path / "no.csv")


def test_labels_go_in_batches_that_the_server_takes(server: Server) -> None:
    """All of them, in order, each batch within its bound."""
    labels = [{"id": str(number), "value": 0.0} for number in range(2 * feedback.BATCH + 1)]

    assert feedback.send(server.running(), labels) == len(labels)

    assert [label for _, _, batch in server.asked for label in batch] == labels
    assert {path for path, _, _ in server.asked} == {"/v2/feedback"}
    assert max(len(batch) for _, _, batch in server.asked) <= 10_000


def test_a_refusal_ends_it_in_one_line(server: Server) -> None:
    """With the server's own words."""
    server.refuses_from = 1
    labels = [{"id": "a", "value": 0.0}] * (feedback.BATCH + 1)

    with pytest.raises(SlipwayError, match=r"^the model server answers 503: send them again$"):
        feedback.send(server.running(), labels)


def test_a_caller_s_key_goes_along_where_there_is_one(server: Server) -> None:
    """The command line is a caller like any other, with the first key of the stack."""
    feedback.send(server.running(**{"api-key-b": "2", "api-key-a": "1"}), [{"id": "a", "value": 1}])
    feedback.send(server.running(other="x"), [{"id": "a", "value": 1}])

    assert [key for _, key, _ in server.asked] == ["1", ""]
