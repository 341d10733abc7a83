"""`slipway models resign`: the same files under the stack's signature, and nothing else changed."""

import json
from dataclasses import dataclass, replace

import httpx
import pytest

from components.package import signing
from contracts.model_package import MODEL_SIGNATURE
from infra.errors import SettingsError, SlipwayError
from infra.settings.serving import Serving
from infra.signing_keys import make_key_pair, signed_with
from slipway.exits import NotUpError
from slipway.models.resigning import Resigning
from slipway.stack.running import Running
from tests.registries import FILES, MODEL, Registries

FORMER, OWN, OTHERS, UNKNOWN = (make_key_pair() for _ in range(4))
PUBLIC = json.dumps(OWN.public_pem + FORMER.public_pem)[1:-1]
SECRETS = {"signing-key": OWN.private_pem, "signing-key-public": PUBLIC}


@dataclass(frozen=True)
class RunningHere(Running):
    """A stack whose registries are in memory."""

    registries: Registries | None = None

    def client(self, service: str) -> httpx.Client:
        """A client of them."""
        assert self.registries is not None
        return self.registries.client(service)


@pytest.fixture(params=["", "/api/v1/namespaces/mlops/services/registry:5000/proxy"])
def registries(request: pytest.FixtureRequest) -> Registries:
    """Asked directly, and by way of a cluster's API server."""
    return Registries(request.param)


def resigning(registries: Registries, secrets: dict = SECRETS) -> Resigning:
    services = {name: {"url": "http://registries"} for name in ("tracking", "registry")}
    running = RunningHere(services, secrets, registries=registries)
    serving = Serving.model_validate({"model": MODEL, "signing": {"public_key": OTHERS.public_pem}})
    return Resigning(running, serving)


@pytest.mark.parametrize(
    ("signer", "said"),
    [
        (None, "nobody"),
        (UNKNOWN, "a key that this stack does not know"),
        (FORMER, "the stack's key before ("),
        (OTHERS, "a key of signing.public_key ("),
    ],
)
def test_the_same_files_are_signed_with_the_stack_s_key(
    signer: object, said: str, registries: Registries
) -> None:
    """It says who had signed; all that pointed at the version points at the new one."""
    version = registries.release(getattr(signer, "private_pem", None))
    other = registries.release(OWN.private_pem, "challenger", (*FILES, replace(FILES[0], name="x")))
    registries.aliases["of-somebody"] = version
    ours = resigning(registries)

    found = ours.find(None, "champion")
    made = ours.sign(found)

    assert found.signer.startswith(said)
    assert (found.version, found.ours, found.aliases) == ("1", False, ("champion", "of-somebody"))
    assert registries.aliases == {"champion": made, "of-somebody": made, "challenger": other}
    before, after = registries.files(version), registries.files(made)
    before.pop(MODEL_SIGNATURE, None)
    assert signed_with(after.pop(MODEL_SIGNATURE), [OWN.public_pem])
    assert after == before
    described = registries.versions[int(made) - 1]
    tags = {tag["key"]: tag["value"] for tag in described["tags"]}
    assert (described["run_id"], described["description"]) == ("r", "d")
    assert tags == {
        "digest": described["source"].partition("@")[2],
        "roc_auc": "0.7",
        "resigned_from": "1",
        "signed_by": found.signer,
    }


def test_a_second_call_makes_no_second_version(registries: Registries) -> None:
    """One that was killed half-way goes on where it was."""
    registries.release(UNKNOWN.private_pem)
    ours = resigning(registries)
    found = ours.find("1", "champion")
    assert ours.sign(found) == "2"
    registries.aliases["champion"] = "1"
    assert ours.sign(found) == "2"
    assert registries.aliases == {"champion": "2"}
    again = ours.find(None, "champion")
    assert (again.version, again.ours, again.signer) == ("2", True, "the stack's key")


@pytest.mark.parametrize("signer", [FORMER, OWN], ids=["former", "own"])
def test_what_was_altered_after_it_was_signed_is_refused(
    signer: object, registries: Registries
) -> None:
    """To sign it anew would vouch for whoever altered it."""
    signature = signing.sign(MODEL, FILES, signer.private_pem)
    registries.register((replace(FILES[0], content=b"another graph"), FILES[1], signature))
    with pytest.raises(SlipwayError, match=r"^version 1 \(sha256:\w+\) was altered after it was"):
        resigning(registries).find(None, "champion")


def test_a_package_that_is_not_what_its_digest_says_is_refused(registries: Registries) -> None:
    """Whoever may write to the registry's disk may not have it signed."""
    registries.release(FORMER.private_pem)
    for digest in registries.blobs:
        registries.blobs[digest] += b"x"
    with pytest.raises(SlipwayError, match="is not what was pushed"):
        resigning(registries).find(None, "champion")


def test_mistakes_are_told_in_a_line(registries: Registries) -> None:
    """Which version, which slot, and a stack that has no key."""
    with pytest.raises(NotUpError, match=r"^no model flight-delays is registered"):
        resigning(registries).find(None, "champion")
    registries.release(FORMER.private_pem)
    with pytest.raises(SettingsError, match="has no version 7"):
        resigning(registries).find("7", "champion")
    with pytest.raises(SettingsError, match="--slot best: there are champion"):
        resigning(registries).find(None, "best")
    with pytest.raises(NotUpError, match="in the slot shadow"):
        resigning(registries).find(None, "shadow")
    with pytest.raises(SlipwayError, match="no signing key yet"):
        resigning(registries, {}).find(None, "champion")
