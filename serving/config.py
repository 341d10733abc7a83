"""The server's one configuration file: its form, its bounds and how it is read.

Bounds and defaults that the platform's settings share are those of `contracts.serving_limits`.
No other module of the server reads configuration. The environment holds only what libraries read
for themselves: the folder of shared metrics (see `metrics.models`) and the object store's keys.
"""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from contracts import serving_limits, slots
from contracts.serving_limits import Limit
from serving.errors import DECODE_ERRORS

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Port = Annotated[int, Meta(ge=1, le=65535)]
HostPort = Annotated[str, Meta(pattern=r"^[^/\s]+:[0-9]{1,5}$")]
HttpUrl = Annotated[str, Meta(pattern=r"^https?://[^/\s]+[^\s]*$")]
Seconds = Annotated[float, Meta(gt=0, le=3600)]
Notice = Annotated[float, Meta(ge=0, le=60)]


DRAIN_SECONDS = 8
"""How long requests in flight may take after SIGTERM; below supervisors' usual ten seconds."""


class ConfigError(Exception):
    """A configuration that cannot be used; the message is the one line a person needs."""


def _within(limit: Limit[int] | Limit[float]) -> Meta:
    return Meta(ge=limit.least, le=limit.most)


MaxBodyBytes = Annotated[int, _within(serving_limits.MAX_BODY_BYTES)]
MaxRows = Annotated[int, _within(serving_limits.MAX_ROWS)]
MaxSeconds = Annotated[float, _within(serving_limits.MAX_SECONDS)]
MaxConcurrency = Annotated[int, _within(serving_limits.MAX_CONCURRENCY)]
MaxScored = Annotated[int, _within(serving_limits.MAX_EXPLAINED)]
JournalBytes = Annotated[int, _within(serving_limits.JOURNAL_BYTES)]
FlushSeconds = Annotated[float, _within(serving_limits.FLUSH_SECONDS)]
PollSeconds = Annotated[float, _within(serving_limits.POLL_SECONDS)]
Workers = Annotated[int, _within(serving_limits.WORKERS)]


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of one request, and of all of them together.

    Attributes:
        max_body_bytes: longest body read, also after decompression; beyond it the answer is 413.
        max_rows: largest first dimension of an input, beyond it the answer is 422.
        max_seconds: time from a request's head to its answer, beyond it the answer is 408.
        max_concurrency: requests that one worker has in hand, beyond it the answer is 429.
    """

    max_body_bytes: MaxBodyBytes = serving_limits.MAX_BODY_BYTES.default
    max_rows: MaxRows = serving_limits.MAX_ROWS.default
    max_seconds: MaxSeconds = serving_limits.MAX_SECONDS.default
    max_concurrency: MaxConcurrency = serving_limits.MAX_CONCURRENCY.default


class SlotAliases(Struct, frozen=True, forbid_unknown_fields=True):
    """The alias in the model registry that each slot follows."""

    champion: Name = slots.CHAMPION
    challenger: Name = slots.CHALLENGER
    shadow: Name = slots.SHADOW


class PredictionLog(Struct, frozen=True, forbid_unknown_fields=True):
    """The prediction log: where predictions and labels are kept.

    Attributes:
        url: folder of the Delta tables `predictions` and `feedback`: a path or `s3://...`; the
            store's keys come from the environment, as AWS's tools name them.
        journal_bytes: what may wait on this machine's disk for the tables; beyond it predictions
            are answered and not logged.
        flush_seconds: longest wait of a record for its table, while the store answers.
    """

    url: str
    journal_bytes: JournalBytes = serving_limits.JOURNAL_BYTES.default
    flush_seconds: FlushSeconds = serving_limits.FLUSH_SECONDS.default


class Explanations(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of explanations; more permutations are more exact about what three features share.

    Attributes:
        permutations: orders of the features for each background row, an even number.
        max_scored: rows scored for one request (its rows x background rows x permutations x
            features), beyond it the answer is 422.
    """

    permutations: Annotated[int, Meta(ge=2, le=1024, multiple_of=2)] = 2
    max_scored: MaxScored = serving_limits.MAX_EXPLAINED.default


class ApiKey(Struct, frozen=True, forbid_unknown_fields=True):
    """One caller's key: a name for logs and metrics, and the SHA-256 of the key in hex."""

    name: Name
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The server's configuration.

    Attributes:
        host: address to bind; nothing else is bound.
        port: TCP port to bind, for HTTP.
        grpc_port: TCP port to bind for gRPC; none without it.
        tracking_url: base URL of the MLflow server whose aliases are followed.
        registry: `host:port` of the OCI registry, plain HTTP.
        model: registered model's name, and the only model name that is served.
        slots: alias that each slot follows.
        public_key: PEM text of the keys, one after the other, of which one must have signed a
            model; without any, signatures are not verified.
        cache_dir: folder for models by digest and the journal; made if it is missing.
        poll_seconds: pause between two polls of the model registry.
        workers: worker processes, each with its own copy of the models.
        limits: bounds of requests.
        explanations: bounds of explanations.
        log: where predictions are logged; nowhere without it.
        api_keys: keys of which one must come with each infer and feedback request; without any,
            none must.
        idle_seconds: longest wait for a whole request head, on a new connection and, as Granian has
            one setting for both, on one that is kept alive. The default is longer than the 60 s for
            which balancers (AWS's, nginx) keep connections to us, so that they close them, and
            never both at once. A head that comes byte by byte holds only its own connection: heads
            are read beside the loop, and there may be more connections than requests.
        notice_seconds: how long after SIGTERM it goes on as before, but not ready, so that
            balancers turn away before its port closes.
        log_requests: whether requests that went well are logged, too; the others always are.
    """

    port: Port
    tracking_url: HttpUrl
    registry: HostPort
    model: Name
    cache_dir: str
    host: str = "127.0.0.1"
    grpc_port: Port | None = None
    slots: SlotAliases = SlotAliases()
    public_key: str = ""
    poll_seconds: PollSeconds = serving_limits.POLL_SECONDS.default
    workers: Workers = serving_limits.WORKERS.default
    limits: Limits = Limits()
    explanations: Explanations = Explanations()
    log: PredictionLog | None = None
    api_keys: tuple[ApiKey, ...] = ()
    idle_seconds: Seconds = 75.0
    notice_seconds: Notice = 0.0
    log_requests: bool = False

    def __post_init__(self) -> None:
        # Both would bind it with SO_REUSEPORT, and share its connections in silence.
        if self.grpc_port == self.port:
            raise ValueError("`grpc_port` must not be `port`")


def journal_folder(config: Config) -> Path:
    """The folder of the journal, which workers write and the agent ships."""
    return Path(config.cache_dir) / "journal"


def load(path: Path) -> Config:
    """Read and check the configuration.

    Raises:
        ConfigError: the file cannot be read, is not JSON, or a field is unknown, missing or
            out of bounds; names the file and the field.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Config)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except DECODE_ERRORS as error:
        raise ConfigError(f"{path}: {error}") from error
