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


def _release(usecase: str, model: Any, splits: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """The steps of a model that is good enough."""
    artifact = PACKAGE(usecase=usecase, model=model, **splits)
    registered = REGISTER(usecase=usecase, digest=artifact.output, **facts)
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
    tables = INGEST(
        usecase=usecase, source=source, months=months, mlflow_run=mlflow_run, pipeline_run=RUN
    ).outputs
    observations = VALIDATE(usecase=usecase, ingested=tables["Output"]).outputs["observations"]
    splits = SPLIT(usecase=usecase, observations=observations).outputs
    train, validation, test = splits["train"], splits["validation"], splits["test"]
    model = TRAIN(
        usecase=usecase, rounds=rounds, seed=seed, train=train, validation=validation
    ).outputs
    evaluation = EVALUATE(usecase=usecase, model=model["model"], train=train, test=test).outputs
    decision = GATE(
        usecase=usecase,
        run=tables["run"],
        accept_breaking=accept_breaking,
        ingested=tables["Output"],
        model=model["model"],
        **splits,
        report=model["report"],
        evaluation=evaluation["evaluation"],
    ).outputs
    with dsl.If(decision["Output"] == ACCEPTED, name=ACCEPTED):
        shipped = {**splits, "ingested": tables["Output"], "card": decision["card"]}
        facts = {"evaluation": evaluation["evaluation"], "decision": decision["decision"]}
        _release(usecase, model["model"], shipped, facts)
