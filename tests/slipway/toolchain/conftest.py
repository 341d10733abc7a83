"""A toy tool, a machine to find it on, and a release site to fetch it from."""

import functools
import http.server
import io
import json
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pytest

from infra.versions import ToolPin
from slipway import toolchain
from slipway.toolchain.host import Host
from slipway.toolchain.tool import GoRecipe, Release, Tool

PLATFORM = "linux/amd64"


def script(path: Path, text: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@dataclass
class Site:
    """A release site on the loopback, serving a folder."""

    folder: Path
    url: str
    asked: list[str] = field(default_factory=list)
    cut_short: set[str] = field(default_factory=set)

    def publish(self, name: str, content: bytes) -> str:
        """Serve a file; its SHA-256."""
        (self.folder / name).write_bytes(content)
        return sha256(content).hexdigest()


class _Handler(http.server.SimpleHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        self.site.asked.append(name)
        if name not in self.site.cut_short:
            super().do_GET()
            return
        content = (self.site.folder / name).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A release site with nothing on it."""
    folder = tmp_path / "site"
    folder.mkdir()
    site = Site(folder, "")
    handler = type("Handler", (_Handler,), {"site": site})
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(handler, directory=str(folder))
    )
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def toy(site: Site) -> Tool:
    """A tool of two programs that is released on the site and has a Go module."""
    return Tool(
        name="toy",
        pin=ToolPin("1.2.0", at_least="1.1.0", below="2"),
        programs=("toy", "toyctl"),
        release=Release(
            site=site.url,
            archive="toy-{version}-{platform}.tar.gz",
            checksums="sums.txt",
            platforms={PLATFORM: "linux-x64"},
        ),
        go=GoRecipe(
            module="toy",
            packages=("toy.invalid/toy/cmd/toy", "toy.invalid/toy/cmd/toyctl"),
            variables={"main.version": "{version}"},
        ),
        answers=r"^toy, version (\d\S*)",
    )


@dataclass
class Machine:
    """A machine of its own: a PATH folder, a tool cache, and what was said meanwhile."""

    folder: Path
    host: Host
    said: list[tuple[str, str]] = field(default_factory=list)

    @property
    def tools_dir(self) -> Path:
        """The tool cache."""
        return self.folder / "tools"

    @property
    def path_dir(self) -> Path:
        """The only folder on PATH."""
        return self.folder / "path"

    def install(self, version: str, *programs: str) -> Path:
        """Put programs on PATH that answer with a version; the first's path."""
        for name in programs or ("toy", "toyctl"):
            script(self.path_dir / name, f"echo 'toy, version {version}'")
        return self.path_dir / (programs or ("toy",))[0]

    def ensure(self, *names: str) -> dict[str, toolchain.Resolution]:
        """Have tools, by default the toy."""
        return toolchain.ensure(
            names or ("toy",),
            tools_dir=self.tools_dir,
            progress=lambda name, what: self.said.append((name, what)),
            host=self.host,
        )

    def resolve(self, name: str = "toy") -> toolchain.Resolution | None:
        """A tool that is here."""
        return toolchain.resolve(name, self.tools_dir, self.host)

    def has(self, **changes: object) -> None:
        """Change the host."""
        self.host = replace(self.host, **changes)

    def recorded(self) -> dict[str, dict[str, str]]:
        """What others read of the cache."""
        return json.loads((self.tools_dir / "tools.json").read_text())

    def leftovers(self) -> list[str]:
        """What lies in the cache that no tool needs."""
        kept = {"bin", "store", "log", "lock", "tools.json", "versions.json"}
        return sorted(item.name for item in self.tools_dir.iterdir() if item.name not in kept)


@pytest.fixture
def machine(tmp_path: Path, toy: Tool, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with nothing on PATH, not even Go."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    host = Host(
        path=str(tmp_path / "path"),
        platform=PLATFORM,
        lock=tmp_path / "tools.lock",
        go_modules=tmp_path / "gomods",
        tools={"toy": toy},
    )
    (tmp_path / "path").mkdir()
    return Machine(tmp_path, host)


def archive(files: dict[str, str]) -> bytes:
    """A .tar.gz of executable files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text.encode()), 0o755
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def answering(version: str) -> str:
    """A program that answers with a version of the toy."""
    return f"#!/bin/sh\necho 'toy, version {version}'\n"


@pytest.fixture
def released(site: Site) -> Callable[..., str]:
    """Publish the toy's archive and its checksum; returns the SHA-256."""

    def publish(version: str = "1.2.0", *, checksum: str | None = None) -> str:
        content = archive({f"toy/{name}": answering(version) for name in ("toy", "toyctl")})
        digest = site.publish("toy-1.2.0-linux-x64.tar.gz", content)
        line = f"{checksum or digest}  toy-1.2.0-linux-x64.tar.gz\n"
        site.publish("sums.txt", line.encode())
        return digest

    return publish


@pytest.fixture
def packed() -> Callable[[dict[str, str]], bytes]:
    """Makes a .tar.gz of executable files."""
    return archive


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
