"""The running stack, looked at from outside by testinfra."""

import json
import os
import signal
import time
from collections.abc import Callable

import pytest
import testinfra

from infra.targets.processes import marker

pytestmark = [pytest.mark.e2e]


@pytest.fixture(scope="module")
def host():
    """This machine."""
    return testinfra.get_host("local://")


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.05)


def test_every_service_is_a_running_process(host, platform) -> None:
    """The pid that `status` names is a process of this machine."""
    for service in platform.cli("status", "--json").json:
        assert host.process.get(pid=service["pid"]).state != "Z", service["name"]


def test_every_service_listens_on_its_address(host, platform) -> None:
    """What the table says is where something listens."""
    for service in platform.summary["services"]:
        address = platform.url(service["name"]).removeprefix("http://")
        assert host.socket(f"tcp://{address}").is_listening, service["name"]


def test_nothing_listens_beyond_loopback(platform) -> None:
    """No process of the stack can be reached from another machine."""
    stack = platform.cli.folder.path
    listening = {
        connection.laddr.ip
        for process in marker.processes(stack)
        for connection in process.net_connections("inet")
        if connection.status == "LISTEN"
    }

    # gRPC's sockets are IPv6's, and say 127.0.0.1 in its words.
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("passphrase", 0o600),
        ("state", 0o700),
        ("stacks/{stack}", 0o700),
        ("stacks/{stack}/ports.json", 0o600),
        ("stacks/{stack}/supervisor/supervisord.conf", 0o600),
        ("stacks/{stack}/supervisor/supervisord.log", 0o600),
        ("stacks/{stack}/services/object-store/spec.json", 0o600),
        ("stacks/{stack}/services/tracking/spec.json", 0o600),
        ("stacks/{stack}/services/serving/config/serving.json", 0o600),
        ("stacks/{stack}/services/serving/log/serving.log", 0o600),
        ("{bin}/pulumi", 0o700),
    ],
)
def test_what_is_private_is_for_its_owner_only(host, platform, path: str, mode: int) -> None:
    """Secrets, state and logs cannot be read by others."""
    home, stack = platform.cli.home, platform.cli.stack
    file = home.path / path.format(stack=stack, bin=home.bin.relative_to(home.path))

    assert host.file(str(file)).mode == mode


def test_no_secret_stands_in_a_command_line(host, platform) -> None:
    """`ps` shows every user's processes to every user."""
    spec = platform.cli.folder.service("object-store") / "spec.json"
    secret = host.check_output(
        "python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))"
        '["environment"]["ROOT_SECRET_KEY"])\' %s',
        str(spec),
    )

    assert len(secret) == 40
    assert secret not in host.check_output("ps -eo args")


def test_every_log_rotates(host, platform) -> None:
    """Each program's file tells supervisord the size and number of its logs."""
    programs = platform.cli.folder.supervisor / "programs"
    for path in programs.glob("*.ini"):
        assert host.file(str(path)).contains("stdout_logfile_maxbytes = 5242880")
        assert host.file(str(path)).contains("stdout_logfile_backups = 3")
        assert host.file(str(platform.cli.folder.service(path.stem) / "log")).exists


def test_a_killed_service_is_back_and_status_shows_it(host, platform) -> None:
    """SIGKILL of the object store costs a moment, and leaves a trace."""
    before = _service(platform, "object-store")

    os.kill(before["pid"], signal.SIGKILL)

    wait_until(lambda: _service(platform, "object-store")["state"] == "up")
    after = _service(platform, "object-store")
    assert after["pid"] != before["pid"]
    assert after["restarts"] == before["restarts"] + 1
    assert "SIGKILL" in after["last_exit"]


def test_the_log_of_a_service_can_be_read(platform) -> None:
    """`slipway logs` shows what a service said."""
    done = platform.cli("logs", "serving", "-n", "500")

    assert done.code == 0
    assert '"event":"model_loaded"' in done.out.replace(" ", "")


def test_the_log_of_a_stranger_names_the_services(platform) -> None:
    """What would have been right stands in the error."""
    done = platform.cli("logs", "nobody")

    assert done.code == 2
    assert "no log of 'nobody'; there are supervisor, alertmanager" in done.err


def _service(platform, name: str) -> dict:
    done = platform.cli("status", "--json")
    return next(s for s in json.loads(done.out) if s["name"] == name)
