"""What the platform runs finds what it composed: nothing else of anybody's shell."""

import os
import socketserver
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from components.registry_oci import Registry
from components.tracking import Tracking
from infra import environment, external_http
from infra.errors import SettingsError, SlipwayError
from infra.settings.reading import parse
from infra.targets.processes import health
from slipway.stack.running import Running
from usecases.errors import StepError

PERSON = {
    "AWS_SESSION_TOKEN": "theirs",
    "AWS_PROFILE": "theirs",
    "HOME": "/home/person",
    "HTTP_PROXY": "http://proxy:3128",
    "https_proxy": "http://proxy:3128",
    "NO_PROXY": "intranet",
    "KUBECONFIG": "/home/person/.kube/config",
    "LANG": "C.UTF-8",
    "LC_TIME": "de_DE.UTF-8",
    "MLFLOW_TRACKING_TOKEN": "theirs",
    "OMP_NUM_THREADS": "2",
    "PATH": "/home/person/bin:/usr/bin",
    "PULUMI_CONFIG_PASSPHRASE": "theirs",
    "PULUMI_DIY_BACKEND_GZIP": "1",
    "PULUMI_PYTHON_CMD": "/bin/false",
    "PYTHONPATH": "/home/person/lib",
    "SALES_PASSWORD": "for a data source",
    "SSL_CERT_FILE": "/home/person/ca.pem",
    "TMPDIR": "/gone",
}
LOOPBACK = "127.0.0.1,localhost,::1"


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell of a person's, and nothing else."""
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in PERSON.items():
        monkeypatch.setenv(name, value)


def test_a_service_finds_the_machine_s_own_and_folders_of_its_stack() -> None:
    """The same from every shell, but for what a locale is."""
    found = environment.of_service(Path("/stack/home"), Path("/stack/tmp"))

    assert found == {
        "HOME": "/stack/home",
        "LANG": "C.UTF-8",
        "LC_TIME": "de_DE.UTF-8",
        "NO_PROXY": LOOPBACK,
        "no_proxy": LOOPBACK,
        "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "PYTHONSAFEPATH": "1",
        "TMPDIR": "/stack/tmp",
    }


def test_a_step_finds_how_much_it_may_compute_with_besides() -> None:
    """What the stack says of the object store is all there is of it."""
    found = environment.of_steps(Path("/run/tmp"))

    assert found == environment.of_service(Path("/run/tmp"), Path("/run/tmp")) | {
        "OMP_NUM_THREADS": "2"
    }


def test_pulumi_finds_nothing_that_a_person_said_to_theirs(tmp_path: Path) -> None:
    """But how to download, and no folder that is not there."""
    found = environment.of_pulumi("/tools/bin:/usr/bin", clusters=False)

    assert found == {
        "HOME": "/home/person",
        "HTTP_PROXY": "http://proxy:3128",
        "https_proxy": "http://proxy:3128",
        "LANG": "C.UTF-8",
        "LC_TIME": "de_DE.UTF-8",
        "NO_PROXY": f"intranet,{LOOPBACK}",
        "no_proxy": f"intranet,{LOOPBACK}",
        "PATH": "/tools/bin:/usr/bin",
        "PYTHONSAFEPATH": "1",
        "SSL_CERT_FILE": "/home/person/ca.pem",
    }


def test_pulumi_finds_the_way_to_a_cluster_where_it_needs_one() -> None:
    """A stack of processes needs none."""
    more = environment.of_pulumi("", clusters=True).keys() - environment.of_pulumi(
        "", clusters=False
    )

    assert more == {"AWS_SESSION_TOKEN", "AWS_PROFILE", "KUBECONFIG"}


def test_an_environment_is_put_back_after_its_block() -> None:
    """What was changed in it goes with it."""
    before = dict(os.environ)

    with environment.replaced({"ONLY": "this"}):
        inside = dict(os.environ)
        os.environ["OTHER"] = "that"

    assert inside == {"ONLY": "this"}
    assert dict(os.environ) == before


def test_a_team_s_own_variable_is_let_through_by_its_name() -> None:
    """And one that this shell does not have is named."""
    settings = parse({"target": {"step_variables": ["SALES_PASSWORD"]}}, source="S")

    assert settings.target.step_variables == ["SALES_PASSWORD"]
    assert environment.named(["SALES_PASSWORD"]) == {"SALES_PASSWORD": "for a data source"}
    with pytest.raises(SettingsError, match=r"step_variables names OTHER, which this shell"):
        environment.named(["SALES_PASSWORD", "OTHER"])


@pytest.mark.parametrize(
    "name", ["HOME", "TMPDIR", "AWS_PROFILE", "MLFLOW_TRACKING_URI", "no_proxy"]
)
def test_what_the_platform_says_itself_is_not_let_through(name: str) -> None:
    """One line says so."""
    with pytest.raises(SettingsError, match=rf"step_variables\[0\] is '{name}': should be"):
        parse({"target": {"step_variables": [name]}}, source="S")


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A proxy that all of a person's variables name: what it was asked for."""
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(502)

        def log_message(self, *_: object) -> None:
            pass

    with socketserver.TCPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.delenv("SSL_CERT_FILE")
        yield asked
        server.shutdown()
        thread.join()


def test_a_download_goes_by_the_proxy(proxy: list[str]) -> None:
    """What is not ours may be reached no other way."""
    with external_http.client() as client:
        client.get("http://example.invalid/tool")

    assert proxy == ["http://example.invalid/tool"]


def test_no_request_to_a_service_goes_by_the_proxy(proxy: list[str]) -> None:
    """Of commands, steps, or a health check: keys and labels are in them."""
    url = "http://127.0.0.1:9"
    running = Running({"serving": {"url": url}}, {"api-key-a": "hush"})
    with running.client("serving") as client, pytest.raises(httpx.ConnectError):
        client.get("/v2")
    with Registry(url) as registry, pytest.raises(StepError, match="does not answer"):
        registry.push("m", (), "t")
    with Tracking(url) as tracking, pytest.raises(StepError, match="does not answer"):
        tracking.aliased("m", "champion")
    assert not health.answers("127.0.0.1:9", "/health")

    assert proxy == []


@pytest.mark.parametrize(
    "wrong", [{"SSL_CERT_FILE": "/nowhere/ca.pem"}, {"ALL_PROXY": "socks5h://127.0.0.1:9"}]
)
def test_what_httpx_cannot_go_by_is_one_line(
    wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the variable, not its value, which may hold a password."""
    monkeypatch.delenv("SSL_CERT_FILE")
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SlipwayError, match=next(iter(wrong))) as told:
        external_http.client()

    assert "\n" not in str(told.value)
