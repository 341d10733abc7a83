"""The locked environment: whole, verifiable, and free of anybody's addresses."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
IMAGE = "infra/images/slipway"
OWN = ("requirements-own.lock", f"{IMAGE}/requirements-own.lock")
LOCKS = ("requirements.lock", "requirements-uv.lock", f"{IMAGE}/requirements.lock", *OWN)


def pins(lock: str) -> dict[str, str]:
    """Each requirement's lines, by its first."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return {line.split()[0]: line for line in text.splitlines() if re.match(r"[a-z0-9]", line)}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_with_hashes(lock: str) -> None:
    """What is installed is what was locked, or nothing."""
    found = pins(lock)

    # A fork's own are none until it wants some.
    assert found or lock in OWN
    assert [name for name in found if "==" not in name] == []
    assert [name for name, line in found.items() if "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index(lock: str) -> None:
    """A fork has its own."""
    assert re.findall(r"https?://|--index|--find-links", (ROOT / lock).read_text()) == []


def distributions(lock: str) -> set[str]:
    """The names of what a lock has."""
    return {name.partition("==")[0] for name in pins(lock)}


@pytest.mark.parametrize("own", OWN)
def test_a_fork_s_own_lock_stands_beside_ours(own: str) -> None:
    """Together they have all that is asked for, and no distribution twice."""
    ours = own.replace("-own", "")
    asked = re.findall(
        r"^[A-Za-z0-9._-]+", (ROOT / "requirements-own.in").read_text(), re.MULTILINE
    )
    named = {re.sub(r"[-_.]+", "-", name).lower() for name in asked}

    assert distributions(own) & distributions(ours) == set()
    assert named - distributions(own) - distributions(ours) == set(), "run `make lock`"


@pytest.mark.parametrize(
    "package",
    [
        "pulumi",
        "pulumi-kubernetes",
        "pulumi-docker",
        "kfp",
        "prometheus-client",
        "pytest-testinfra",
    ],
)
def test_the_fixed_packages_resolve_together(package: str) -> None:
    """One environment has them all, in the locked version."""
    assert f"{package}=={version(package)}" in pins("requirements.lock")
