"""`slipway images list`: every image, its digest, and who runs it."""

import json

import pytest
from typer.testing import CliRunner

from infra.images import reference
from infra.images.reference import Locked
from infra.services import all_services
from infra.settings import Settings
from infra.versions import IMAGES
from slipway.commands.main import app
from slipway.images import listing

DIGEST = f"sha256:{'a' * 64}"


def told(*arguments):
    """What the command says."""
    answer = CliRunner().invoke(app, ["images", *arguments], catch_exceptions=False)
    assert answer.exit_code == 0
    return answer.stdout


def test_every_image_is_listed_with_those_who_run_it():
    """None is left out, and the services are those of the stack."""
    listed = {each["name"]: each for each in json.loads(told("list", "--json"))}

    assert listed.keys() == IMAGES.keys()
    assert listed["slipway"]["services"] == ["serving", "tracking"]
    assert listed["python"]["services"] == []


def test_every_service_runs_an_image_that_is_listed():
    """An image that is not in `infra.versions` would be neither locked nor mirrored."""
    run = {service.image for service in all_services(Settings(), grafana_at_hand=True)}

    assert run - set(IMAGES.values()) == set()


def test_the_table_has_whole_names():
    """However narrow the terminal, a name can be copied."""
    table = told("list")

    assert [image for image in IMAGES.values() if _name(image) not in table] == []


@pytest.mark.parametrize("registry", [None, "r.example"])
def test_what_is_pulled_is_what_a_pod_is_given(registry):
    """The list and the cluster read one rule."""
    locked = {reference.full(image): Locked(DIGEST, ()) for image in IMAGES.values()}

    found = listing.images([], registry, locked)

    assert {each.pulled for each in found} == {
        reference.References(registry, locked).of(image) for image in IMAGES.values()
    }
    assert {each.digest for each in found} == {DIGEST}


def _name(image):
    return reference.full(image).rpartition(":")[0]
