# ruff: noqa: PLC0415, PLR0913, PLR0917 -- kfp ships a body alone; inputs are its parameters
"""The kfp step `register`: a digest in, a model version out."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def register(
    usecase: str,
    digest: str,
    report: dsl.Input[dsl.Artifact],
    evaluation: dsl.Input[dsl.Artifact],
    decision: dsl.Input[dsl.Artifact],
    card: dsl.Input[dsl.Markdown],
) -> str:
    """Make a model version and return its number."""
    import json
    from pathlib import Path

    from components import endpoints
    from components.register import logic
    from components.tracking import Tracking
    from usecases.contract import load

    given = {"report": report.path, "evaluation": evaluation.path, "decision": decision.path}
    facts = {name: json.loads(Path(path).read_text()) for name, path in given.items()}
    with Tracking(endpoints.tracking()) as tracking:
        text = Path(card.path).read_text()
        return logic.register(tracking, load(usecase), digest, facts, text).version
