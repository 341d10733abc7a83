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
from pipelines.steps import LARGE, SMALL, step


@dsl.pipeline(name="training", description="Train, judge and, if good enough, release a model.")
def pipeline(
    usecase: str = "flight_delays",
    months: str = "1-3",
    source: str = "",
    rounds: int = 400,
    seed: int = 7,
) -> None:
    """Train `usecase` on `months` of `source` with at most `rounds` trees."""
    landed = step(ingest(usecase=usecase, source=source, months=months), SMALL)
    checked = step(validate(usecase=usecase, ingested=landed.output), SMALL, cached=True)
    parts = step(
        split(usecase=usecase, observations=checked.outputs["observations"]),
        SMALL,
        cached=True,
        repeated=True,
    ).outputs
    fitted = step(
        train(
            usecase=usecase,
            rounds=rounds,
            seed=seed,
            train=parts["train"],
            validation=parts["validation"],
        ),
        LARGE,
        cached=True,
        repeated=True,
    ).outputs
    judged = step(
        evaluate(usecase=usecase, model=fitted["model"], train=parts["train"], test=parts["test"]),
        LARGE,
        cached=True,
        repeated=True,
    )
    decided = step(
        gate(
            usecase=usecase,
            pipeline_run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
            months=months,
            ingested=landed.output,
            test=parts["test"],
            report=fitted["report"],
            evaluation=judged.outputs["evaluation"],
        ),
        SMALL,
    )
    with dsl.If(decided.outputs["Output"] == "accepted", name="accepted"):
        facts = {
            "report": fitted["report"],
            "evaluation": judged.outputs["evaluation"],
            "decision": decided.outputs["decision"],
        }
        packed = step(package(usecase=usecase, model=fitted["model"], **parts, **facts), SMALL)
        registered = step(
            register(
                usecase=usecase,
                digest=packed.outputs["Output"],
                card=packed.outputs["card"],
                **facts,
            ),
            SMALL,
        )
        step(release(usecase=usecase, version=registered.output), SMALL)
