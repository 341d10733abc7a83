"""Tenants' accounts and buckets in the real object store, as its Service and Jobs say."""

import contextlib
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.description import Description, describe
from infra.home import Home
from infra.service import Service, render
from infra.settings.reading import parse

TARGET = {"kind": "existing", "context": "c", "namespace": "mlops"}
ROOT = "object-store"


class Store:
    """The store of a description with tenants, in a folder of a test."""

    def __init__(self, described: Description, folder: Path, program: Path) -> None:
        """Know its place and its keys; nothing is started."""
        made = {name: secrets.token_hex(20) for name in described.secrets}
        self.keys = made | described.external_secrets
        self.services = {service.name: service for service in described.services}
        self.folder, self.program = folder, program
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def text(self, text: str) -> str:
        """A text of a service, as a target fills it in."""
        meant = {
            "port": lambda _: str(self.port),
            "host": lambda _: "127.0.0.1",
            "address": lambda _: f"127.0.0.1:{self.port}",
            "data": lambda what: str(self.folder / "data" / what),
            "config": lambda what: str(self.folder / "config" / what),
            "secret": self.keys.__getitem__,
        }
        return render(text, lambda kind, what: meant[kind](what))

    def start(self, service: Service) -> subprocess.Popen:
        """Run what a service says, as it says it."""
        for name, text in service.files.items():
            file = self.folder / "config" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(self.text(text))
            file.parent.chmod(0o555)
        variables = {name: self.text(text) for name, text in service.environment.items()}
        argv = [self.program, *(self.text(word) for word in service.command[1:])]
        with (self.folder / f"{service.name}.log").open("w") as log:
            return subprocess.Popen(argv, env=os.environ | variables, stdout=log, stderr=log)

    @contextlib.contextmanager
    def running(self) -> Iterator["Store"]:
        """The store, healthy."""
        service = self.services[ROOT]
        for folder in service.data.folders:
            (self.folder / "data" / folder).mkdir(parents=True)
        process = self.start(service)
        try:
            deadline = time.monotonic() + 20
            while not self.healthy():
                assert time.monotonic() < deadline, (self.folder / f"{ROOT}.log").read_text()
                time.sleep(0.05)
            yield self
        finally:
            process.terminate()
            process.wait(20)

    def healthy(self) -> bool:
        """Whether it answers."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health").is_success
        except httpx.HTTPError:
            return False

    def client(self, who: str):
        """An S3 client with the keys of a tenant, or of the platform."""
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=self.keys[f"{who}-access-key"],
            aws_secret_access_key=self.keys[f"{who}-secret-key"],
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store with the tenants red and blue, after their Jobs."""
    program = Home.of_environment().tools / "bin" / "versitygw"
    if not program.exists():
        pytest.skip("versitygw is not here: `make tools` brings it")
    settings = {"target": TARGET, "tenants": [{"name": "red"}, {"name": "blue"}]}
    described = describe(parse(settings, source="S"))
    with Store(described, tmp_path_factory.mktemp("store"), program).running() as running:
        jobs = [service for service in described.services if service.job]
        assert [running.start(job).wait(20) for job in jobs] == [0, 0]
        yield running


def may(action, **arguments: str) -> bool:
    """Whether the store does something for a client, or refuses."""
    try:
        action(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def allowed(client, bucket: str) -> set[str]:
    """All that a client may do with a bucket."""
    where = {"Bucket": bucket, "Key": f"{bucket}/object"}
    done = {
        "write": may(client.put_object, **where, Body="x"),
        "list": may(client.list_objects_v2, Bucket=bucket),
        "read": may(client.get_object, Bucket=bucket, Key="platform/object"),
        "delete": may(client.delete_object, **where),
        "policy": may(client.put_bucket_acl, Bucket=bucket, ACL="private"),
    }
    return {name for name, yes in done.items() if yes}


@pytest.mark.parametrize(
    ("who", "other"), [("tenant-red", "tenant-blue"), ("tenant-blue", "tenant-red")]
)
def test_a_tenant_may_use_its_bucket_and_no_other(store: Store, who: str, other: str) -> None:
    """Neither another tenant's nor the platform's: not read, not written, not seen."""
    client = store.client(who)
    for bucket in (who, other, "lake", "mlflow", "mlpipeline"):
        store.client(ROOT).put_object(Bucket=bucket, Key="platform/object", Body="x")

    assert allowed(client, who) >= {"write", "list", "read", "delete"}
    for bucket in (other, "lake", "mlflow", "mlpipeline"):
        assert allowed(client, bucket) == set(), bucket
    assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == [who]


def test_a_tenant_may_make_no_bucket(store: Store) -> None:
    """Buckets are the platform's to give."""
    assert not may(store.client("tenant-red").create_bucket, Bucket="another")


def test_a_job_that_runs_again_changes_nothing(store: Store) -> None:
    """Its pod may be started twice, and each change of the stack may run it again."""
    job = store.services["tenant-red-bucket"]

    assert [store.start(job).wait(20) for _ in range(2)] == [0, 0]
    assert may(store.client("tenant-red").list_objects_v2, Bucket="tenant-red")
    assert not may(store.client("tenant-blue").list_objects_v2, Bucket="tenant-red")


def test_another_key_opens_nothing(store: Store) -> None:
    """The account's name is known to all: only its key counts."""
    store.keys["forger-access-key"] = "tenant-red"
    store.keys["forger-secret-key"] = store.keys["tenant-blue-secret-key"]

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        store.client("forger").list_objects_v2(Bucket="tenant-red")
