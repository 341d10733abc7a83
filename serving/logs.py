"""Structured logs: one JSON object a line on stdout, ours and Granian's alike.

Owns the format, and that a lasting trouble is two lines. What is worth an event is decided where it
happens.
"""

import logging
import os
from datetime import UTC, datetime
from typing import Any

import msgspec

_LOGGER = logging.getLogger("slipway.serving")


class JsonFormatter(logging.Formatter):
    """Writes a record as one line: time (RFC 3339, UTC), level, event, pid, its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON; a traceback goes into the field `error`."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "pid": os.getpid(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonFormatter}},
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "stream": "ext://sys.stdout",
        }
    },
    "loggers": {
        "slipway.serving": {"handlers": ["stdout"], "level": "INFO", "propagate": False},
        "grpc": {"handlers": ["stdout"], "level": "ERROR", "propagate": False},
        "_granian": {"handlers": ["stdout"], "level": "INFO", "propagate": False},
    },
}


class TroubleLog:
    """Logs when a trouble begins and when it ends, not at every attempt between.

    Used on one thread.
    """

    def __init__(self, endings: dict[str, str], **fields: object) -> None:
        """Take the event that ends each trouble by the one that begins it.

        Args:
            endings: events by events.
            fields: those of every line.
        """
        self._endings = endings
        self._fields = fields
        self._current: set[str] = set()

    def begin(self, event: str, **fields: object) -> None:
        """Log a trouble, unless it is there already."""
        if event not in self._current:
            self._current.add(event)
            warning(event, **self._fields, **fields)

    def end(self, event: str) -> None:
        """Log that a trouble is over, if it was there."""
        if event in self._current:
            self._current.remove(event)
            info(self._endings[event], **self._fields)


def info(event: str, **fields: object) -> None:
    """Log an expected event."""
    _LOGGER.info(event, extra={"fields": fields})


def warning(event: str, **fields: object) -> None:
    """Log an event that an operator may have to act on."""
    _LOGGER.warning(event, extra={"fields": fields})


def failure(event: str, cause: Exception, **fields: object) -> None:
    """Log a fault of ours with the traceback of its cause."""
    _LOGGER.error(event, exc_info=cause, extra={"fields": fields})
