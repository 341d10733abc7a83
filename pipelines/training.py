# ruff: noqa: PLR0913, PLR0917 -- a pipeline's inputs are its function's parameters
"""The training pipeline: from source data to a released model, or to a rejection with numbers.

Owns the graph only: which step feeds which. What steps do is `components`; what is trained is the
use case.
"""

from collections.abc import Mapping
from typing import Any

from kfp import dsl

from components.evaluate.component import evaluate
from components.gate.component import gate
from components.ingest.component import ingest
from components.package.component import package
from components.register.component import register
from components.release.component import release
from components.split.component import split
from components.train.component import train
from components.validate.component import validate
from contracts.verdicts import ACCEPTED
from pipelines.steps import LARGE, SMALL, Step

INGEST = Step(ingest, SMALL)
VALIDATE = Step(validate, SMALL, cached=True)
SPLIT = Step(split, SMALL, cached=True, repeated=True)
TRAIN = Step(train, LARGE, cached=True, repeated=True)
EVALUATE = Step(evaluate, LARGE, cached=True, repeated=True)
GATE = Step(gate, SMALL)
PACKAGE = Step(package, SMALL, signs=True)
REGISTER = Step(register, SMALL)
RELEASE = Step(release, SMALL)
RUN = dsl.PIPELINE_JOB_ID_PLACEHOLDER


def _release(usecase: str, model: Any, parts: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """The steps of a model that is good enough."""
    packed = PACKAGE(usecase=usecase, model=model, **parts)
    registered = REGISTER(usecase=usecase, digest=packed.output, **facts)
    RELEASE(usecase=usecase, version=registered.output)


@dsl.pipeline(name="training", description="Train, judge and, if good enough, release a model.")
def pipeline(
    usecase: str = "flight_delays",
    months: str = "1-3",
    source: str = "",
    rounds: int = 400,
    seed: int = 7,
    accept_breaking: bool = False,  # noqa: FBT001, FBT002
    mlflow_run: str = "",
) -> None:
    """Train a model of a use case on months of its source.

    Args:
        usecase: Which model: a folder of usecases/.
        months: Months to learn from, as 1-3 or 1,2,5.
        source: Folder or URL of the source's tables; without one, the use case's own.
        rounds: Most trees that are trained; fewer where they no longer help.
        seed: Of all that is random, so that a run can be repeated.
        accept_breaking: Release also what breaks callers: another input, or an output gone.
        mlflow_run: The run in MLflow that `slipway run` has begun; else the first step begins it.
    """
    landed = INGEST(
        usecase=usecase, source=source, months=months, mlflow_run=mlflow_run, pipeline_run=RUN
    ).outputs
    checked = VALIDATE(usecase=usecase, ingested=landed["Output"])
    parts = SPLIT(usecase=usecase, observations=checked.outputs["observations"]).outputs
    known = {"train": parts["train"], "validation": parts["validation"]}
    fitted = TRAIN(usecase=usecase, rounds=rounds, seed=seed, **known).outputs
    judged = EVALUATE(
        usecase=usecase, model=fitted["model"], train=parts["train"], test=parts["test"]
    ).outputs
    decided = GATE(
        usecase=usecase,
        run=landed["run"],
        accept_breaking=accept_breaking,
        ingested=landed["Output"],
        model=fitted["model"],
        **parts,
        report=fitted["report"],
        evaluation=judged["evaluation"],
    )
    with dsl.If(decided.outputs["Output"] == ACCEPTED, name=ACCEPTED):
        shown = {**parts, "ingested": landed["Output"], "card": decided.outputs["card"]}
        facts = {"evaluation": judged["evaluation"], "decision": decided.outputs["decision"]}
        _release(usecase, fitted["model"], shown, facts)
