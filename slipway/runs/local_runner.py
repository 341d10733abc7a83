"""The process that runs one pipeline through kfp.local: `python -m slipway.runs.local_runner`.

Owns the bridge between kfp.local and `slipway.runs.run`: typed arguments in, one JSON line an
event out on stdout. What kfp and the steps print goes to one log a step.

kfp.local offers no callback. It announces steps on the root logger, which a logging filter sees,
and prints everything else to `sys.stdout`, which is redirected.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import signal
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from kfp import components, local

from infra.kubeflow.compiled import Compiled
from infra.kubeflow.parameters import ParameterError, typed
from pipelines.compile import PIPELINES, compile_to
from slipway.runs.step_failure import diagnose

if TYPE_CHECKING:
    from collections.abc import Callable

STARTED: Final = re.compile(r"Executing task \S*'(?P<step>[^']+)'")
ENDED: Final = re.compile(
    r"Task \S*'(?P<step>[^']+)'\S* finished with status \S*?(?P<status>[A-Z]+)"
)
INDENT: Final = " " * 4


class StepLog(io.TextIOBase):
    """Stands in for stdout: what is printed goes to the current step's file, without indent."""

    def __init__(self, folder: Path) -> None:
        """Begin with the pipeline's own file in `folder`."""
        self._folder = folder
        self._file: TextIO = self.path("pipeline").open("w")

    def path(self, step: str) -> Path:
        """Return the step's file."""
        return self._folder / f"{step}.log"

    def turn_to(self, step: str) -> None:
        """Write to another step's file from now on."""
        self._file.close()
        self._file = self.path(step).open("w", buffering=1)

    def write(self, text: str) -> int:
        """Write `text`; kfp's indent of a step's lines comes as a write of its own."""
        return len(text) if text == INDENT else self._file.write(text)

    def flush(self) -> None:
        """Flush the current file."""
        if not self._file.closed:
            self._file.flush()

    def close(self) -> None:
        """Close the current file."""
        self._file.close()
        super().close()


class StepWatch(logging.Filter):
    """Sees kfp.local announce steps and reports them; lets every record pass."""

    def __init__(self, log: StepLog, report: Callable[[dict[str, Any]], None]) -> None:
        """Turn `log` to each step as it starts and give `report` each event."""
        super().__init__()
        self._log, self._report = log, report
        self._since = 0.0
        self.failed: str | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Report a start or an end."""
        text = record.getMessage()
        if found := STARTED.match(text):
            self._since = time.monotonic()
            self._log.turn_to(found["step"])
            self._say(found["step"], "running", 0.0)
        elif found := ENDED.match(text):
            succeeded = found["status"] == "SUCCESS"
            self._log.flush()
            # A step may be tried again, and succeed.
            self.failed = None if succeeded else found["step"]
            status = "succeeded" if succeeded else "failed"
            self._say(found["step"], status, time.monotonic() - self._since)
        return True

    def _say(self, step: str, status: str, seconds: float) -> None:
        self._report({"kind": "step", "step": step, "status": status, "seconds": seconds})


def main(name: str, run_dir: Path, texts: dict[str, str]) -> None:
    """Run the pipeline, reporting on stdout."""
    threading.Thread(target=_end_with_caller, daemon=True).start()
    report = _reporter()
    try:
        file = _compiled(name, run_dir)
        arguments = typed(Compiled(name, file.read_text()).parameters, texts)
    except ParameterError as refused:
        report(_failure(name, refused.cause, refused.remedy))
        return
    log = StepLog(run_dir / "log")
    watch = StepWatch(log, report)
    logging.getLogger().addFilter(watch)
    with contextlib.redirect_stdout(log):
        _run(file, arguments, run_dir)
        log.flush()
    if watch.failed is not None:
        report(_failure(watch.failed, *diagnose(log.path(watch.failed))))


def _compiled(name: str, run_dir: Path) -> Path:
    """Write the file that a cluster runs, too, and return its path.

    Raises:
        ParameterError: there is no such pipeline.
    """
    if name not in PIPELINES:
        raise ParameterError(
            f"there is no pipeline {name}", f"choose one of: {', '.join(PIPELINES)}"
        )
    return compile_to(run_dir, (name,))[0]


def _run(file: Path, arguments: dict[str, Any], run_dir: Path) -> None:
    """Hand the file to kfp.local; steps run in this environment, nothing is installed."""
    # At every step kfp doubts any image without "python" in its name, and says that it ignores
    # what is for clusters; no image is run here.
    warnings.filterwarnings("ignore", "You may be attemping to run a task", RuntimeWarning)
    warnings.filterwarnings("ignore", ".*no effect in the current local runner", UserWarning)
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(run_dir / "artifacts"),
        raise_on_error=False,
    )
    components.load_component_from_file(str(file))(**arguments)


def _end_with_caller() -> None:
    """End this process and its steps when the caller's end of stdin closes, even by SIGKILL."""
    os.read(sys.stdin.fileno(), 1)
    os.killpg(os.getpgid(0), signal.SIGTERM)


def _reporter() -> Callable[[dict[str, Any]], None]:
    """Return a writer of JSON lines to the real stdout, which steps cannot reach."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)

    def report(message: dict[str, Any]) -> None:
        stream.write(json.dumps(message) + "\n")

    return report


def _failure(step: str, cause: str, remedy: str) -> dict[str, Any]:
    return {"kind": "failure", "step": step, "cause": cause, "remedy": remedy}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]))
