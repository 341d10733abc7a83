"""Ports: free ones, the same ones next time, and a clear word when one is taken."""

import json
import os
import socket
from collections.abc import Iterator

import pytest

from infra.errors import PortTakenError, SettingsError
from infra.home import StackDir
from infra.service import Health, Resources, Service
from infra.targets.processes import ports


def service(name: str, *names: str) -> Service:
    return Service(
        name=name,
        command=(name,),
        image="x:1",
        health=Health(port=names[0]),
        resources=Resources(1, 1, 1),
        ports=names,
    )


SERVICES = [service("web", "http", "metrics"), service("store", "http")]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this test process holds, as a stranger to the stack."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_every_port_gets_its_own_number(stack: StackDir) -> None:
    """All named, all different, none in the range of outgoing connections."""
    assigned = ports.assign(stack, SERVICES, {})

    assert sorted(assigned) == ["store/http", "web/http", "web/metrics"]
    assert len(set(assigned.values())) == 3
    assert all(18_000 <= number < 30_000 for number in assigned.values())


def test_ports_are_the_same_next_time(stack: StackDir) -> None:
    """A second `up` has nothing to change."""
    assert ports.assign(stack, SERVICES, {}) == ports.assign(stack, SERVICES, {})


def test_a_fixed_port_is_taken_as_it_is(stack: StackDir, free_port: int) -> None:
    """`service` means its port `http`; the others are left free to choose."""
    assert ports.assign(stack, SERVICES, {"web": free_port})["web/http"] == free_port


def test_a_taken_fixed_port_names_port_and_holder(stack: StackDir, taken: int) -> None:
    """Which port, held by which process; and nothing is written."""
    with pytest.raises(PortTakenError) as caught:
        ports.assign(stack, SERVICES, {"web": taken})

    assert f"port {taken} of web/http is taken by" in str(caught.value)
    assert f"(pid {os.getpid()})" in str(caught.value)
    assert not stack.ports.exists()


def test_a_free_choice_that_was_taken_meanwhile_is_made_anew(stack: StackDir, taken: int) -> None:
    """A stranger on a port of ours costs us that port, not the platform."""
    before = ports.assign(stack, SERVICES, {})
    stack.ports.write_text(stack.ports.read_text().replace(str(before["web/http"]), str(taken)))

    after = ports.assign(stack, SERVICES, {})

    assert after["web/http"] != taken
    assert after["store/http"] == before["store/http"]


@pytest.mark.parametrize(
    ("fixed", "said"),
    [
        ({"wbe": 2000}, "slipway:target.ports.wbe: no service has that port; there are web/http"),
        ({"web": 2000, "store": 2000}, "slipway:target.ports.store: 2000 is set twice"),
    ],
)
def test_a_port_setting_that_makes_no_sense_is_refused(
    stack: StackDir, fixed: dict, said: str
) -> None:
    """The setting is named with its remedy."""
    with pytest.raises(SettingsError, match=said):
        ports.assign(stack, SERVICES, fixed)


def test_a_fixed_port_that_leaves_the_settings_is_given_back(
    stack: StackDir, free_port: int
) -> None:
    """What is kept from one `up` to the next was chosen here, and by nobody else."""
    fixed = ports.assign(stack, SERVICES, {"web": free_port})
    after = ports.assign(stack, SERVICES, {})

    assert after["web/http"] != free_port
    assert after["store/http"] == fixed["store/http"]


def test_a_port_that_was_lost_is_named(stack: StackDir, taken: int) -> None:
    """Chosen for the stack, and somebody else listens on it."""
    ports.assign(stack, SERVICES, {})
    assert ports.lost(stack) == []

    kept = json.loads(stack.ports.read_text())
    stack.ports.write_text(json.dumps(kept | {"web/http": taken}))

    assert ports.lost(stack) == ["web/http"]
