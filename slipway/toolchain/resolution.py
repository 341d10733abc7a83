"""How a tool was come by, and the error when it is not what it should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from infra.errors import ToolMissingError

if TYPE_CHECKING:
    from pathlib import Path

# How a tool in the cache came there.
Origin = Literal["release", "go"]
Source = Literal["path", "cache", "release", "go"]

# Called with a tool's name, or the way it takes, and what goes on with it in a few words.
Progress: TypeAlias = Callable[[str, str], None]


@dataclass(frozen=True)
class Resolution:
    """A tool that can be run.

    `source` says where this call found it: on PATH, in the project's cache, or, as it was
    in neither, just fetched from its release or just built with Go.
    """

    name: str
    path: Path
    version: str
    source: Source


class ChecksumError(ToolMissingError):
    """An archive is not what its release, or our lock, says it is."""
