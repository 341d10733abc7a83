"""The server's one configuration file: its form, its bounds and how it is read.

Nothing else in this room reads configuration or environment.
"""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Port = Annotated[int, Meta(ge=1, le=65535)]
HostPort = Annotated[str, Meta(pattern=r"^[^/\s]+:[0-9]{1,5}$")]
HttpUrl = Annotated[str, Meta(pattern=r"^https?://[^/\s]+[^\s]*$")]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]
Workers = Annotated[int, Meta(ge=1, le=64)]


DRAIN_SECONDS = 8
"""How long requests in flight may take after SIGTERM; below supervisors' usual ten seconds."""


class ConfigError(Exception):
    """A configuration that cannot be used; the message is the one line a person needs."""


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What one request may ask for.

    Attributes:
        max_body_bytes: longest body read, beyond it the answer is 413.
        max_rows: largest first dimension of an input, beyond it the answer is 422.
    """

    max_body_bytes: Positive = 4 * 1024 * 1024
    max_rows: Positive = 10_000


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything the server is told.

    Attributes:
        host: address to bind; nothing else is bound.
        port: TCP port to bind.
        tracking_url: base URL of the MLflow server whose alias is followed.
        registry: `host:port` of the OCI registry, plain HTTP.
        model: registered model's name, and the only model name that is served.
        alias: alias of the model version to serve.
        cache_dir: folder for models by digest; made if it is missing.
        poll_seconds: pause between two looks at the alias.
        workers: worker processes, each with its own copy of the model.
        limits: bounds of one request.
    """

    port: Port
    tracking_url: HttpUrl
    registry: HostPort
    model: Name
    cache_dir: str
    host: str = "127.0.0.1"
    alias: Name = "champion"
    poll_seconds: Seconds = 1.0
    workers: Workers = 1
    limits: Limits = Limits()


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
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
