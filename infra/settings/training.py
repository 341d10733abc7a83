"""The first training run as settings."""

from __future__ import annotations

from pydantic import Field

from infra.settings.fields import MonthRange, Tree


class Training(Tree):
    """The first training run, made by `slipway up` when no model is released yet."""

    usecase: str = Field(
        default="flight_delays",
        pattern=r"^[a-z][a-z0-9_]*$",
        description="A folder of usecases/: the data, features, slices and gates of one model.",
    )
    months: MonthRange = Field(default="1-3", description="Months to learn from, as 1-3 or 1,2,5.")
