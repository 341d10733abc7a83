"""Labels from a file: read as they are meant, sent in batches, or one clear line."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from infra.errors import SettingsError, SlipwayError
from serving.prediction_log.feedback import FeedbackLabel
from slipway.models import feedback
from slipway.stack.running import Running


class Server(http.server.ThreadingHTTPServer):
    """Stands in for the model server: remembers bodies, and refuses from `refuses_from` on."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, list]] = []
        self.sizes: list[int] = []
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
        self.server.sizes.append(len(body))
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


def labels_of(path: Path, content: str | bytes, **options: bool) -> feedback.Labels:
    """What is read of a file with that content."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return feedback.read(path, **options)


def many(count: int, value: object = 0.0) -> feedback.Labels:
    """So many labels, a line each."""
    given = [FeedbackLabel(str(number), value) for number in range(count)]
    return feedback.Labels(Path("l.jsonl"), given, list(range(1, count + 1)))


def test_csv_and_lines_of_json_say_the_same(tmp_path: Path) -> None:
    """Numbers, truth values and texts are what they look like; a row of 0 need not be said."""
    table = labels_of(
        tmp_path / "l.CSV",
        "id,value,row\na,1,\nb,true,2\nc,late,0\nd,-2.50e1,0\ne, 3 ,1\nf,007,0\ng,1_0,0\n",
    )
    lines = labels_of(
        tmp_path / "l.jsonl",
        '{"id": "a", "value": 1}\n\n{"id": "b", "value": true, "row": 2}\n'
        '{"id": "c", "value": "late", "row": 0}\n{"id": "d", "value": -25.0}\r\n'
        '{"id": "e", "value": 3, "row": 1}\n{"id": "f", "value": "007"}\n'
        '{"id": "g", "value": "1_0"}',
    )

    assert table.rows == lines.rows
    assert [(each.id, each.value, each.row) for each in table.rows] == [
        *(("a", 1, 0), ("b", True, 2), ("c", "late", 0), ("d", -25.0, 0)),
        *(("e", 3, 1), ("f", "007", 0), ("g", "1_0", 0)),
    ]
    assert [type(each.value) for each in table.rows][:4] == [int, bool, str, float]


@pytest.mark.parametrize("name", ["l.csv", "l.jsonl"])
def test_nothing_is_changed_on_the_way(server: Server, tmp_path: Path, name: str) -> None:
    """Integers beyond a double's, line breaks of any kind, and a byte order mark before it all."""
    text = 'two\nlines, "said"\r\nof\u2028it\x85'
    quoted = text.replace('"', '""')
    content = {
        "l.csv": f'id,value\r\na,9007199254740993\r\nb,"{quoted}"\r\n',
        "l.jsonl": f'{{"id": "a", "value": 9007199254740993}}\n'
        f"{json.dumps({'id': 'b', 'value': text}, ensure_ascii=False)}\n",
    }[name]

    feedback.send(server.running(), labels_of(tmp_path / name, b"\xef\xbb\xbf" + content.encode()))

    [(_, _, sent)] = server.asked
    assert [label["value"] for label in sent] == [9007199254740993, text]


JSON_LABEL = '{"id": "a", "value": 1}\n'


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("l.csv", "id,label\na,1\n", ":1: the head is 'id,label': it should be id,value or"),
        ("l.csv", "id;value\na;1\n", ":1: the head is 'id;value': it should"),
        ("l.csv", "id,value,value\n", ":1: the head is 'id,value,value': it should"),
        ("l.csv", "", ":1: the head is '': it should"),
        ("l.csv", "id,value,row\na,1,x\n", ":2: the row 'x' is no whole number: a label has an id"),
        ("l.csv", "id,value,row\na,1,-1\n", ":2: Expected `int` >= 0 - at `$.row`: a label has"),
        ("l.csv", "id,value\na,1,2\n", ":2: it has 3 fields where the head has 2: a label has"),
        ("l.csv", "id,value\na\n", ":2: it has 1 fields where the head has 2: a label has"),
        ("l.csv", "id,value\na,nan\n", ":2: the value 'nan' is no number that can be true: a"),
        ("l.csv", "id,value\na,-Inf\n", ":2: the value '-Inf' is no number"),
        ("l.csv", "id,value\na,\n", ":2: the value is empty: a label has an id"),
        ("l.csv", "id,value\na,1e999\n", ":2: the value '1e999' is beyond what a number can be"),
        ("l.csv", f"id,value\na,{2**63}\n", f":2: Expected `int` <= {2**63 - 1} - at `$.value`"),
        ("l.csv", "id,value\na," + "9" * 5000, ":2: Exceeds the limit"),
        ("l.csv", "id,value\n,1\n", ":2: Expected `str` of length >= 1 - at `$.id`"),
        ("l.csv", f"id,value\n{'i' * 257},1\n", ":2: Expected `str` of length <= 256 - at `$.id`"),
        ("l.csv", f"id,value\na,{'t' * 4097}\n", ":2: Expected `str` of length <= 4096 - at"),
        ("l.csv", 'id,value\na,"1\n2"\n\nb,"x"y\n', ":5: not CSV from here on: ',' expected"),
        ("l.csv", 'id,value\na,"1\nb,2\n', ":2: not CSV from here on: unexpected end of data"),
        ("l.csv", 'id,value\na,"t\nt"\nb,nan\n', ":4: the value 'nan' is no number"),
        ("l.csv", b"id,value\na,1\nb,\xe9\n", ":3: not UTF-8 text: save the file as UTF-8"),
        ("l.csv", "id,value\na,1\n".encode("utf-16"), ":1: not UTF-8 text: save"),
        ("l.jsonl", JSON_LABEL + "[1]\n", ":2: Expected `object`, got `array`: a label has an id"),
        ("l.jsonl", JSON_LABEL[:-2], ":1: no JSON: Input data was truncated"),
        (
            "l.jsonl",
            JSON_LABEL[:-2] + ', "c": 2}',
            ":1: Object contains unknown field `c`: a label",
        ),
        ("l.jsonl", '\n{"id": "a", "value": NaN}', ":2: no JSON: JSON is malformed: invalid char"),
        ("l.jsonl", '{"id": "a", "value": -Infinity}', "it has neither NaN nor infinity"),
        (
            "l.jsonl",
            '{"id": "a", "value": null}',
            ":1: Expected `bool | int | float | str`, got",
        ),
        ("l.jsonl", '{"id": "a", "value": 1e999}', ":1: Number out of range - at `$.value`"),
        ("l.jsonl", f'{{"id": "a", "value": {10**20}}}', ":1: Expected `int` <= "),
        ("l.jsonl", f'{{"id": "a", "{"n" * 9999}": 1}}', "n`: a label has an id"),
        ("l.jsonl", "[" * 100_000, ":1: Expected `object`, got `array`"),
    ],
)
def test_what_is_no_label_is_named(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    """One line of a bounded length: the file, the line, and what is wrong; nothing is sent."""
    with pytest.raises(SettingsError) as refused:
        labels_of(tmp_path / name, content)

    assert str(refused.value).startswith(f"{tmp_path / name}:")
    assert said in str(refused.value)
    assert len(str(refused.value)) < 1000
    assert "\n" not in str(refused.value)


def test_a_file_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    """One wrong label far down, and none is sent; how many there are is said, and the way out."""
    lines = [f'{{"id": "{number}", "value": 1}}' for number in range(3 * feedback.BATCH)]
    lines[5004] = lines[9000] = '{"id": "a", "value": "1", "row": -1}'

    with pytest.raises(SettingsError) as refused:
        labels_of(tmp_path / "l.jsonl", "\n".join(lines))

    assert f"{tmp_path / 'l.jsonl'}:5005: Expected `int` >= 0 - at `$.row`" in str(refused.value)
    assert "; 2 of 15000 labels are wrong and none is sent: mend the file" in str(refused.value)


def test_what_is_no_label_is_left_out_where_one_asks_for_it(tmp_path: Path) -> None:
    """And listed, by the line that it begins in."""
    found = labels_of(
        tmp_path / "l.csv", 'id,value\na,"1\n2"\nb,nan\nc,"\n",1\nd,4\n', skip_invalid=True
    )

    assert [(each.id, each.value) for each in found.rows] == [("a", "1\n2"), ("d", 4)]
    assert found.lines == [2, 7]
    assert [said.split(": ")[0] for said in found.wrong] == [
        f"{found.file}:4",
        f"{found.file}:5",
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the system's word on it."""
    with pytest.raises(SettingsError, match=r"no\.csv: No such file or directory"):
        feedback.read(tmp_path / "no.csv")


def test_labels_go_in_batches_that_the_server_takes(server: Server) -> None:
    """All of them, in order, each batch within its bound."""
    labels = many(2 * feedback.BATCH + 1)

    assert feedback.send(server.running(), labels) == len(labels.rows)

    sent = [label for _, _, batch in server.asked for label in batch]
    assert sent == msgspec.to_builtins(labels.rows)
    assert {path for path, _, _ in server.asked} == {"/v2/feedback"}
    assert max(len(batch) for _, _, batch in server.asked) <= 10_000


def test_no_batch_is_longer_than_the_server_reads(server: Server) -> None:
    """Whatever its settings say; a label that is too long alone is the server's to refuse."""
    labels = many(20, "t" * 200)

    assert feedback.send(server.running(), labels, 1024) == 20

    assert max(server.sizes) <= 1024
    assert len(server.asked) == 5


@pytest.mark.parametrize(
    ("refuses_from", "said"),
    [
        (0, r"; none of the 5001 labels was taken: once that is mended run the same command again"),
        (1, r"; the first 5000 of 5001 labels are kept, before line 5001 of l\.jsonl: once that"),
    ],
)
def test_a_refusal_says_what_is_kept_and_how_to_go_on(
    server: Server, refuses_from: int, said: str
) -> None:
    """With the server's own words first."""
    server.refuses_from = refuses_from

    with pytest.raises(
        SlipwayError, match=r"^the model server answers 503: send them again" + said
    ):
        feedback.send(server.running(), many(feedback.BATCH + 1))


def test_a_caller_s_key_goes_along_where_there_is_one(server: Server) -> None:
    """The command line is a caller like any other, with the first key of the stack."""
    feedback.send(server.running(**{"api-key-b": "2", "api-key-a": "1"}), many(1))
    feedback.send(server.running(other="x"), many(1))

    assert [key for _, key, _ in server.asked] == ["1", ""]
