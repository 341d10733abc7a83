"""A contestant's server on its cores, with a folder of its own, for as long as it is measured."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.serving import cores, wrk
from benchmarks.serving.contestants import Contestant, RenderContext
from benchmarks.serving.running import ContestantError, Running, ask, free_ports, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.serving.bodies import Body
    from benchmarks.serving.client import Figures
    from benchmarks.serving.cores import Split
    from benchmarks.serving.models import Model

_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Stage:
    """A running server and what loads it.

    Attributes:
        server: the processes.
        place: where they run.
        split: the server's cores, and the client's.
    """

    server: Running
    place: RenderContext
    split: Split

    def load(self, body: Body, connections: int, seconds: int) -> Figures:
        """Load it by wrk. Raises ClientError."""
        return wrk.load(self.server.port, body, connections, seconds, self.split)

    def check(self, body: Body, rows: int, read: Callable[[bytes], list[float]]) -> None:
        """Make sure that it does the whole job: its answer is onnxruntime's own.

        Raises:
            ContestantError: it answers anything else.
        """
        status, answer = ask(self.server.port, body)
        expected = self.place.model.expected(rows)
        values = read(answer) if status == HTTPStatus.OK else []
        if len(values) != len(expected) or not all(
            math.isclose(value, right, abs_tol=_TOLERANCE)
            for value, right in zip(values, expected, strict=True)
        ):
            raise ContestantError(
                f"{self.server.process.args!r} answers {rows} rows with {status} {answer[:300]!r}"
            )


@contextmanager
def stage(contestant: Contestant, model: Model, workers: int, upstream: str) -> Iterator[Stage]:
    """Start a contestant's server; it ends with the context.

    Raises:
        ContestantError: it does not start.
    """
    split = cores.split(workers)
    with TemporaryDirectory(prefix="slipway-serving-") as name:
        place = _place(Path(name), model, workers, upstream)
        body, log = contestant.body(model, 1), place.scratch / "server.log"
        with running(contestant.command(place), place.port, body, split.server, log) as server:
            yield Stage(server, place, split)


def _place(root: Path, model: Model, workers: int, upstream: str) -> RenderContext:
    folder, scratch = root / "model", root / "server"
    for each in (folder, scratch):
        each.mkdir()
    for title, data in model.files.items():
        (folder / title).write_bytes(data)
    outputs = [{"name": "y", "datatype": "FP32", "shape": [1, 1], "data": model.expected(1)}]
    answer = {"model_name": model.name, "model_version": "1", "outputs": outputs}
    (folder / "answer.json").write_text(json.dumps(answer))
    first, second, third = free_ports(3)
    return RenderContext(model, folder, scratch, (first, second, third), workers, upstream)
