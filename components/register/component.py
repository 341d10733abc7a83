# ruff: noqa: PLC0415 -- kfp ships a component's body alone, so it imports for itself
"""The kfp step `register`: a digest in, a model version out."""

from kfp import dsl

from contracts.steps import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def register(
    usecase: str,
    digest: str,
    evaluation: dsl.Input[dsl.Artifact],
    decision: dsl.Input[dsl.Artifact],
) -> str:
    """Make a model version and return its number."""
    import json
    from pathlib import Path

    from components import endpoints
    from components.register import logic
    from components.tracking import Tracking
    from usecases.contract import load

    paths = {"evaluation": evaluation.path, "decision": decision.path}
    facts = {name: json.loads(Path(path).read_text()) for name, path in paths.items()}
    with Tracking(endpoints.tracking()) as tracking:
        return logic.register(tracking, load(usecase), digest, facts).version
