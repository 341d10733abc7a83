"""Homes that are spelled otherwise, copied and renamed: only `down` of the very stack deletes."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from infra.home import Home, stack_file

pytestmark = [pytest.mark.e2e]

FORMER, LATTER = "test-whose-former", "test-whose-latter"


@pytest.fixture
def odd(cli, tmp_path: Path) -> Iterator:
    """The commands on a home whose path has odd signs, and two stacks' settings."""
    files = [stack_file(name) for name in (FORMER, LATTER)]
    for file in files:
        file.write_text(yaml.safe_dump({"config": {"slipway:monitoring": {"grafana": "off"}}}))
    made = type(cli)(Home(tmp_path / "a b #c;d [e] %f", cli.home.tools))
    try:
        yield made
    finally:
        ends = [made("down", "--yes", "--stack", name) for name in (LATTER, FORMER)]
        for file in files:
            file.unlink(missing_ok=True)
        assert [end.err for end in ends if end.code] == []


def pids(cli, name: str) -> dict[str, int]:
    """The processes of a stack that is up."""
    # It has no model, so its exit code is 1.
    states = json.loads(cli("status", "--json", "--stack", name).out)
    return {each["name"]: each["pid"] for each in states}


def test_a_stack_keeps_its_data_until_its_own_down(odd, tmp_path: Path) -> None:
    """Through another spelling, the `up` and `down` of a copy, and a new name."""
    assert odd("up", "--no-train", "--stack", FORMER).code == 0
    precious = odd.home.stack(FORMER).path / "precious"
    precious.write_text("data")
    before = pids(odd, FORMER)

    (tmp_path / "link").symlink_to(odd.home.path)
    linked = type(odd)(Home(tmp_path / "link", odd.home.tools))
    assert linked("up", "--no-train", "--stack", FORMER).code == 0
    assert pids(odd, FORMER) == before

    # Sockets are not copied, as by `cp -a`, but nobody answers there.
    shutil.copytree(odd.home.path, tmp_path / "copy", ignore=shutil.ignore_patterns("rpc.sock"))
    copied = type(odd)(Home(tmp_path / "copy", odd.home.tools))
    refused = copied("predict", "--stack", FORMER)
    assert (refused.code, "is a copy and was not up yet" in refused.err) == (5, True)
    assert copied("down", "--yes", "--stack", FORMER).code == 0
    assert [path for path in copied.home.path.rglob("*") if path.is_file()] == []
    assert pids(odd, FORMER) == before
    assert precious.exists()

    assert odd("rename", FORMER, "--stack", LATTER).code == 0
    assert odd("down", "--yes", "--stack", FORMER).code == 5
    assert precious.exists()
    assert odd("up", "--no-train", "--stack", LATTER).code == 0
    assert (odd.home.stack(LATTER).path / "precious").read_text() == "data"
    assert set(pids(odd, LATTER)) == set(before)
    assert not os.path.lexists(odd.home.stack(FORMER).path)
