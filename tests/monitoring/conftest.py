"""Prometheus' own tools judge what is written for it."""

import pytest

from infra.home import Home


@pytest.fixture(scope="session")
def promtool() -> str:
    """Prometheus' checker, from the toolchain."""
    return str(Home.of_environment().tools / "bin" / "promtool")
