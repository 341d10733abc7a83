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


@dsl.pipeline(name="training", description="Train, judge and, if good enough, release a model.")
def pipeline(
    usecase: str = "flight_delays",
    months: str = "1-3",
    source: str = "",
    rounds: int = 400,
    seed: int = 7,
) -> None:
    """Train `usecase` on `months` of `source` with at most `rounds` trees."""
    landed = ingest(usecase=usecase, source=source, months=months)
    checked = validate(usecase=usecase, ingested=landed.output)
    parts = split(usecase=usecase, observations=checked.outputs["observations"]).outputs
    fitted = train(
        usecase=usecase,
        rounds=rounds,
        seed=seed,
        train=parts["train"],
        validation=parts["validation"],
    ).outputs
    judged = evaluate(
        usecase=usecase, model=fitted["model"], train=parts["train"], test=parts["test"]
    )
    decided = gate(
        usecase=usecase,
        pipeline_run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
        months=months,
        ingested=landed.output,
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
        packed = package(usecase=usecase, model=fitted["model"], **parts, **facts)
        registered = register(
            usecase=usecase,
            digest=packed.outputs["Output"],
            card=packed.outputs["card"],
            **facts,
        )
        release(usecase=usecase, version=registered.output)
