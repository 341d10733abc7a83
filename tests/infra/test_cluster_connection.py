"""A kubeconfig that leads nowhere is one line, before anything is asked."""

import base64
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from infra.clusters.connection import Connection
from infra.errors import ClusterError

WHOLE = {
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1/prefix"}}],
    "users": [{"name": "u", "user": {"token": "secret-token"}}],
    "contexts": [{"name": "home", "context": {"cluster": "c", "user": "u"}}],
}


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    """With the setting that names another."""
    with pytest.raises(ClusterError, match=r"no kubeconfig .*/k: name one in slipway:target"):
        Connection.of(str(tmp_path / "k"), "home")


def test_the_environment_names_the_kubeconfig(tmp_path: Path, monkeypatch) -> None:
    """KUBECONFIG is read when it is needed, and may name several."""
    (tmp_path / "b").write_text(yaml.safe_dump(WHOLE))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/a:{tmp_path}/b")

    assert Connection.of(None, "home").client.base_url.path == "/prefix/"


@pytest.mark.parametrize("text", ["", "a: [", "just words", "contexts: 5\n"])
def test_a_broken_kubeconfig_is_one_line(text: str, tmp_path: Path) -> None:
    """Whatever is in it."""
    path = tmp_path / "k"
    path.write_text(text)

    with pytest.raises(ClusterError, match=r"^kubeconfig .*/k cannot be read: ") as told:
        Connection.of(str(path), "home")
    assert "\n" not in str(told.value)


def test_another_context_is_refused_with_those_there_are(tmp_path: Path) -> None:
    """No other context than the one of the settings is ever used."""
    path = tmp_path / "k"
    path.write_text(yaml.safe_dump(WHOLE))

    with pytest.raises(ClusterError, match=r"no context 'work'; it has home: mend slipway:target"):
        Connection.of(str(path), "work")


def test_a_context_without_its_cluster_is_one_line(tmp_path: Path) -> None:
    """What is missing in it, by name."""
    path = tmp_path / "k"
    path.write_text(yaml.safe_dump(WHOLE | {"clusters": []}))

    with pytest.raises(ClusterError, match=r"context home cannot be used: .*name c in"):
        Connection.of(str(path), "home")


def test_a_connection_shows_no_credentials(tmp_path: Path) -> None:
    """It may be in a traceback."""
    path = tmp_path / "k"
    path.write_text(yaml.safe_dump(WHOLE))

    assert "secret-token" not in repr(Connection.of(str(path), "home"))


@pytest.fixture
def mutual_tls(tmp_path: Path) -> Iterator[dict]:
    """A kubeconfig for a server that knows one certificate only, which is also its own."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    options = ["-subj", "/CN=x", "-addext", "subjectAltName=DNS:cluster.example"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *options, *files]
    subprocess.run(command, check=True, capture_output=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate))
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    cluster = {
        "server": f"https://127.0.0.1:{server.server_port}",
        "certificate-authority-data": base64.b64encode(certificate.read_bytes()).decode(),
        "tls-server-name": "cluster.example",
    }
    user = {"client-certificate": str(certificate), "client-key": str(key)}
    yield WHOLE | {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }
    server.shutdown()
    thread.join()
    server.server_close()


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers whoever got through the handshake."""

    def do_GET(self) -> None:
        """Say so."""
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_certificates_and_the_server_s_name_are_those_of_the_kubeconfig(
    mutual_tls: dict, tmp_path: Path
) -> None:
    """Its authority, the client's certificate, and a name that is not the address."""
    path = tmp_path / "k"
    path.write_text(yaml.safe_dump(mutual_tls))

    assert Connection.of(str(path), "home").ask("/version").text == "ok"


def test_a_server_of_another_name_is_not_trusted(mutual_tls: dict, tmp_path: Path) -> None:
    """The certificate is checked, not only shown."""
    path = tmp_path / "k"
    del mutual_tls["clusters"][0]["cluster"]["tls-server-name"]
    path.write_text(yaml.safe_dump(mutual_tls))

    with pytest.raises(ClusterError, match=r"does not answer at .*certificate"):
        Connection.of(str(path), "home").ask("/version")
