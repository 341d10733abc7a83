"""Compiles pipelines to the YAML that Kubeflow Pipelines and the local runner run.

`python -m pipelines.compile FOLDER` writes every pipeline; with the folder `tests/golden` it
refreshes the golden files. The image in it is the placeholder `contracts.steps.IMAGE`, which a
deployment replaces.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kfp import compiler

from pipelines import PIPELINES

if TYPE_CHECKING:
    from kfp.dsl.graph_component import GraphComponent


def load(name: str) -> GraphComponent:
    """Return the pipeline `pipelines/<name>.py`.

    Raises:
        KeyError: there is no pipeline of that name.
    """
    if name not in PIPELINES:
        raise KeyError(name)
    pipeline: GraphComponent = importlib.import_module(f"pipelines.{name}").pipeline
    return pipeline


def compile_to(folder: Path, names: tuple[str, ...] = PIPELINES) -> list[Path]:
    """Write `<name>.yaml` for each of the pipelines and return the paths.

    Raises:
        KeyError: there is no pipeline of such a name.
    """
    paths = []
    for name in names:
        path = folder / f"{name}.yaml"
        compiler.Compiler().compile(load(name), str(path))
        paths.append(path)
    return paths


if __name__ == "__main__":
    for written in compile_to(Path(sys.argv[1] if len(sys.argv) > 1 else "tests/golden")):
        print(written)  # noqa: T201 -- a script says what it wrote
