"""Real registries on loopback, the CNCF one, and small images of two platforms to copy."""

import base64
import hashlib
import json
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from infra.errors import ToolMissingError
from infra.home import Home
from slipway import toolchain
from slipway.images.crane import Crane

USER, PASSWORD = "porter", "open sesame"
# Of that password; bcrypt is all that the registry takes, and Python 3.13 has none.
BCRYPT = "$2b$04$A/92Ii7HJjmzxrr6wcxvuOAukjHI3Dlk.P.6Z0lWtfzl0jDJqWf1e"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DEADLINE = 30.0


def tool(name):
    """A tool of the toolchain, brought if it is not here."""
    try:
        tools = Home.of_environment().tools
        return toolchain.ensure([name], tools_dir=tools, progress=lambda *_: None)[name].path
    except ToolMissingError as error:
        pytest.skip(str(error))


def digest_of(data):
    """The OCI digest of some bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class Registry:
    """One real registry over a folder."""

    address: str
    folder: Path
    auth: tuple[str, str] | None = None

    def blob_file(self, digest):
        """Where it keeps a blob."""
        sha = digest.removeprefix("sha256:")
        return self.folder / "docker/registry/v2/blobs/sha256" / sha[:2] / sha / "data"

    def blobs(self):
        """The digests of all that it holds."""
        return {
            f"sha256:{path.parent.name}"
            for path in self.folder.glob("docker/registry/v2/blobs/sha256/*/*/data")
        }

    def digest(self, repository, tag):
        """What a tag stands for, None if there is none; asked by HTTP, not by crane."""
        answer = httpx.head(
            f"http://{self.address}/v2/{repository}/manifests/{tag}",
            headers={"Accept": f"{INDEX}, {MANIFEST}"},
            auth=self.auth,
        )
        return answer.headers["Docker-Content-Digest"] if answer.is_success else None

    def blob(self, repository, data):
        """Put a blob there and return its descriptor."""
        base = f"http://{self.address}/v2/{repository}/blobs/uploads/"
        start = httpx.post(base, auth=self.auth).raise_for_status()
        digest = digest_of(data)
        where = httpx.URL(start.headers["Location"]).copy_merge_params({"digest": digest})
        octets = {"Content-Type": "application/octet-stream"}
        httpx.put(where, content=data, headers=octets, auth=self.auth).raise_for_status()
        return {"digest": digest, "size": len(data)}

    def manifest(self, repository, reference, content):
        """Put a manifest or an index there and return its descriptor."""
        data = json.dumps(content).encode()
        httpx.put(
            f"http://{self.address}/v2/{repository}/manifests/{reference or digest_of(data)}",
            content=data,
            headers={"Content-Type": content["mediaType"]},
            auth=self.auth,
        ).raise_for_status()
        return {"mediaType": content["mediaType"], "digest": digest_of(data), "size": len(data)}

    def image(self, repository, layers, machine="amd64", tag=None):
        """Put an image of one platform there."""
        config = {"os": "linux", "architecture": machine, "rootfs": {"type": "layers"}}
        described = self.blob(repository, json.dumps(config).encode())
        layer = "application/vnd.oci.image.layer.v1.tar"
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **described},
            "layers": [{"mediaType": layer, **self.blob(repository, data)} for data in layers],
        }
        return self.manifest(repository, tag, manifest)

    def index(self, repository, tag, layers=(b"shared",)):
        """Put an image of two platforms there and return its reference and digest."""
        entries = [
            {
                **self.image(repository, [*layers, machine.encode()], machine),
                "platform": {"os": "linux", "architecture": machine},
            }
            for machine in ("amd64", "arm64")
        ]
        content = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        digest = self.manifest(repository, tag, content)["digest"]
        return f"{self.address}/{repository}:{tag}", digest


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_up(url, process):
    """Wait until it answers, whatever it says."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return httpx.get(url)
        except httpx.TransportError:
            assert process.poll() is None, "the registry has ended"
            assert time.monotonic() < deadline, "the registry does not answer"
            time.sleep(0.05)


@pytest.fixture
def start(tmp_path):
    """Starts real registries, ended after the test."""
    program, processes = tool("registry"), []

    def one(name, *, locked=False):
        folder, address = tmp_path / name, f"127.0.0.1:{free_port()}"
        settings = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(folder)}},
            "http": {"addr": address},
        }
        if locked:
            users = tmp_path / "htpasswd"
            users.write_text(f"{USER}:{BCRYPT}\n")
            settings["auth"] = {"htpasswd": {"realm": "here", "path": str(users)}}
        config = tmp_path / f"{name}.yml"
        config.write_text(yaml.safe_dump(settings))
        process = subprocess.Popen(
            [program, "serve", config],
            env={"OTEL_TRACES_EXPORTER": "none"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        processes.append(process)
        wait_until_up(f"http://{address}/v2/", process)
        return Registry(address, folder, (USER, PASSWORD) if locked else None)

    yield one
    for process in processes:
        process.terminate()
        process.wait(DEADLINE)


@pytest.fixture
def public(start):
    """The registry that images come from."""
    return start("public")


@pytest.fixture
def private(start):
    """The registry that they are copied to."""
    return start("private")


@pytest.fixture
def docker_login(tmp_path, monkeypatch):
    """Logs in to a registry as `docker login` would; before, nobody is logged in anywhere."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))

    def log_in(registry):
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        config = {"auths": {registry.address: {"auth": token}}}
        (folder / "config.json").write_text(json.dumps(config))

    return log_in


@pytest.fixture
def crane(docker_login):
    """The real crane, with no credentials but those that a test gives."""
    return Crane(tool("crane"))
