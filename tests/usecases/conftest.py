"""Real rows of February 2013, as the source gives them and typed by the schema."""

from __future__ import annotations

import pytest

from components.validate.logic import check, without_errata
from usecases.flight_delays import USECASE


@pytest.fixture(scope="session")
def february():
    """The source's tables for February, untyped."""
    return USECASE.read("", "2")


@pytest.fixture(scope="session")
def typed(february):
    """The same tables, typed."""
    return {
        name: check(without_errata(table.frame, name, USECASE.errata()), schema)[0]
        for (name, schema), table in zip(USECASE.schemas().items(), february.values(), strict=True)
    }


@pytest.fixture(scope="session")
def observations(typed):
    """One row a flight of February."""
    return USECASE.observations(typed)
