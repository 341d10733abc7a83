"""Which reference of an image is run: its private copy, and by digest where one is locked."""

import pytest

from infra.images import reference
from infra.images.reference import ImagesLockError, Locked, References
from infra.versions import IMAGES

DIGEST = f"sha256:{'a' * 64}"
LOCKED = {"docker.io/library/registry:3": Locked(DIGEST, ("linux/amd64",))}


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("registry:3", "docker.io/library/registry:3"),
        ("slipway/slipway:1", "docker.io/slipway/slipway:1"),
        ("quay.io/prometheus/prometheus:v3", "quay.io/prometheus/prometheus:v3"),
        ("localhost:5001/a/b:1", "localhost:5001/a/b:1"),
        ("localhost/a:1", "localhost/a:1"),
    ],
)
def test_short_names_are_read_as_docker_reads_them(short, full):
    """The lock and the private registry know an image by one name."""
    assert reference.full(short) == full


@pytest.mark.parametrize(
    ("registry", "locked", "expected"),
    [
        (None, {}, "docker.io/library/registry:3"),
        (None, LOCKED, f"docker.io/library/registry:3@{DIGEST}"),
        ("r.example:5000/all", {}, "r.example:5000/all/docker.io/library/registry:3"),
        ("r.example", LOCKED, f"r.example/docker.io/library/registry:3@{DIGEST}"),
    ],
)
def test_registry_and_lock_make_the_reference(registry, locked, expected):
    """Neither changes what the other says; a short name is the same image."""
    assert reference.reference("docker.io/library/registry:3", registry, locked) == expected
    assert reference.reference("registry:3", registry, locked) == expected


def test_a_digest_that_is_given_is_kept():
    """An image that is named by digest already is not named by two."""
    image = f"docker.io/library/registry@{DIGEST}"

    assert reference.reference(image, "r.example", LOCKED) == f"r.example/{image}"


def test_a_port_is_no_part_of_a_mirrored_name():
    """Repositories have no colon."""
    assert reference.mirrored("r.example:5000/a:1", "p.example") == "p.example/r.example_5000/a:1"


def test_no_two_images_share_a_private_name():
    """All images of the platform can stand in one registry."""
    mirrored = {reference.mirrored(image, "r.example") for image in IMAGES.values()}

    assert len(mirrored) == len(set(IMAGES.values()))


def test_ours_is_what_the_stack_says():
    """What was built replaces our own image, and no other."""
    references = References("r.example", {}, "localhost:5001/slipway/slipway:1@sha256:0")

    assert references.of(IMAGES["slipway"]) == "localhost:5001/slipway/slipway:1@sha256:0"
    assert references.of(IMAGES["registry"]) == f"r.example/{IMAGES['registry']}"


def test_ours_comes_as_the_others_if_the_stack_says_nothing():
    """A released image is taken from the private registry, too."""
    assert References("r.example", {}).of("slipway/slipway:0.1.0") == (
        "r.example/docker.io/slipway/slipway:0.1.0"
    )


def test_third_party_is_all_but_ours():
    """Only our own image is never mirrored."""
    assert reference.third_party() == {n: i for n, i in IMAGES.items() if n != "slipway"}


def test_without_a_lock_nothing_is_locked(tmp_path):
    """A project that never locked its images runs them by tag."""
    assert dict(reference.read_lock(tmp_path / "images.lock")) == {}


def test_the_lock_is_sorted_and_reads_back(tmp_path):
    """The same digests are the same file."""
    path = tmp_path / "images.lock"
    entries = {name: Locked(DIGEST, ("linux/arm64", "linux/amd64")) for name in ("b:1", "a:1")}

    reference.write_lock(entries, path)

    assert list(reference.read_lock(path)) == ["a:1", "b:1"]
    assert reference.read_lock(path)["a:1"] == Locked(DIGEST, ("linux/amd64", "linux/arm64"))


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"a:1": {}}', '{"a:1": {"digest": "latest", "platforms": []}}']
)
def test_a_broken_lock_is_one_line(text, tmp_path):
    """It names the file and the command that writes it."""
    path = tmp_path / "images.lock"
    path.write_text(text)

    with pytest.raises(ImagesLockError, match=r"images\.lock.*`slipway images lock`"):
        reference.read_lock(path)
