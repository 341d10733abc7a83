"""Images are locked and copied between real registries, whole, once, and with one line if not."""

import shutil
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256

import pytest

from infra.images import reference
from infra.images.reference import Locked
from slipway.exits import Exit, code_of
from slipway.images import locking, mirroring
from slipway.images.crane import ImageAbsentError, ImageError, RegistryUnreachableError

BOTH = ("linux/amd64", "linux/arm64")
NOWHERE = "127.0.0.1:1"


def digest_of(data):
    """The OCI digest of some bytes."""
    return f"sha256:{sha256(data).hexdigest()}"


def named(registry, repository):
    """The repository of a mirrored image in the private registry."""
    return f"{registry.address.replace(':', '_')}/{repository}"


def mirror(crane, images, private, locked=None):
    """Mirror, and return what was done and what was told."""
    told = []
    return mirroring.mirror(crane, images, private.address, locked or {}, told.append), told


def test_lock_holds_the_digest_of_the_index(crane, public, tmp_path):
    """One digest stands for all platforms, and the lock reads back as it was written."""
    image, digest = public.index("team/app", "1.0")
    path = tmp_path / "images.lock"

    found = locking.lock(crane, [image], path, lambda _: None)

    assert found == {image: Locked(digest, BOTH)}
    assert reference.read_lock(path) == found


def test_lock_tells_of_an_absent_platform(crane, public, tmp_path):
    """An image of one platform is locked, and a person hears that arm64 has none."""
    digest = public.image("team/one", [b"layer"], tag="1")["digest"]
    image, told = f"{public.address}/team/one:1", []

    found = locking.lock(crane, [image], tmp_path / "images.lock", told.append)

    assert found == {image: Locked(digest, BOTH[:1])}
    assert told == [f"{image} {digest} (not for linux/arm64)"]


def test_lock_is_the_same_file_in_any_order(crane, public, tmp_path):
    """A lock changes only when an image does."""
    images = [public.index("team/app", tag)[0] for tag in ("2", "1")]
    first, second = tmp_path / "first", tmp_path / "second"

    locking.lock(crane, images, first, lambda _: None)
    locking.lock(crane, images[::-1], second, lambda _: None)

    assert first.read_bytes() == second.read_bytes()


def test_a_failed_lock_leaves_the_old_one(crane, public, tmp_path):
    """One image that is not there, and nothing is written."""
    image, _ = public.index("team/app", "1.0")
    path = tmp_path / "images.lock"
    path.write_text("as it was")

    with pytest.raises(ImageAbsentError, match=r"team/zoo:1: the registry has no such image"):
        locking.lock(crane, [image, f"{public.address}/team/zoo:1"], path, lambda _: None)

    assert path.read_text() == "as it was"


def test_mirror_copies_all_platforms_by_digest(crane, public, private):
    """Index, manifests, configs and layers arrive, and the digest stays what it was."""
    image, digest = public.index("team/app", "1.0")

    copied, _ = mirror(crane, [image], private)

    assert [(one.digest, one.outcome) for one in copied] == [(digest, "copied")]
    assert private.digest(named(public, "team/app"), "1.0") == digest
    assert private.blobs() == public.blobs()


def test_mirror_copies_what_is_locked(crane, public, private):
    """A tag that moved since it was locked does not move the private copy."""
    image, digest = public.index("team/app", "1.0")
    locked = {image: Locked(digest, BOTH)}
    _, moved = public.index("team/app", "1.0", (b"another",))

    mirror(crane, [image], private, locked)

    assert moved != digest
    assert private.digest(named(public, "team/app"), "1.0") == digest


def test_mirror_skips_what_is_there(crane, public, private):
    """The second run sends nothing."""
    image, _ = public.index("team/app", "1.0")
    mirror(crane, [image], private)

    copied, told = mirror(crane, [image], private)

    assert [one.outcome for one in copied] == ["there"]
    assert [line for line in told if "pushed" in line] == []


def test_a_mirror_that_was_cut_off_goes_on(crane, public, private):
    """What had arrived before a run failed is not sent again, and the rest is."""
    image, digest = public.index("team/app", "1.0", (b"a" * 100_000, b"b" * 100_000))
    late = digest_of(b"arm64")
    lost = public.blob_file(late)
    kept = lost.read_bytes()
    lost.unlink()
    private.blob(named(public, "team/app"), b"a" * 100_000)
    with pytest.raises(ImageError, match="1 of 1 images are not there"):
        mirror(crane, [image], private)
    arrived = private.blobs()
    lost.write_bytes(kept)

    _, told = mirror(crane, [image], private)

    assert digest_of(b"a" * 100_000) in arrived
    assert [line for line in told if f"pushed blob: {late}" in line]
    assert [line for line in told for blob in arrived if f"pushed blob: {blob}" in line] == []
    assert private.digest(named(public, "team/app"), "1.0") == digest


def test_changed_bytes_are_not_taken(crane, public, private):
    """A layer that is not what its digest says does not get through."""
    image, _ = public.index("team/app", "1.0")
    public.blob_file(digest_of(b"shared")).write_bytes(b"broken")

    with pytest.raises(ImageError, match=r"1 of 1 images are not there: .*team/app"):
        mirror(crane, [image], private)

    assert private.digest(named(public, "team/app"), "1.0") is None


def test_a_wrong_digest_in_the_lock_is_named(crane, public, private):
    """A digest that the registry never had is one clear line."""
    image, _ = public.index("team/app", "1.0")
    locked = {image: Locked(f"sha256:{'0' * 64}", BOTH)}

    with pytest.raises(ImageError, match=r"team/app:1.0@sha256:0{64} .*no such image"):
        mirror(crane, [image], private, locked)


def test_one_missing_image_does_not_stop_the_others(crane, public, private):
    """All that can be copied is, and the error names what could not."""
    image, digest = public.index("team/zoo", "1.0")

    with pytest.raises(ImageError, match=r"1 of 2 images are not there: .*team/app:7") as failure:
        mirror(crane, [f"{public.address}/team/app:7", image], private)

    assert private.digest(named(public, "team/zoo"), "1.0") == digest
    assert "\n" not in str(failure.value)
    assert code_of(failure.value) == Exit.FAILED


def test_an_unreachable_registry_ends_the_mirror_at_once(crane, public):
    """Its name and the way out are said; the source is not read for nothing."""
    image, _ = public.index("team/app", "1.0")

    with pytest.raises(RegistryUnreachableError, match=r"127.0.0.1:1/.*cannot be reached") as told:
        mirroring.mirror(crane, [image], NOWHERE, {}, lambda _: None)

    assert "\n" not in str(told.value)


def test_a_locked_registry_asks_for_a_login(crane, public, start):
    """Without credentials nothing is written, and the remedy is said."""
    image, _ = public.index("team/app", "1.0")
    private = start("locked", locked=True)

    with pytest.raises(ImageError, match="docker login"):
        mirror(crane, [image], private)

    assert private.blobs() == set()


def test_dockers_credentials_open_a_locked_registry(crane, public, start, docker_login):
    """Who did `docker login` needs no more."""
    image, digest = public.index("team/app", "1.0")
    private = start("locked", locked=True)
    docker_login(private)

    mirror(crane, [image], private)

    assert private.digest(named(public, "team/app"), "1.0") == digest


def test_a_registry_that_answers_with_another_image_is_found(crane, public):
    """What is asked for by digest is checked here, too."""
    image, digest = public.index("team/app", "1.0")
    manifest = public.blob_file(digest)
    manifest.write_bytes(manifest.read_bytes() + b"\n")

    with pytest.raises(ImageError):
        crane.manifest(f"{image}@{digest}")


def test_a_crane_that_fails_without_a_word_is_no_traceback(crane, public):
    """Whatever the program does, a person gets a line."""
    silent = replace(crane, program=shutil.which("false"))

    with pytest.raises(ImageError, match="crane failed"):
        silent.digest(f"{public.address}/team/app:1")


def test_the_command_says_one_line_and_exits_with_one(crane):
    """From the command line, an unreachable registry is exit code 1 and no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "slipway", "images", "mirror", NOWHERE],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == Exit.FAILED
    assert done.stderr.startswith(f"slipway: {NOWHERE}/")
    assert done.stderr.count("\n") == 1
