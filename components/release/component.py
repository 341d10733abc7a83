# ruff: noqa: PLC0415 -- kfp ships a component's body alone, so it imports for itself
"""The kfp step `release`: a version in, the champion alias moved."""

from kfp import dsl

from contracts.steps import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def release(usecase: str, version: str) -> None:
    """Make the version the champion."""
    from components import endpoints
    from components.release import logic
    from components.tracking import Tracking
    from usecases.contract import load

    with Tracking(endpoints.tracking()) as tracking:
        logic.release(tracking, load(usecase).model, version)
