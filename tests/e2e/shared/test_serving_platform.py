"""The model server on a platform that is up: signed models, slots, the prediction log, labels."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError
from tritonclient import grpc

from monitoring import rules
from monitoring.dashboards import dashboard, panels
from monitoring.objective import Objective

pytestmark = [pytest.mark.e2e]

OBJECTIVE = Objective()
MODEL = "flight-delays"


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.05)


def infer(platform, **parameters: Any) -> dict:
    """An answer to the example row, as any client of the protocol gets it."""
    row = platform.summary["prediction"]["rows"][0]
    url = f"{platform.url('serving')}/v2/models/{MODEL}"
    inputs = [
        {"name": each["name"], "datatype": each["datatype"], "shape": [1, 1]}
        | {"data": [row[each["name"]]]}
        for each in httpx.get(url).json()["inputs"]
    ]
    answer = httpx.post(f"{url}/infer", json={"inputs": inputs, **parameters})
    return answer.raise_for_status().json()


@pytest.fixture(scope="module")
def logged(platform) -> Callable[[str], list[dict]]:
    """The rows of a table of the log, as it is in the platform's object store now."""
    answer = platform.cli.pulumi(
        "stack", "output", "--json", "--show-secrets", "--stack", platform.cli.stack
    )
    secrets = answer.json["secrets"]
    options = {
        "AWS_ACCESS_KEY_ID": secrets["object-store-access-key"],
        "AWS_SECRET_ACCESS_KEY": secrets["object-store-secret-key"],
        "AWS_ENDPOINT_URL": platform.url("object-store"),
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }

    def rows(table: str) -> list[dict]:
        uri = f"s3://lake/serving/{MODEL}/{table}"
        try:
            return DeltaTable(uri, storage_options=options).to_pyarrow_table().to_pylist()
        except TableNotFoundError:
            return []

    return rows


@pytest.fixture
def challenger(platform) -> Iterator[None]:
    """Version 1 is the challenger, too, for as long as a test needs it."""
    assert platform.cli("release", "1", "--slot", "challenger").code == 0
    yield
    platform.cli("traffic", "--challenger", "0")
    assert platform.cli("release", "none", "--slot", "challenger").code == 0


def champion(platform) -> dict[str, str]:
    """Version and digest of what answers now; other tests of this platform release models."""
    found = httpx.get(f"{platform.url('serving')}/v2/models/{MODEL}").json()
    return {"version": found["versions"][0], "digest": found["parameters"]["digest"]}


def slots(platform) -> dict[str, dict]:
    """What `slipway traffic` says, by slot."""
    return {slot["name"]: slot for slot in platform.cli("traffic", "--json").json}


def test_the_served_model_is_signed_and_the_server_asks_for_it(platform) -> None:
    """The package has a signature, and the server's own file holds the key's public half."""
    digest = champion(platform)["digest"]
    manifest = httpx.get(
        f"{platform.url('registry')}/v2/models/{MODEL}/manifests/{digest}",
        headers={"Accept": "application/vnd.oci.image.manifest.v1+json"},
    ).json()
    config = platform.cli.folder.service("serving") / "config" / "serving.json"
    files = {layer["annotations"]["org.opencontainers.image.title"] for layer in manifest["layers"]}

    assert "model.sig" in files
    assert "BEGIN PUBLIC KEY" in json.loads(config.read_text())["public_key"]
    assert slots(platform)["champion"] == {
        "name": "champion",
        "alias": "champion",
        "version": champion(platform)["version"],
        "share": 1.0,
        "served": True,
    }


def test_predictions_reach_their_table_and_labels_come_back(
    platform, logged, tmp_path: Path
) -> None:
    """By the id that the answer has; sent twice, the label is still one truth."""
    answer = infer(platform, id="e2e-1", parameters={"routing_key": "somebody"})
    labels = tmp_path / "labels.csv"
    labels.write_text(f"id,value\ne2e-1,{2**53 + 1}\n", encoding="utf-8-sig")

    for _ in range(2):
        done = platform.cli("feedback", str(labels))
        assert (done.code, done.out) == (0, "1 labels are kept\n"), done.err

    wait_until(lambda: any(row["id"] == "e2e-1" for row in logged("predictions")))
    wait_until(lambda: any(row["id"] == "e2e-1" for row in logged("feedback")))
    [row] = [row for row in logged("predictions") if row["id"] == "e2e-1"]
    [value] = {each["value"] for each in logged("feedback") if each["id"] == "e2e-1"}
    asked = platform.summary["prediction"]["rows"][0]
    assert answer["id"] == "e2e-1"
    assert (row["version"], row["slot"], row["key"]) == (
        champion(platform)["version"],
        "champion",
        "somebody",
    )
    assert row["digest"] == champion(platform)["digest"]
    assert json.loads(row["outputs"])["probability"] == answer["outputs"][0]["data"][0]
    assert json.loads(row["inputs"])["carrier"] == asked["carrier"]
    assert value == str(2**53 + 1)


@pytest.mark.usefixtures("challenger")
def test_traffic_is_split_without_a_restart(platform) -> None:
    """The server follows the weight, and both slots answer their keys."""
    wait_until(lambda: slots(platform)["challenger"]["served"])
    before = _pid(platform)

    done = platform.cli("traffic", "--challenger", "0.5", "--json")

    shares = {slot["name"]: slot["share"] for slot in done.json}
    assert shares == {"champion": 0.5, "challenger": 0.5, "shadow": 0.0}
    wait_until(lambda: 'slipway_challenger_weight{model="flight-delays"} 0.5' in _metrics(platform))
    for number in range(40):
        infer(platform, parameters={"routing_key": str(number)})
    wait_until(lambda: _slots_of(platform) == {"champion", "challenger"})
    assert _pid(platform) == before


def test_a_share_that_is_none_is_one_line(platform) -> None:
    """Exit code 2, and what would have been right."""
    done = platform.cli("traffic", "--challenger", "10%")

    assert done.code == 2
    assert done.err == (
        "slipway: --challenger 10%: should be a number from 0 to 1, as 0.1 for one key in ten\n"
    )


def test_a_published_client_finds_the_same_model_over_grpc(platform) -> None:
    """On the port that the stack gave it."""
    ports = json.loads(platform.cli.folder.ports.read_text())
    with grpc.InferenceServerClient(f"127.0.0.1:{ports['serving/grpc']}") as client:
        assert client.is_server_ready()
        assert client.get_model_metadata(MODEL).versions[0] == champion(platform)["version"]


def test_the_signing_key_is_counted_not_rotated(platform) -> None:
    """One line says how, and nothing is touched."""
    done = platform.cli("secrets", "rotate", "signing-key")

    assert done.code == 2
    assert re.fullmatch(
        r"slipway: signing-key: count slipway:serving.signing.key up by one and run"
        r" `SLIPWAY_HOME=\S+ \S*slipway up --stack \S+`: the key before it stays trusted, so that"
        r" what is released stays servable\n",
        done.err,
    )


def test_the_server_exports_all_that_dashboards_and_rules_ask_of_it(platform) -> None:
    """Once it has been asked; a metric that is declared and never counted would show nothing."""
    infer(platform)
    texts = [
        *(
            query.expression
            for each in dashboard.dashboards(OBJECTIVE)
            for row in panels.rows(each)
            for panel in row.panels
            for query in panel.queries
        ),
        rules.rules(OBJECTIVE),
    ]
    asked = {name for text in texts for name in re.findall(r"(?<![:\w-])slipway_\w+", text)}

    def missing() -> set[str]:
        return asked - set(re.findall(r"^(slipway_\w+)", _metrics(platform), re.MULTILINE))

    wait_until(lambda: not missing())


def _metrics(platform) -> str:
    return httpx.get(f"{platform.url('serving')}/metrics").text


def _slots_of(platform) -> set[str]:
    """The slots that have answered."""
    counted = [line for line in _metrics(platform).splitlines() if 'code="200"' in line]
    return {
        slot
        for slot in ("champion", "challenger")
        for line in counted
        if line.startswith("slipway_inference_requests_total") and f'slot="{slot}"' in line
    }


def _pid(platform) -> int:
    [pid] = [s["pid"] for s in platform.cli("status", "--json").json if s["name"] == "serving"]
    return pid
