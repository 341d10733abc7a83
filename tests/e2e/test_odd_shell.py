"""A whole life in a shell that is full of a person's own: none of it reaches the platform."""

import pytest

pytestmark = [pytest.mark.e2e]

NOWHERE = "http://127.0.0.1:9"
ODD = {
    "PULUMI_DIY_BACKEND_GZIP": "1",
    "PULUMI_CONFIG_PASSPHRASE": "theirs",
    "PULUMI_PYTHON_CMD": "/bin/false",
    "PULUMI_BACKEND_URL": "file:///nowhere",
    **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), NOWHERE),
    **dict.fromkeys(("ALL_PROXY", "grpc_proxy"), NOWHERE),
    "SSL_CERT_FILE": "/nowhere/ca.pem",
    "AWS_SESSION_TOKEN": "theirs",
    "AWS_PROFILE": "theirs",
    "MLFLOW_TRACKING_TOKEN": "theirs",
    "PYTHONSTARTUP": "/nowhere/startup.py",
}


def test_a_platform_stands_up_and_works_from_any_shell(brief, tmp_path, monkeypatch) -> None:
    """It is trained, asked, and looked at from another shell; its shell's folder stays empty."""
    for name, value in ODD.items():
        monkeypatch.setenv(name, value)
    (temporary := tmp_path / "temporary").mkdir()
    (modules := tmp_path / "modules").mkdir()
    for name in ("secrets", "numpy"):
        (modules / f"{name}.py").write_text("raise SystemExit('not ours')")
    monkeypatch.setenv("PYTHONPATH", str(modules))
    monkeypatch.setenv("TMPDIR", str(temporary))

    summary = brief("up", "--json").json

    assert summary["champion"]["version"] == "1"
    assert list(temporary.iterdir()) == []
    temporary.rmdir()
    assert {service["state"] for service in brief("status", "--json").json} == {"up"}
    assert brief("predict", "--json").code == 0
    for name in ("TMPDIR", *ODD):
        monkeypatch.delenv(name)
    assert {service["state"] for service in brief("status", "--json").json} == {"up"}
    assert list(brief.folder.runs.glob("*/tmp")) == []
