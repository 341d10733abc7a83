"""A file system that cannot hold the platform: the doctor says so, and `up` before it begins."""

import errno
import os
from pathlib import Path

import pytest
from rich.console import Console

from infra.errors import SlipwayError
from infra.files import keeps_attributes
from infra.home import Home
from infra.settings.tree import Settings
from slipway.doctor import checks
from slipway.operations.processes import up
from slipway.progress import Progress


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that is not there yet."""
    return Home(tmp_path / "later" / "home", tmp_path / "tools")


def refuses(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Have the file system answer a new attribute with an error."""

    def setxattr(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "setxattr", setxattr, raising=False)


def test_a_file_system_without_user_attributes_is_an_error(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the remedy; nothing is left behind by the try, nor made for it."""
    refuses(monkeypatch, errno.ENOTSUP)

    found = [each for each in checks.examine(home, "local") if each.category == "attributes"]

    assert [each.level for each in found] == ["error"]
    assert str(home.path) in found[0].summary
    assert "set SLIPWAY_HOME to a folder" in found[0].resolution
    assert list(home.path.parent.parent.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EDQUOT])
def test_any_other_trouble_is_not_taken_for_it(
    home: Home, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A disk that is full has attributes, as soon as there is room."""
    refuses(monkeypatch, number)

    assert checks.home_attributes(home).level == "ok"


def test_up_says_so_before_it_begins(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line with the remedy, not as a service that does not come up."""
    refuses(monkeypatch, errno.ENOTSUP)

    with pytest.raises(SlipwayError, match=r"keeps no user attributes.*set SLIPWAY_HOME to a fol"):
        up.provision(home, "local", Settings(), Progress(Console()))

    assert not home.path.exists()


def test_this_file_system_is_fit(tmp_path: Path) -> None:
    """Where tests run, platforms do."""
    assert keeps_attributes(tmp_path)
