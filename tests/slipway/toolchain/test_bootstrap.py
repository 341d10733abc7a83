"""The first minute on a person's machine: uv comes, and packages, from where pip is told to.

And `make lock` moves nothing that nobody asked it to. All against an index on this machine.
"""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from infra.home import ROOT, Home
from slipway.toolchain import bootstrap

USER, PASSWORD = "ada", "not-a-real-password"
# What a person may have in a shell for installs of their own, all at once.
OF_A_PERSON = {
    "PIP_REQUIRE_VIRTUALENV": "1",
    "PIP_USER": "1",
    "PIP_PREFIX": "/nowhere",
    "PIP_TARGET": "/nowhere",
    "PIP_ROOT": "/nowhere",
    "PIP_NO_BINARY": ":all:",
    "UV_PYTHON": "2.7",
    "UV_SYSTEM_PYTHON": "1",
    "UV_PROJECT_ENVIRONMENT": "/nowhere",
    "UV_REQUIRE_HASHES": "1",
    "UV_NO_BINARY": "1",
    "UV_CONSTRAINT": "/nowhere",
    "UV_WORKING_DIR": "/nowhere",
    "VIRTUAL_ENV": "/nowhere",
    "CONDA_PREFIX": "/nowhere",
}
PIP_CONF = """
[global]
user = true
require-virtualenv = true
index-url = {index}
timeout = 7
[install]
extra-index-url =
    https://a.example/simple
    https://b.example/simple
"""


class Guarded(SimpleHTTPRequestHandler):
    """A folder, for who has the password."""

    def do_GET(self) -> None:
        """Serve it."""
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers["authorization"] == f"Basic {token}":
            super().do_GET()
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_) -> None:
        """Say nothing."""


class Index:
    """A package index on this machine that asks for a password."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://{USER}:{PASSWORD}@127.0.0.1:{port}/"

    def add(self, name: str, version: str, script: str = "") -> str:
        """A wheel, made here; its hash."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        info = f"{name}-{version}.dist-info"
        wheel = folder / f"{name}-{version}-py3-none-any.whl"
        files = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\n"
            "Tag: py3-none-any\n",
            f"{name}.py": "",
        }
        if script:
            files[f"{name}-{version}.data/scripts/{name}"] = script
        record = [*files, f"{info}/RECORD"]
        files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in record)
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in files.items():
                member = zipfile.ZipInfo(path)
                member.external_attr = (
                    0o100755 if path.startswith(f"{name}-{version}.data") else 0o100644
                ) << 16
                archive.writestr(member, text)
        return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An index that is served as long as a test lasts."""
    folder = tmp_path / "index"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Guarded, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield Index(folder, server.server_port)
    server.shutdown()
    server.server_close()


def bare(tmp_path: Path, **variables: str) -> dict[str, str]:
    """The environment of a shell that knows nothing but what a test says."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1",
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        **variables,
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """As much of the project as bringing and locking packages reads."""
    root = tmp_path / "project"
    (root / "slipway" / "toolchain").mkdir(parents=True)
    (root / "infra" / "images" / "slipway").mkdir(parents=True)
    for name in ("Makefile", "slipway/toolchain/bootstrap.py", "requirements-own.in"):
        shutil.copy(ROOT / name, root / name)
    return root


@pytest.fixture
def first_run(project: Path, index: Index, tmp_path: Path) -> Callable[..., list[str]]:
    """Runs a `uv` that is to be brought first, and that says what its environment is."""
    digest = index.add("uv", "1.0", script="#!/bin/sh\nenv\necho arguments: $*\n")
    (project / "requirements-uv.lock").write_text(f"uv==1.0 --hash=sha256:{digest}\n")
    # A folder of somebody's on PYTHONPATH, with a file called as a module that pip needs.
    (tmp_path / "shadows").mkdir()
    (tmp_path / "shadows" / "argparse.py").write_text("raise SystemExit('shadowed')")

    def run(*arguments: str, **variables: str) -> list[str]:
        script = project / "slipway" / "toolchain" / "bootstrap.py"
        done = subprocess.run(
            [sys.executable, "-I", script, tmp_path / "tools" / "bin" / "uv", *arguments],
            env=bare(tmp_path, PYTHONPATH=str(tmp_path / "shadows"), **variables),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert PASSWORD not in done.stderr
        return done.stdout.splitlines()

    return run


def test_uv_is_brought_whatever_a_person_installs_with(first_run, index) -> None:
    """Neither variables for a person's own installs nor their modules are in its way."""
    said = first_run("pip", "sync", PIP_INDEX_URL=index.url, **OF_A_PERSON)

    assert "arguments: pip sync" in said
    assert f"UV_DEFAULT_INDEX={index.url}" in said
    found = {line.partition("=")[0] for line in said}
    assert {name for name in found & OF_A_PERSON.keys() if not name.startswith("PIP_")} == set()


def test_uv_is_brought_whatever_pip_s_file_says(first_run, index, tmp_path) -> None:
    """A file may ask for `--user` and virtual environments; its index is taken, by uv, too."""
    file = tmp_path / "pip.conf"
    file.write_text(PIP_CONF.format(index=index.url))

    said = first_run(PIP_CONFIG_FILE=str(file), PIP_RETRIES="0")

    assert f"UV_DEFAULT_INDEX={index.url}" in said
    assert "UV_INDEX=https://a.example/simple https://b.example/simple" in said
    assert "UV_HTTP_TIMEOUT=7" in said


def test_without_an_index_uv_gets_what_pip_finds(first_run, index) -> None:
    """A folder of wheels is enough, and uv asks no index that pip was told not to."""
    said = first_run("pip", PIP_NO_INDEX="true", PIP_FIND_LINKS=str(index.folder / "uv"))

    assert f"UV_FIND_LINKS={index.folder / 'uv'}" in said
    assert "arguments: pip --no-index" in said


@pytest.mark.parametrize(
    ("settings", "variables", "expected"),
    [
        ({}, {}, {}),
        (
            {"index-url": "https://i.example/s", "find-links": "/a /b"},
            {},
            {"UV_DEFAULT_INDEX": "https://i.example/s", "UV_FIND_LINKS": "/a,/b"},
        ),
        (
            {"index-url": "https://i.example/s", "find-links": "/a"},
            {"UV_INDEX_URL": "https://mine.example/s"},
            {"UV_INDEX_URL": "https://mine.example/s"},
        ),
        ({}, {"UV_INDEX_ACME_PASSWORD": "x"}, {"UV_INDEX_ACME_PASSWORD": "x"}),
        ({"cert": "/ca.pem"}, {}, {"SSL_CERT_FILE": "/ca.pem"}),
        ({"cert": "/ca.pem"}, {"SSL_CERT_FILE": "/b.pem"}, {"SSL_CERT_FILE": "/b.pem"}),
        ({"trusted-host": "a b"}, {}, {"UV_INSECURE_HOST": "a b"}),
        ({"keyring-provider": "import"}, {}, {}),
        ({}, {"HTTPS_PROXY": "http://p:1"}, {"HTTPS_PROXY": "http://p:1"}),
        (
            {"proxy": "http://q:1"},
            {"HTTPS_PROXY": "http://p:1"},
            dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://q:1"),
        ),
    ],
)
def test_uv_is_told_what_pip_is_told(settings, variables, expected, monkeypatch, tmp_path) -> None:
    """Unless it is told something itself; a proxy for downloads goes on to work."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(bootstrap, "_SYSTEM_CERTS", ())

    assert bootstrap.uv_environment(variables, settings) == expected


def test_an_index_in_uv_s_own_file_wins(monkeypatch, tmp_path) -> None:
    """Who wrote one for uv meant it."""
    file = tmp_path / "uv.toml"
    file.write_text('[[index]]\nurl = "https://mine.example/simple"\n')
    told = {"UV_CONFIG_FILE": str(file)}
    monkeypatch.setattr(bootstrap, "_SYSTEM_CERTS", ())

    assert bootstrap.uv_environment(told, {"index-url": "https://i.example/s"}) == told


def test_pip_hears_nothing_else() -> None:
    """What a person's files and variables say of installs is left out, each of them."""
    found = bootstrap.pip_environment({"A": "1", "PYTHONPATH": "x", **OF_A_PERSON}, {"cert": "c"})

    assert {name: value for name, value in found.items() if name.startswith(("PIP_", "A"))} == {
        "A": "1",
        "PIP_CERT": "c",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    assert "PYTHONPATH" not in found


def test_a_python_that_is_too_old_is_said_in_one_line(monkeypatch) -> None:
    """What is needed, what there is, and how to name another."""
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))

    with pytest.raises(SystemExit, match=r"Python 3.11 to 3.13 is needed and .* is 3.9: run make"):
        bootstrap.main("uv")


def test_a_python_without_pip_is_said_in_one_line(monkeypatch, tmp_path) -> None:
    """And both ways out."""
    monkeypatch.setattr(bootstrap, "_pip", lambda *_, **__: subprocess.CompletedProcess([], 1, ""))

    with pytest.raises(SystemExit, match=r"has no pip, which brings uv: install it .* uv on PATH"):
        bootstrap.bring(tmp_path / "bin" / "uv")


@pytest.mark.parametrize("target", ["env", "lock", "upgrade"])
def test_make_asks_for_packages_by_the_bootstrap_only(target) -> None:
    """Nowhere else does a recipe call pip or uv."""
    listed = subprocess.run(
        ["make", "--always-make", "--dry-run", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    calls = [line for line in listed.splitlines() if re.search(r"\b(pip|uv) ", line)]

    assert calls
    assert [line for line in calls if " -I slipway/toolchain/bootstrap.py " not in line] == []


@pytest.fixture
def make(project: Path, index: Index, tmp_path: Path) -> Callable[..., dict[str, list[str]]]:
    """Runs `make` where two packages are asked for; the pins of each lock afterwards."""
    own = Home.of_environment().tools / "uv" / "bin" / "uv"
    found = shutil.which("uv") or (str(own) if own.exists() else None)
    if found is None:
        pytest.skip("uv is neither on PATH nor in the toolchain: `make env` brings it")
    for name, version in [("one", "1.0"), ("two", "1.0"), ("three", "1.0")]:
        index.add(name, version)
    extras = "\n".join(f"{extra} = []" for extra in ("train", "serve", "tracking"))
    (project / "pyproject.toml").write_text(
        '[project]\nname = "project"\nversion = "1"\nrequires-python = ">=3.11"\n'
        f'dependencies = [\n"one",\n]\n[project.optional-dependencies]\n{extras}\n'
    )
    image = project / "infra" / "images" / "slipway"
    (image / "excluded.txt").touch()
    locks = {
        "ours": project / "requirements.lock",
        "own": project / "requirements-own.lock",
        "image": image / "requirements.lock",
        "image's own": image / "requirements-own.lock",
    }
    shell = bare(tmp_path, PIP_INDEX_URL=index.url, **OF_A_PERSON)

    def run(*arguments: str) -> dict[str, list[str]]:
        tools = f"TOOLS={Path(found).parents[2]}"
        done = subprocess.run(
            ["make", f"PYTHON={sys.executable}", tools, *arguments],
            cwd=project,
            env={**shell, "PATH": f"{Path(found).parent}{os.pathsep}{shell['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        texts = {name: lock.read_text() for name, lock in locks.items()}
        assert [text for text in texts.values() if "127.0.0.1" in text] == []
        return {name: re.findall(r"^\S+==\S+", text, re.MULTILINE) for name, text in texts.items()}

    return run


def test_locking_adds_what_is_asked_for_and_moves_no_pin(make, project, index) -> None:
    """Newer releases wait for `make upgrade`; a fork's own requirements touch no lock of ours."""
    assert make("lock") == {
        "ours": ["one==1.0"],
        "own": [],
        "image": ["one==1.0"],
        "image's own": [],
    }
    for name in ("one", "two", "three"):
        index.add(name, "2.0")
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(text.replace('"one",', '"one",\n"two<2",'))
    with (project / "requirements-own.in").open("a") as own:
        own.write("three<2\none\n")

    added = make("lock")
    moved = make("upgrade", "PACKAGE=one")

    ours = ["one==1.0", "two==1.0"]
    assert added == {
        "ours": ours,
        "image": ours,
        "own": ["three==1.0"],
        "image's own": ["three==1.0"],
    }
    assert moved == added | {lock: ["one==2.0", "two==1.0"] for lock in ("ours", "image")}
