"""The journal: what was acknowledged can be read, whatever becomes of its writer."""

import json
import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.agent.delivery.journals import Journals
from serving.prediction_log import segments
from serving.prediction_log.journal import Journal
from serving.prediction_log.records import Label, Prediction, encode

CAPACITY = 1 << 20

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
COLUMNS = st.dictionaries(
    TEXT,
    st.lists(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | TEXT,
        max_size=5,
    ),
    max_size=3,
)
RECORDS = st.builds(
    Prediction,
    TEXT,
    st.integers(0, 2**62),
    TEXT,
    TEXT,
    TEXT,
    TEXT,
    st.floats(0, 1e6),
    st.integers(0, 10_000),
    COLUMNS,
    COLUMNS,
    st.none() | TEXT,
    st.none() | TEXT,
) | st.builds(
    Label,
    TEXT,
    st.integers(0, 2**31 - 1),
    st.floats(allow_nan=False) | TEXT | st.booleans(),
    st.integers(0, 2**62),
)


def label(name):
    """A record, for tests that do not look into it."""
    return Label(name, 0, 1.0, 5)


def records_of(parts):
    """All records, in order."""
    return [record for part in parts for frame in part.frames for record in frame.records]


class Reader:
    """Reads a journal from its beginning, and counts what was skipped."""

    def __init__(self, folder):
        self.skipped = 0
        self.journals = Journals(folder, lambda writer: 0, self._skip)

    def _skip(self):
        self.skipped += 1

    def rest(self, budget=1 << 30):
        """Everything that can be read now."""
        found, more = [], True
        while more:
            parts, more = self.journals.read(budget)
            found += records_of(parts)
        return found


def own_segments(folder):
    """The segments of a journal with one writer."""
    (writer,) = segments.writers(folder)
    return [segments.path_of(writer, position) for position in segments.positions(writer)]


@settings(deadline=None, max_examples=60)
@given(batches=st.lists(st.lists(RECORDS, min_size=1, max_size=20), min_size=1, max_size=5))
def test_what_was_appended_is_read(tmp_path_factory, batches):
    """Records of any content come back equal and in order, whatever the batches and segments."""
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder, CAPACITY, segment_bytes=200)
    for batch in batches:
        assert journal.append([encode(record) for record in batch])
    journal.close()
    reader = Reader(folder)
    flat = [record for batch in batches for record in batch]
    assert repr(reader.rest(budget=100)) == repr(flat)
    assert reader.skipped == 0


def test_a_reader_keeps_up_with_a_writer(tmp_path):
    """The open segment is read too, each record once, before its writer closes anything."""
    journal, reader = Journal(tmp_path, CAPACITY), Reader(tmp_path)
    for name in "abc":
        assert journal.append([encode(label(name))])
        assert reader.rest() == [label(name)]
    assert reader.rest() == []


def test_segments_end_by_size_and_age(tmp_path):
    """A segment that has its size or its age is followed by another, so that it can go."""
    sized = Journal(tmp_path / "sized", CAPACITY, segment_bytes=100)
    aged = Journal(tmp_path / "aged", CAPACITY, segment_seconds=0)
    for number in range(8):
        record = encode(label(f"{number}"))
        assert sized.append([record])
        aged._check_at = 0.0
        assert aged.append([record])
    assert len(own_segments(tmp_path / "sized")) > 1
    assert len(own_segments(tmp_path / "aged")) == 8


def test_beyond_its_capacity_it_drops_and_says_so_once(tmp_path, caplog, events, wait_until):
    """What waits of all writers is held to the capacity; what is shipped makes room again."""
    record = encode(label("a" * 100))
    other, journal = Journal(tmp_path, 2000), Journal(tmp_path, 2000)
    assert all(other.append([record]) for _ in range(8))
    kept = sum(journal.append([record]) for _ in range(1000))
    assert 4 <= kept <= 8
    assert segments.waiting(tmp_path) <= 2000
    assert events(caplog) == ["journal_full"]
    for writer in segments.writers(tmp_path):
        segments.note_shipped(writer, segments.end_of(writer))
    wait_until(lambda: journal.append([record]), "room")
    assert events(caplog) == ["journal_full", "journal_keeps"]


def test_appends_list_no_folder(tmp_path, monkeypatch):
    """Looks at the disk come by time, not by call, whether there is room or none."""
    looks = []
    real = segments.waiting
    monkeypatch.setattr(segments, "waiting", lambda folder: looks.append(1) or real(folder))
    monkeypatch.setattr("serving.prediction_log.journal.time.monotonic", lambda: 1000.0)
    roomy, full = Journal(tmp_path / "roomy", CAPACITY), Journal(tmp_path / "full", 1)
    for _ in range(500):
        assert roomy.append([encode(label("a"))])
        assert not full.append([encode(label("a"))])
    assert len(looks) == 2


def test_a_disk_that_refuses_drops_and_keeps_again(tmp_path):
    """At a limit of the disk an append is False and whole appends only are read; then it goes on.

    The limit is the kernel's on the size of a file; it takes a part of a write, like a full disk.
    """
    script = f"""
import json, resource
from pathlib import Path
from serving.prediction_log.journal import Journal
from serving.prediction_log.records import Label, encode
journal = Journal(Path({str(tmp_path)!r}), 1 << 20)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
kept = []
for number in range(2000):
    name = f"{{number:050d}}"
    if journal.append([encode(Label(name, 0, 1.0, 5))]):
        kept.append(name)
    journal._retry_at = 0.0
    if number == 1500:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
print(json.dumps(kept))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    kept = json.loads(ended.stdout)
    reader = Reader(tmp_path)
    assert [record.id for record in reader.rest()] == kept
    assert 500 < len(kept) < 2000
    assert reader.skipped > 0


def test_a_folder_that_cannot_be_made_drops(tmp_path, caplog, events):
    """Where the journal cannot be at all, appends are False and nothing is raised."""
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "journal", CAPACITY)
    assert [journal.append([encode(label("a"))]) for _ in range(3)] == [False] * 3
    assert events(caplog) == ["journal_write_failed"]


def test_a_folder_that_was_taken_away_is_made_anew(tmp_path, wait_until):
    """A deleted folder costs what was in it; what comes later is kept."""
    journal = Journal(tmp_path, CAPACITY)
    assert journal.append([encode(label("a"))])
    (writer,) = segments.writers(tmp_path)
    segments.remove(writer)
    journal._check_at = 0.0
    assert journal.append([encode(label("b"))])
    assert Reader(tmp_path).rest() == [label("b")]


def test_a_torn_last_frame_is_skipped_and_counted(tmp_path):
    """Cut at any byte of the last frame, all earlier records are read and one piece is skipped."""
    journal = Journal(tmp_path, CAPACITY)
    assert journal.append([encode(label("a")), encode(label("b"))])
    (segment,) = own_segments(tmp_path)
    first = segment.stat().st_size
    assert journal.append([encode(label("c"))])
    journal.close()
    whole = segment.read_bytes()
    for size in range(first, len(whole)):
        segment.write_bytes(whole[:size])
        reader = Reader(tmp_path)
        assert reader.rest() == [label("a"), label("b")]
        assert reader.skipped == (size > first)


def test_half_a_frame_of_a_writer_that_lives_is_waited_for(tmp_path):
    """A write that is seen before it is whole is not taken for a torn one."""
    journal, reader = Journal(tmp_path, CAPACITY), Reader(tmp_path)
    assert journal.append([encode(label("a"))])
    (segment,) = own_segments(tmp_path)
    frame = segments.pack([encode(label("b"))])
    with segment.open("ab") as file:
        file.write(frame[:9])
        file.flush()
        assert reader.rest() == [label("a")]
        file.write(frame[9:])
    assert reader.rest() == [label("b")]
    assert reader.skipped == 0


@pytest.mark.parametrize("damage", [b"\0" * 20, b"\xff" * 20], ids=["zeros", "ones"])
def test_a_damaged_segment_stops_nothing(tmp_path, damage):
    """Damage costs the rest of its segment, counted once; other segments are read."""
    journal = Journal(tmp_path, CAPACITY, segment_bytes=60)
    for name in "abcdef":
        assert journal.append([encode(label(name))])
    journal.close()
    first, *_ = own_segments(tmp_path)
    data = first.read_bytes()
    first.write_bytes(damage + data[20:])
    reader = Reader(tmp_path)
    found = [record.id for record in reader.rest()]
    assert found == [*"abcdef"][-len(found) :]
    assert 0 < len(found) < 6
    assert reader.skipped == 1


def test_a_record_of_another_form_is_skipped_and_counted(tmp_path):
    """A frame that a later version of the server wrote does not stop the reading."""
    journal = Journal(tmp_path, CAPACITY)
    for body in (encode(label("a")), b"\x93\xa1zA0", encode(label("b"))):
        assert journal.append([body])
    reader = Reader(tmp_path)
    assert reader.rest() == [label("a"), label("b")]
    assert reader.skipped == 1


def test_a_killed_writer_is_known_to_be_dead(tmp_path):
    """The kernel takes a killed process's lock back; a living one's folder is never deleted."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from serving.prediction_log.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]), 1 << 20)\n"
        "print(journal.append([b'\\xc0']), flush=True)\n"
        "time.sleep(600)\n"
    )
    argv = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"True\n"
        (writer,) = segments.writers(tmp_path)
        journals = Journals(tmp_path, lambda writer: 0, lambda: None)
        journals.release(writer.name, 1 << 40)
        assert segments.lives(writer)
        process.send_signal(signal.SIGKILL)
    assert not segments.lives(writer)
    journals.release(writer.name, 1 << 40)
    assert not writer.exists()


def test_writers_never_share_a_folder(tmp_path):
    """Also those of one process, and of processes with one pid, write apart."""
    journals = [Journal(tmp_path, CAPACITY) for _ in range(5)]
    assert all(journal.append([encode(label("a"))]) for journal in journals)
    assert len({writer.name for writer in segments.writers(tmp_path)}) == 5
    assert len(Reader(tmp_path).rest()) == 5
