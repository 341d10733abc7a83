"""`python -m infra.targets.processes.exporter HOST:PORT FILE`: metrics of processes that have none.

A service's own path has the usual `process_*` metrics, summed over its processes, and answers
with 503 while the service does not: to Prometheus it is as if the service itself were asked.
FILE names the services, where each answers, and the path of its health.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from infra.home import StackDir
from infra.targets.processes import health, supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN = "/metrics"
_OF = "/services/"


def main() -> None:
    """Serve until the process is ended."""
    where, file = sys.argv[1:]
    health_checks = json.loads(Path(file).read_text(encoding="utf-8"))
    # The file is `services/NAME/config/FILE` of the stack's folder.
    server(where, StackDir(Path(file).resolve().parents[3]), health_checks).serve_forever()


def server(
    where: str, stack: StackDir, health_checks: Mapping[str, Mapping[str, str]]
) -> ThreadingHTTPServer:
    """The HTTP server at host:port `where`, bound; `health_checks` are by service."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path, stack, health_checks)
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Prometheus asks every few seconds."""

    host, _, port = where.rpartition(":")
    return ThreadingHTTPServer((host, int(port)), Handler)


def answer(
    path: str, stack: StackDir, health_checks: Mapping[str, Mapping[str, str]]
) -> tuple[int, bytes]:
    """Status and body for a path: the exporter's own metrics, or those of a service."""
    if path == OWN:
        own = CollectorRegistry()
        ProcessCollector(registry=own)
        return 200, generate_latest(own)
    check = health_checks.get(path.removeprefix(_OF)) if path.startswith(_OF) else None
    if check is None:
        return 404, b""
    seen = supervisor.state(stack, path.removeprefix(_OF))
    if not seen or not seen.pid or not health.answers(check["address"], check["path"] or None):
        return 503, b""
    try:
        return 200, of_process(psutil.Process(seen.pid))
    except psutil.NoSuchProcess:
        return 503, b""


def of_process(main_process: psutil.Process) -> bytes:
    """The metrics of a process with all that it started.

    Start time and the limit of open files are its own. Memory that processes share is counted in
    each.
    """
    registry = CollectorRegistry()
    memory = Gauge("process_resident_memory_bytes", "Resident memory.", registry=registry)
    seconds = Counter("process_cpu_seconds", "CPU time, user and system.", registry=registry)
    files = Gauge("process_open_fds", "Open file descriptors.", registry=registry)
    began = Gauge("process_start_time_seconds", "Start, since the epoch.", registry=registry)
    began.set(main_process.create_time())
    with suppress(AttributeError):  # macOS tells no limits of another process
        limit = Gauge("process_max_fds", "Limit of open file descriptors.", registry=registry)
        limit.set(main_process.rlimit(psutil.RLIMIT_NOFILE)[0])
    for process in (main_process, *main_process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess), process.oneshot():
            memory.inc(process.memory_info().rss)
            times = process.cpu_times()
            seconds.inc(times.user + times.system)
            files.inc(process.num_fds())
    # Those that ended are counted in the one that started them.
    ended = main_process.cpu_times()
    seconds.inc(ended.children_user + ended.children_system)
    return generate_latest(registry)


if __name__ == "__main__":
    main()
