"""Who takes part, and how each is started, asked and understood."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.serving import bodies
from benchmarks.serving.handlers import scoring
from benchmarks.serving.running import Command

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.serving.bodies import Body
    from benchmarks.serving.models import Model

ROOT: Final = Path(__file__).resolve().parents[2]
_HANDLERS: Final = Path(__file__).parent / "handlers"


@dataclass(frozen=True)
class RenderContext:
    """Where a server is to run.

    Attributes:
        model: what it serves.
        folder: that model's files, and the floor's answer.
        scratch: a new folder, the server's own.
        ports: the first for HTTP; others for what a server opens besides.
        workers: how many processes answer.
        upstream: `host:port` of MLflow and the registry.
    """

    model: Model
    folder: Path
    scratch: Path
    ports: tuple[int, int, int]
    workers: int
    upstream: str

    @property
    def port(self) -> int:
        """Where it answers HTTP."""
        return self.ports[0]


@dataclass(frozen=True)
class Contestant:
    """One server of the benchmark.

    Attributes:
        name: as the report calls it.
        kind: `ours`, `peer` or `floor`.
        command: how it is started.
        body: a request of so many rows.
        read: the numbers of an answer; none where it does not depend on the request.
    """

    name: str
    kind: str
    command: Callable[[RenderContext], Command]
    body: Callable[[Model, int], Body] = bodies.protocol
    read: Callable[[bytes], list[float]] | None = bodies.of_protocol


def slipway(tree: Path = ROOT, *, logs: bool = True) -> Callable[[RenderContext], Command]:
    """The real server of a checkout, with metrics; with the prediction log unless told not to."""

    def command(place: RenderContext) -> Command:
        config = {
            "port": place.port,
            "grpc_port": place.ports[1],
            "tracking_url": f"http://{place.upstream}",
            "registry": place.upstream,
            "model": place.model.name,
            "cache_dir": str(place.scratch / "cache"),
            "workers": place.workers,
        }
        if logs:
            config["log"] = {"url": str(place.scratch / "tables")}
        path = place.scratch / "serving.json"
        path.write_text(json.dumps(config))
        argv = [sys.executable, "-m", "serving", "--config", str(path)]
        return Command(argv, {"PYTHONPATH": str(tree)})

    return command


def _handler(name: str, python: str = sys.executable) -> Callable[[RenderContext], Command]:
    def command(place: RenderContext) -> Command:
        return Command([python, "-m", f"benchmarks.serving.handlers.{name}"], _variables(place))

    return command


def kserve(python: str) -> Callable[[RenderContext], Command]:
    """KServe's ModelServer in the environment of `python`; see its handler."""
    quiet = str(_HANDLERS / "kserve_log.json")

    def command(place: RenderContext) -> Command:
        module = "benchmarks.serving.handlers.kserve_server"
        return Command([python, "-m", module, "--log_config_file", quiet], _variables(place))

    return command


def mlserver(python: str) -> Callable[[RenderContext], Command]:
    """MLServer in the environment of `python`; see its handler."""

    def command(place: RenderContext) -> Command:
        (place.scratch / "settings.json").write_text(json.dumps(_mlserver_settings(place)))
        model = {
            "name": place.model.name,
            "implementation": "benchmarks.serving.handlers.mlserver_runtime.Runtime",
        }
        (place.scratch / "model-settings.json").write_text(json.dumps(model))
        argv = [str(Path(python).with_name("mlserver")), "start", str(place.scratch)]
        return Command(argv, _variables(place))

    return command


def _mlserver_settings(place: RenderContext) -> dict[str, object]:
    return {
        "host": "127.0.0.1",
        "http_port": place.port,
        "grpc_port": place.ports[1],
        "metrics_port": place.ports[2],
        "debug": False,
        "gzip_enabled": False,
        "parallel_workers": 0 if place.workers == 1 else place.workers,
        "metrics_dir": str(place.scratch / "metrics"),
        "environments_dir": str(place.scratch / "environments"),
    }


def bentoml(python: str) -> Callable[[RenderContext], Command]:
    """BentoML's server in the environment of `python`; see its handler."""

    def command(place: RenderContext) -> Command:
        variables = _variables(place) | {
            "BENTOML_HOME": str(place.scratch),
            "BENTOML_DO_NOT_TRACK": "True",
        }
        argv = [str(Path(python).with_name("bentoml")), "serve"]
        return Command([*argv, "benchmarks.serving.handlers.bentoml_service:Service"], variables)

    return command


def _variables(place: RenderContext) -> dict[str, str]:
    return {
        scoring.MODEL: str(place.folder),
        scoring.PORT: str(place.port),
        scoring.WORKERS: str(place.workers),
        "PYTHONPATH": str(ROOT),
    }


FLOOR: Final = Contestant("bare HTTP floor", "floor", _handler("static_floor"), read=None)
BARE: Final = Contestant("bare handler", "floor", _handler("bare_floor"))
SLIPWAY: Final = Contestant("Slipway", "ours", slipway())
UNLOGGED: Final = Contestant("Slipway, log off", "ours", slipway(logs=False))
PEERS: Final[dict[str, Callable[[str], Contestant]]] = {
    "kserve": lambda python: Contestant("KServe", "peer", kserve(python)),
    "mlserver": lambda python: Contestant("MLServer", "peer", mlserver(python)),
    "bentoml": lambda python: Contestant(
        "BentoML", "peer", bentoml(python), bodies.columns, bodies.of_list
    ),
}
