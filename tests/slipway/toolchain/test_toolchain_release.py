"""Tools from their releases: nothing is run that is not what was published and pinned."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from infra.errors import ToolMissingError
from slipway import toolchain
from slipway.toolchain import ChecksumError, Resolution
from slipway.toolchain.checksums import published
from slipway.toolchain.sites import NotServedError, Sites

ARCHIVE = "toy-1.2.0-linux-x64.tar.gz"
WRONG = "0" * 64


def refusal(machine) -> str:
    """Why the release was not taken, on a machine without Go."""
    with pytest.raises(ToolMissingError) as caught:
        machine.ensure()
    assert not isinstance(caught.value, ChecksumError)
    assert not (machine.tools_dir / "store").exists()
    assert machine.leftovers() == []
    return str(caught.value).split("releases (")[1].split("); install")[0]


def test_a_release_is_fetched_checked_and_kept(machine, site, released) -> None:
    """Its programs stand in tools/bin and run; the second time nothing is fetched."""
    released()

    found = machine.ensure()

    path = machine.tools_dir / "store" / "toy-1.2.0-release" / "bin" / "toy"
    assert found == {"toy": Resolution("toy", path, "1.2.0", "release")}
    assert machine.recorded() == {
        "toy": {"path": str(path), "version": "1.2.0", "source": "release"}
    }
    links = {item.name: item.resolve() for item in (machine.tools_dir / "bin").iterdir()}
    assert links == {name: path.with_name(name) for name in ("toy", "toyctl")}
    assert machine.leftovers() == []
    assert machine.ensure() == {"toy": replace(found["toy"], source="cache")}
    assert site.asked == ["sums.txt", ARCHIVE]


def test_a_wrong_checksum_is_an_error_that_names_both(machine, site, released) -> None:
    """The archive is not unpacked, and Go is not asked to cover it up."""
    digest = released(checksum=WRONG)

    with pytest.raises(ChecksumError) as caught:
        machine.ensure()

    assert str(caught.value) == (
        f"{site.url}/{ARCHIVE}: the download has SHA-256 {digest}, but its release publishes "
        f"{WRONG}; try again, and if it stays so, something on the way changes the file"
    )
    assert not (machine.tools_dir / "store").exists()
    assert machine.leftovers() == []


def test_a_release_that_differs_from_our_pin_is_an_error_that_names_both(
    machine, site, released
) -> None:
    """Even though the release agrees with itself."""
    digest = released()
    machine.host.lock.write_text(json.dumps({f"{site.url}/{ARCHIVE}": WRONG}))

    with pytest.raises(ChecksumError) as caught:
        machine.ensure()

    assert str(caught.value) == (
        f"{site.url}/{ARCHIVE}: its release publishes SHA-256 {digest}, but tools.lock pins "
        f"{WRONG}; find out why before `slipway tools lock` accepts it"
    )


def test_a_release_that_agrees_with_our_pin_is_taken(machine, site, released) -> None:
    """Pins of other archives do not matter."""
    pins = {f"{site.url}/{ARCHIVE}": released(), f"{site.url}/other.tar.gz": WRONG}
    machine.host.lock.write_text(json.dumps(pins))

    assert machine.ensure()["toy"].source == "release"


def test_a_lock_that_cannot_be_read_is_an_error(machine, released) -> None:
    """It would be no pin at all."""
    released()
    machine.host.lock.write_text("{")

    with pytest.raises(ChecksumError, match="write it again with `slipway tools lock`"):
        machine.ensure()


def test_an_archive_without_a_published_checksum_is_not_taken(machine, site, released) -> None:
    """What cannot be checked is as good as not there."""
    released()
    site.publish("sums.txt", f"{WRONG}  other.tar.gz\n".encode())

    assert refusal(machine) == f"{site.url}/sums.txt has no checksum of {ARCHIVE}"


def test_a_download_that_breaks_off_is_not_taken(machine, site, released) -> None:
    """It is no sign of foul play."""
    released()
    site.cut_short.add(ARCHIVE)

    assert refusal(machine).startswith(f"{site.url}/{ARCHIVE} broke off: peer closed connection")


def test_a_release_that_is_not_there_is_not_taken(machine, site, released) -> None:
    """The address is named."""
    released()
    (site.folder / ARCHIVE).unlink()

    assert refusal(machine) == f"{site.url}/{ARCHIVE} answers 404"


def test_a_platform_without_a_release_goes_without(machine, site) -> None:
    """Nothing is asked of the site."""
    machine.has(platform="darwin/arm64")

    assert refusal(machine) == "no release of toy for darwin/arm64"
    assert site.asked == []


def test_a_release_that_answers_with_another_version_is_not_taken(machine, released) -> None:
    """Or does not run here at all."""
    released(version="1.1.9")

    assert refusal(machine) == "toy by release answers 1.1.9 for its version, not 1.2.0"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no archive", f"{ARCHIVE} cannot be unpacked: file could not be opened successfully"),
        (None, f"{ARCHIVE} holds no toyctl"),
    ],
)
def test_an_archive_without_the_tool_is_not_taken(
    machine, site, packed, content: bytes | None, reason: str
) -> None:
    """No archive at all, or one that lacks a program."""
    digest = site.publish(ARCHIVE, content or packed({"toy/toy": "#!/bin/sh\n"}))
    site.publish("sums.txt", f"{digest}  {ARCHIVE}\n".encode())

    assert refusal(machine).startswith(reason)


def test_a_tool_with_files_is_kept_whole(machine, site, packed, toy) -> None:
    """Without the archive's topmost folder."""
    machine.has(tools={"toy": replace(toy, programs=("toy",), home=("conf",), go=None)})
    program = "#!/bin/sh\necho 'toy, version 1.2.0'\n"
    digest = site.publish(
        ARCHIVE, packed({"toy-v1/bin/toy": program, "toy-v1/conf/defaults.ini": "[toy]"})
    )
    site.publish("sums.txt", digest.encode())

    home = machine.ensure()["toy"].path.parent.parent

    assert (home / "conf" / "defaults.ini").read_text() == "[toy]"


def test_an_archive_does_not_write_elsewhere(machine, site, packed, toy) -> None:
    """A path that leads out of the folder is refused."""
    machine.has(tools={"toy": replace(toy, programs=("toy",), home=("conf",), go=None)})
    digest = site.publish(ARCHIVE, packed({"toy-v1/../../../escaped": "text"}))
    site.publish("sums.txt", digest.encode())

    assert machine.ensure() == {}
    assert list(machine.folder.rglob("escaped")) == []


def test_tools_of_one_archive_share_the_download(machine, site, released, toy) -> None:
    """Each in a folder of its own."""
    released()
    first, second = replace(toy, programs=("toy",)), replace(toy, name="toyctl", answers="")
    machine.has(tools={"toy": first, "toyctl": replace(second, programs=("toyctl",))})

    found = machine.ensure("toy", "toyctl")

    assert [resolution.source for resolution in found.values()] == ["release", "release"]
    assert site.asked == ["sums.txt", ARCHIVE]


@pytest.mark.parametrize("checksum", [None, WRONG])
def test_an_optional_tool_is_left_out_softly(machine, released, toy, checksum: str | None) -> None:
    """Neither an absent release nor a wrong one is an error of the platform."""
    machine.has(tools={"toy": replace(toy, go=None)})
    if checksum:
        released(checksum=checksum)

    assert machine.ensure() == {}
    assert machine.said[-1] == ("toy", "going on without it")


def test_what_came_before_an_error_is_kept(machine, released, toy) -> None:
    """It need not be brought again."""
    released()
    other = replace(toy, name="other", programs=("other",))
    machine.has(tools={"toy": toy, "other": other})

    with pytest.raises(ToolMissingError, match=r"^missing: other\. "):
        machine.ensure("toy", "other")

    assert machine.resolve().source == "cache"
    assert list(machine.recorded()) == ["toy"]


def test_many_at_once_bring_a_tool_once(machine, site, released) -> None:
    """All get it; the others wait for the first and say so."""
    released()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: machine.ensure()["toy"], range(4)))

    assert len({resolution.path for resolution in found}) == 1
    assert sorted(resolution.source for resolution in found) == ["cache"] * 3 + ["release"]
    assert site.asked == ["sums.txt", ARCHIVE]


def test_without_network_and_go_one_line_names_the_three_ways(machine, toy, free_port) -> None:
    """What is missing, in which version; which site, and why not; which Go."""
    release = replace(toy.release, site=f"http://127.0.0.1:{free_port}")
    tools = {name: replace(toy, name=name, release=release) for name in ("toy", "train")}
    machine.has(tools=tools)

    with pytest.raises(ToolMissingError) as caught:
        machine.ensure("toy", "train")

    assert str(caught.value) == (
        "missing: toy, train. Three ways to get them: install them on PATH (toy 1.1.0 or newer, "
        "below 2; train 1.1.0 or newer, below 2); let this machine reach their releases "
        "(127.0.0.1 cannot be reached: [Errno 111] Connection refused); "
        "install Go 1.26.0 or newer, which builds them (there is no `go` on PATH)"
    )


def test_a_site_that_cannot_be_reached_is_asked_once(
    free_port, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without network pays for it once."""
    sites, tried = Sites(), []
    monkeypatch.setattr("slipway.toolchain.sites._look_up", tried.append)
    for _ in range(3):
        with pytest.raises(NotServedError, match=r"^127\.0\.0\.1 cannot be reached: "):
            sites.text(f"http://127.0.0.1:{free_port}/sums.txt")
    sites.close()

    assert tried == ["127.0.0.1"]


def test_a_name_without_an_address_is_said() -> None:
    """Names under .invalid never have one."""
    sites = Sites()
    with pytest.raises(NotServedError, match=r"^releases\.invalid cannot be reached: "):
        sites.text("https://releases.invalid/sums.txt")
    sites.close()


HASH = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{WRONG}  other.tar.gz\n{HASH}  {ARCHIVE}\n", HASH),
        (f"{HASH.upper()} *{ARCHIVE}\n", HASH),
        (f"{HASH}  ./{ARCHIVE}", HASH),
        (f"{HASH}\n", HASH),
        (HASH, HASH),
        (f"{HASH}  other-{ARCHIVE}\n", None),
        (f"{HASH[:40]}  {ARCHIVE}\n", None),
        (f"{WRONG}\n{HASH}\n", None),
        ("<html>not found</html>", None),
        ("", None),
    ],
)
def test_published_checksums_are_read_in_every_known_form(text: str, expected: str | None) -> None:
    """Lists and single ones; anything else is no checksum."""
    assert published(text, ARCHIVE) == expected


def test_the_lock_pins_every_platform(machine, site, toy) -> None:
    """By address, sorted, so that a change reads well in review."""
    both = {"linux/amd64": "linux-x64", "darwin/arm64": "darwin-arm64"}
    machine.has(tools={"toy": replace(toy, release=replace(toy.release, platforms=both))})
    site.publish(
        "sums.txt", f"{HASH}  {ARCHIVE}\n{WRONG}  toy-1.2.0-darwin-arm64.tar.gz\n".encode()
    )

    pins = toolchain.lock(lambda *_: None, machine.host)

    assert pins == {
        f"{site.url}/{ARCHIVE}": HASH,
        f"{site.url}/toy-1.2.0-darwin-arm64.tar.gz": WRONG,
    }
    assert machine.host.lock.read_text() == json.dumps(pins, indent=2, sort_keys=True) + "\n"


def test_the_lock_stays_when_a_checksum_cannot_be_had(machine, site) -> None:
    """Half a lock would be worse than the old one."""
    machine.host.lock.write_text("{}")

    with pytest.raises(ToolMissingError) as caught:
        toolchain.lock(lambda *_: None, machine.host)

    assert str(caught.value) == f"no checksums of toy: {site.url}/sums.txt answers 404"
    assert machine.host.lock.read_text() == "{}"


def test_the_cache_may_be_named_relatively(machine, released, monkeypatch) -> None:
    """Links and records are absolute all the same."""
    released()
    monkeypatch.chdir(machine.folder)

    found = toolchain.ensure(
        ["toy"], tools_dir=Path("tools"), progress=lambda *_: None, host=machine.host
    )

    assert found["toy"].path == machine.tools_dir / "store" / "toy-1.2.0-release" / "bin" / "toy"


def test_a_release_may_be_the_program_itself(machine, site, toy) -> None:
    """Some projects publish no archive."""
    release = replace(toy.release, archive="toy-{platform}", checksums="{archive}.sha256sum")
    program = b"#!/bin/sh\necho 'toy, version 1.2.0'\n"
    digest = site.publish("toy-linux-x64", program)
    site.publish("toy-linux-x64.sha256sum", f"{digest}  toy-linux-x64\n".encode())
    machine.has(tools={"toy": replace(toy, release=release, programs=("toy",))})

    found = machine.ensure()

    assert found["toy"].source == "release"
    assert found["toy"].path.read_bytes() == program
