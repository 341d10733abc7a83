"""Our own image: what the build is told, and that its digest reaches those who run it."""

import re

import pulumi
import pytest

from infra.errors import SettingsError
from infra.home import ROOT
from infra.images import build
from infra.images.reference import Locked
from infra.settings import reading
from infra.versions import IMAGES, TOOLS

DIGEST = f"sha256:{'a' * 64}"
# How Pulumi marks a secret value on the wire.
SECRET_MARK, IS_SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
EXISTING = {"kind": "existing", "context": "here"}
PUSHED = {"kind": "built", "push_to": "r.example/team/slipway"}


def target(**values):
    """The target of a stack with these settings."""
    return reading.parse({"target": values}, source="S").target


def pushed(made):
    """What Docker's provider answers: the first tag with a digest."""
    return {"ref": f"{made.inputs['tags'][0]}@{DIGEST}"}


@pytest.fixture
def deploy(recorded):
    """Runs a program and returns what was made, by its type."""

    def run(program):
        recorder = recorded(program, {"docker-build:index:Image": pushed})
        return {made.typ: made for made in recorder.made}

    return run


def pulled(chosen, found):
    """A program that collects what the cluster of a target pulls for our image and another."""

    def program():
        references = build.references(chosen)
        found["registry"] = references.of(IMAGES["registry"])
        ours = pulumi.Output.from_input(references.of(IMAGES["slipway"]))
        return ours.apply(lambda text: found.update(slipway=text))

    return program


def test_kind_builds_and_pushes_to_its_own_registry(deploy):
    """On kind, services get the digest of what was built here."""
    found = {}

    docker = deploy(pulled(target(kind="kind", registry_port=5050), found))

    told = docker["docker-build:index:Image"].inputs
    assert told["tags"] == ["localhost:5050/slipway/slipway:0.1.0"]
    assert told["push"] is True
    assert told["platforms"] == ["linux/amd64", "linux/arm64"]
    assert told["buildOnPreview"] is False
    assert found == {
        "registry": f"docker.io/library/registry:{TOOLS['registry'].version}",
        "slipway": f"localhost:5050/slipway/slipway:0.1.0@{DIGEST}",
    }


def test_a_build_for_an_existing_cluster_goes_where_it_is_told(deploy):
    """The digest of the pushed image is what pods and pipelines are given."""
    found = {}

    docker = deploy(pulled(target(**EXISTING, images={"ours": PUSHED}), found))

    assert docker["docker-build:index:Image"].inputs["tags"] == ["r.example/team/slipway:0.1.0"]
    assert found["slipway"] == f"r.example/team/slipway:0.1.0@{DIGEST}"


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ({}, "docker.io/slipway/slipway:0.1.0"),
        ({"registry": "r.example"}, "r.example/docker.io/slipway/slipway:0.1.0"),
        ({"ours": {"kind": "released", "reference": "r.example/s:2"}}, "r.example/s:2"),
    ],
)
def test_a_released_image_is_not_built(deploy, images, expected):
    """Without a build there is nothing of Docker's, and its reference is what settings say."""
    found = {}

    docker = deploy(pulled(target(**EXISTING, images=images), found))

    assert docker == {}
    assert found["slipway"] == expected


def test_the_base_is_pulled_like_every_other_image():
    """From the private registry and by digest."""
    chosen = target(**EXISTING, images={"registry": "r.example", "ours": PUSHED})
    locked = {IMAGES["python"]: Locked(DIGEST, ())}

    planned = build.plan(chosen, locked)

    assert planned.arguments["PYTHON_IMAGE"] == f"r.example/{IMAGES['python']}@{DIGEST}"


def test_secrets_of_the_build_are_secret(deploy, tmp_path):
    """Their files' texts reach the provider, and never in plain text."""
    file = tmp_path / "uv.toml"
    file.write_text("a password")
    images = {"ours": {"kind": "built", "secrets": {"uv.toml": str(file)}}}

    docker = deploy(pulled(target(kind="kind", images=images), {}))

    told = docker["docker-build:index:Image"].inputs["secrets"]
    assert told == {SECRET_MARK: IS_SECRET, "value": {"uv.toml": "a password"}}


def test_a_secret_that_cannot_be_read_is_named(tmp_path):
    """The setting, its value and the reason, before anything is built."""
    with pytest.raises(SettingsError, match=r"images\.ours\.secrets\.ca\.crt is .*No such file"):
        build._text("ca.crt", str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        ({"kind": "built"}, r"target\.images\.ours\.push_to is not set: HOST"),
        ({"kind": "built", "push_to": "r.example"}, r"images\.ours\.push_to is 'r\.example'"),
        ({**PUSHED, "platforms": ["linux/s390x"]}, r"images\.ours\.platforms\[0\] is 'linux/s390x"),
        ({**PUSHED, "secrets": {"key": "x"}}, r"images\.ours\.secrets\.key"),
        ({"kind": "made"}, r"images\.ours\.kind is 'made': should be 'released' or 'built'"),
    ],
)
def test_wrong_settings_of_our_image_are_named(ours, said):
    """The field and the rule."""
    with pytest.raises(SettingsError, match=said):
        target(**EXISTING, images={"ours": ours})


def test_the_dockerfile_takes_what_the_build_gives():
    """Each argument of the build is one that the Dockerfile declares."""
    declared = set(re.findall(r"^ARG (\w+)$", build.DOCKERFILE.read_text(), re.MULTILINE))

    assert set(build.plan(target(kind="kind"), {}).arguments) <= declared


def test_the_build_context_holds_what_the_dockerfile_copies():
    """All that is copied is there, and let in by the ignore file, which lets nothing else in."""
    text = build.DOCKERFILE.read_text()
    lines = re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
    copied = {name for line in lines for name in line.split()[:-1]}
    ignore = build.DOCKERFILE.with_name("Dockerfile.dockerignore").read_text()

    assert {line[1:] for line in ignore.splitlines() if line.startswith("!")} == copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_image_is_locked_to_what_the_project_is():
    """The same version of each distribution, with hashes, and none that only a desk needs."""
    folder = build.DOCKERFILE.parent
    pin = re.compile(r"^([a-z0-9.-]+==[^ \\]+)", re.MULTILINE)
    image = set(pin.findall((folder / "requirements.lock").read_text()))
    excluded = set((folder / "excluded.txt").read_text().splitlines()[1:])

    assert image
    assert image - set(pin.findall((ROOT / "requirements.lock").read_text())) == set()
    assert {name.partition("==")[0] for name in image} & (excluded | {"pytest", "ruff"}) == set()
    assert "index-url" not in (folder / "requirements.lock").read_text()
