"""The server's paths, and the methods that each takes.

Owns parsing a path, not the response. Source: the Open Inference Protocol's HTTP/REST part.
"""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote


class Kind(StrEnum):
    """The kind of a path; also the closed set of values of a metric's label."""

    SERVER = "server"
    LIVE = "live"
    READY = "ready"
    SLOTS = "slots"
    MODEL = "model"
    MODEL_READY = "model_ready"
    INFER = "infer"
    FEEDBACK = "feedback"
    METRICS = "metrics"
    OPENAPI = "openapi"
    DOCS = "docs"
    UNKNOWN = "unknown"


class Route(NamedTuple):
    """A parsed path; `model` and `version` where it names them, else empty."""

    kind: Kind
    model: str = ""
    version: str = ""

    @property
    def method(self) -> str:
        """The method that the path takes."""
        return "POST" if self.kind in _POSTED else "GET"

    @property
    def allow(self) -> str:
        """All methods that it answers: what can be got has a head, too (RFC 9110, 9.3.2)."""
        return self.method if self.kind in _POSTED else f"{self.method}, {HEAD}"


HEAD = "HEAD"
_POSTED = {Kind.INFER, Kind.FEEDBACK}
_FIXED = {
    "/v2": Route(Kind.SERVER),
    "/v2/health/live": Route(Kind.LIVE),
    "/v2/health/ready": Route(Kind.READY),
    "/v2/slots": Route(Kind.SLOTS),
    "/v2/feedback": Route(Kind.FEEDBACK),
    "/metrics": Route(Kind.METRICS),
    "/v2/openapi.json": Route(Kind.OPENAPI),
    "/docs": Route(Kind.DOCS),
}
_ACTIONS = {(): Kind.MODEL, ("ready",): Kind.MODEL_READY, ("infer",): Kind.INFER}
_UNKNOWN = Route(Kind.UNKNOWN)


@lru_cache(maxsize=1024)
def parse(path: str) -> Route:
    """The route of a request's path, `UNKNOWN` where there is none."""
    fixed = _FIXED.get(path)
    if fixed is not None:
        return fixed
    match path.split("/"):
        case ["", "v2", "models", model, "versions", version, *action] if model and version:
            kind = _ACTIONS.get(tuple(action))
        case ["", "v2", "models", model, *action] if model:
            kind, version = _ACTIONS.get(tuple(action)), ""
        case _:
            return _UNKNOWN
    return Route(kind, unquote(model), unquote(version)) if kind else _UNKNOWN
