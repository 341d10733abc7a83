"""The bare HTTP floor: the same bytes to everyone; the request's body is not even read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.serving.handlers import granian_server, scoring

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_HEADERS = [("content-type", "application/json")]


def load() -> Callable[[Any, Any], Awaitable[None]]:
    """The application."""
    answer = (scoring.folder() / "answer.json").read_bytes()

    async def static(_scope: Any, protocol: Any) -> None:  # RSGI asks for it
        protocol.response_bytes(200, _HEADERS, answer)

    return static


if __name__ == "__main__":
    granian_server.serve(load)
