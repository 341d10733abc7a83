"""What services keep outlives their pods, and the node's restart."""

import hashlib
import os
import secrets
import subprocess
from collections.abc import Callable

import httpx
import pymysql
import pytest

pytestmark = [pytest.mark.node]

KEEPERS = ("object-store", "registry", "tracking", "database")


@pytest.mark.parametrize("service", KEEPERS)
def test_data_outlives_its_pod(on_node, service: str) -> None:
    """The pod is deleted; the one that takes its place has the data."""
    on_node.needs(service)
    note = secrets.token_hex(8)
    kept = WRITERS[service](on_node, note)

    on_node.kill_pod(service)

    assert READERS[service](on_node, note) == kept


def test_data_outlives_a_restart_of_the_node(on_node, until) -> None:
    """Every pod comes back by itself, with its data; SLIPWAY_TEST_RESTART_NODE restarts it."""
    command = os.environ.get("SLIPWAY_TEST_RESTART_NODE")
    if not command:
        pytest.skip("SLIPWAY_TEST_RESTART_NODE names no command that restarts the node")
    here = [service for service in KEEPERS if on_node.has(service)]
    note = secrets.token_hex(8)
    kept = {service: WRITERS[service](on_node, note) for service in here}
    containers = _containers(on_node)

    subprocess.run(command, shell=True, check=True, timeout=200)  # noqa: S602 - it is a command

    until(lambda: _containers(on_node) & containers, 200)
    on_node.wait_ready(*on_node.workloads)
    assert {service: READERS[service](on_node, note) for service in here} == kept


def _containers(on_node) -> set[str]:
    """The ids of all containers that run."""
    return {
        status["containerID"]
        for name in on_node.workloads
        for pod in on_node.cluster.pods(name)
        for status in pod["status"].get("containerStatuses", [])
        if "running" in status["state"]
    }


def _put_object(on_node, note: str) -> bytes:
    with on_node.s3() as s3:
        s3.put_object(Bucket="lake", Key=note, Body=note.encode())
    return note.encode()


def _get_object(on_node, note: str) -> bytes:
    with on_node.s3() as s3:
        found: bytes = s3.get_object(Bucket="lake", Key=note)["Body"].read()
    return found


def _push_blob(on_node, note: str) -> bytes:
    with on_node.client("registry") as client:
        session = client.post("/v2/of-a-test/blobs/uploads/").raise_for_status()
        upload = httpx.URL(session.headers["Location"]).copy_add_param("digest", _digest(note))
        client.put(upload, content=note.encode()).raise_for_status()
    return note.encode()


def _pull_blob(on_node, note: str) -> bytes:
    with on_node.client("registry") as client:
        return client.get(f"/v2/of-a-test/blobs/{_digest(note)}").raise_for_status().content


def _digest(note: str) -> str:
    return f"sha256:{hashlib.sha256(note.encode()).hexdigest()}"


def _make_experiment(on_node, note: str) -> str:
    with on_node.client("tracking") as client:
        answer = client.post("/api/2.0/mlflow/experiments/create", json={"name": note})
        made: str = answer.raise_for_status().json()["experiment_id"]
    return made


def _find_experiment(on_node, note: str) -> str:
    path = "/api/2.0/mlflow/experiments/get-by-name"
    with on_node.client("tracking") as client:
        answer = client.get(path, params={"experiment_name": note})
        found: str = answer.raise_for_status().json()["experiment"]["experiment_id"]
    return found


def _insert_row(on_node, note: str) -> str:
    _sql(on_node, "CREATE TABLE IF NOT EXISTS of_a_test (note VARCHAR(40))")
    _sql(on_node, "INSERT INTO of_a_test VALUES (%s)", note)
    return note


def _find_row(on_node, note: str) -> str:
    return _sql(on_node, "SELECT note FROM of_a_test WHERE note = %s", note)[0][0]


def _sql(on_node, statement: str, *values: str) -> list[tuple[str, ...]]:
    user = "mlflow"
    with on_node.cluster.forward("database", "mysql") as address:
        host, port = address.split(":")
        connection = pymysql.connect(
            host=host,
            port=int(port),
            user=user,
            password=on_node.secrets[f"database-{user}-password"],
            database=user,
            autocommit=True,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())


WRITERS: dict[str, Callable[..., object]] = {
    "object-store": _put_object,
    "registry": _push_blob,
    "tracking": _make_experiment,
    "database": _insert_row,
}
READERS: dict[str, Callable[..., object]] = {
    "object-store": _get_object,
    "registry": _pull_blob,
    "tracking": _find_experiment,
    "database": _find_row,
}
