"""Secrets are made anew on a platform that is up, and everything goes on with them."""

import httpx
import pytest

pytestmark = [pytest.mark.e2e]

SECRET = "object-store-secret-key"


def secret(platform) -> str:
    """What the stack says the secret is."""
    answer = platform.cli.pulumi(
        "stack", "output", "--json", "--show-secrets", "--stack", platform.cli.stack
    )
    return answer.json["secrets"][SECRET]


def test_a_secret_is_made_anew_and_the_services_go_on_with_it(platform) -> None:
    """Another text, by name alone; who reads it is restarted; artifacts are still there."""
    before = secret(platform)

    done = platform.cli("secrets", "rotate", SECRET)

    assert done.code == 0, done.err
    after = secret(platform)
    assert after != before
    assert before not in done.out
    assert after not in done.out
    states = {each["name"]: each["state"] for each in platform.cli("status", "--json").json}
    assert set(states.values()) == {"up"}
    assert figures(platform)["artifacts"]


def figures(platform) -> dict:
    """The artifacts of the champion's run, which MLflow reads from the object store."""
    tracking = platform.url("tracking")
    version = httpx.get(
        f"{tracking}/api/2.0/mlflow/registered-models/alias",
        params={"name": "flight-delays", "alias": "champion"},
    ).json()["model_version"]
    listed = httpx.get(
        f"{tracking}/api/2.0/mlflow/artifacts/list", params={"run_id": version["run_id"]}
    ).json()
    return {"artifacts": listed.get("files", [])}


def test_secrets_are_listed_by_name_and_a_strange_one_is_refused(platform) -> None:
    """The line says which there are, and nothing is touched."""
    listed = platform.cli("secrets", "list")
    refused = platform.cli("secrets", "rotate", "nope")

    assert listed.out.split() == ["object-store-access-key", SECRET]
    assert refused.code == 2
    assert refused.err == (
        f"slipway: nope: no secret that stack {platform.cli.stack} generated; those are"
        f" object-store-access-key, {SECRET}\n"
    )
