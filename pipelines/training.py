"""The training pipeline: from source data to a released model, or to a rejection with numbers.

Owns the graph only: which step feeds which. What steps do is `components`; what is trained is the
use case.
"""

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


@dsl.pipeline(name="training", description="Train, judge and, if good enough, release a model.")
def pipeline(  # noqa: PLR0913, PLR0917 -- a pipeline's parameters are these
    usecase: str = "flight_delays",
    months: str = "1-3",
    source: str = "",
    rounds: int = 400,
    seed: int = 7,
    accept_breaking: bool = False,  # noqa: FBT001, FBT002 -- as above
) -> None:
    """Train `usecase` on `months` of `source` with at most `rounds` trees.

    A model whose signature breaks the champion's callers is held back unless `accept_breaking`.
    """
    landed = INGEST(usecase=usecase, source=source, months=months)
    checked = VALIDATE(usecase=usecase, ingested=landed.output)
    parts = SPLIT(usecase=usecase, observations=checked.outputs["observations"]).outputs
    fitted = TRAIN(
        usecase=usecase,
        rounds=rounds,
        seed=seed,
        train=parts["train"],
        validation=parts["validation"],
    ).outputs
    judged = EVALUATE(
        usecase=usecase, model=fitted["model"], train=parts["train"], test=parts["test"]
    )
    decided = GATE(
        usecase=usecase,
        pipeline_run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        months=months,
        accept_breaking=accept_breaking,
        ingested=landed.output,
        model=fitted["model"],
        test=parts["test"],
        report=fitted["report"],
        evaluation=judged.outputs["evaluation"],
    )
    with dsl.If(decided.outputs["Output"] == "accepted", name="accepted"):
        facts = {
            "report": fitted["report"],
            "evaluation": judged.outputs["evaluation"],
            "decision": decided.outputs["decision"],
        }
        packed = PACKAGE(usecase=usecase, model=fitted["model"], **parts, **facts)
        registered = REGISTER(
            usecase=usecase,
            digest=packed.outputs["Output"],
            card=packed.outputs["card"],
            **facts,
        )
        RELEASE(usecase=usecase, version=registered.output)
