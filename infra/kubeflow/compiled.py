"""Compiled pipelines: what a cluster is given, and the name of a version of it.

Does not compile: `pipelines.compile` does, in a process of its own, so that neither kfp nor what
a fork writes there comes into Pulumi's. What is uploaded is what the local runner runs, but for
the image.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from contracts.steps import IMAGE
from infra import programs
from infra.errors import SlipwayError
from infra.home import ROOT
from infra.kubeflow import parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMPILER: Final = "pipelines.compile"
_LINE: Final = "image: "
_DIGITS: Final = 16


class CompileError(SlipwayError):
    """A pipeline does not compile."""


@dataclass(frozen=True)
class Compiled:
    """A pipeline's compiled form: one or two YAML documents."""

    pipeline: str
    text: str

    def on(self, image: str) -> Compiled:
        """The same with the image that its steps run."""
        return Compiled(self.pipeline, self.text.replace(f"{_LINE}{IMAGE}\n", f"{_LINE}{image}\n"))

    @property
    def version(self) -> str:
        """The name of this version: the hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:_DIGITS]

    @property
    def parameters(self) -> Mapping[str, str]:
        """What it can be given, and of which type."""
        return parameters.declared(self._spec)

    @property
    def defaults(self) -> Mapping[str, Any]:
        """What its parameters are where nothing is given."""
        return parameters.defaults(self._spec)

    @property
    def description(self) -> str:
        """What it says of itself."""
        return str(self._spec["pipelineInfo"].get("description", ""))

    @cached_property
    def _spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = next(iter(yaml.safe_load_all(self.text)))
        return spec


def compile_all() -> dict[str, Compiled]:
    """All pipelines of this project, by name, with the placeholder for their image.

    Raises:
        CompileError: one does not compile; its last word.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = programs.run([sys.executable, "-I", "-m", _COMPILER, folder], cwd=ROOT)
        if done.returncode:
            word = programs.last_line(done.stderr) or f"exit status {done.returncode}"
            raise CompileError(
                f"the pipelines do not compile ({word}): mend pipelines/, then try"
                " `python -m pipelines.compile`"
            )
        files = sorted(Path(folder).glob("*.yaml"))
        return {file.stem: Compiled(file.stem, file.read_text()) for file in files}
