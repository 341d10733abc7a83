"""A kind cluster's pods and nodes from the inside, by testinfra's kubectl and docker ways."""

import pytest

from infra.home import stack_file
from infra.services import all_services
from infra.settings.reading import from_file
from infra.settings.target import Kind
from slipway.operations.cluster import status

pytestmark = [pytest.mark.kind]

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
# Our own image, in which there is a shell and Python to look around with.
OURS = ("tracking", "serving")


def test_every_service_has_its_pods(running) -> None:
    """As `slipway status` has it."""
    found = status.states(running)

    states = {each.name: (each.state, each.trouble) for each in found}
    assert states == dict.fromkeys(running.services, ("up", ""))


def test_no_pod_may_be_more_than_restricted(specs) -> None:
    """As they really run: not root, no new rights, no capabilities, a read-only root."""
    assert specs
    for name, spec in specs.items():
        assert spec["securityContext"]["runAsNonRoot"], name
        assert not spec.get("hostNetwork"), name
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"], name
            assert not context["allowPrivilegeEscalation"], name
            assert context["capabilities"]["drop"] == ["ALL"], name


@pytest.mark.parametrize("service", OURS)
def test_processes_are_not_root_and_run_what_the_service_says(inside, service: str) -> None:
    """Process 1 has the service's own words for its command line, and a user without rights."""
    host = inside(service)
    settings = from_file(stack_file("kind"))
    [described] = [each for each in all_services(settings) if each.name == service]

    argv = host.file("/proc/1/cmdline").content_string.split("\0")

    assert int(host.check_output("id -u")) != 0
    assert argv[1:3] == list(described.command[1:3])


@pytest.mark.parametrize("service", OURS)
def test_the_root_of_a_pod_cannot_be_written(inside, service: str) -> None:
    """Only scratch space can."""
    host = inside(service)

    assert host.run("touch /written").rc != 0
    assert host.run("touch /tmp/written && rm /tmp/written").rc == 0


@pytest.mark.parametrize("service", OURS)
def test_a_pod_without_rights_has_no_token(inside, service: str) -> None:
    """There is nothing that whoever breaks in could show the API server."""
    assert not inside(service).file(TOKEN).exists


def test_configuration_is_there_and_is_not_the_service_s_to_write(inside) -> None:
    """The serving configuration, mounted from its ConfigMap."""
    folder = inside("serving").file("/config")

    assert folder.is_directory
    assert inside("serving").run("touch /config/written").rc != 0


def test_a_node_knows_the_registry_by_its_name_on_this_machine(node) -> None:
    """`localhost:PORT` is the registry's container to its containerd."""
    target = from_file(stack_file("kind")).target
    assert isinstance(target, Kind)

    hosts = node.file(f"/etc/containerd/certs.d/localhost:{target.registry_port}/hosts.toml")

    assert hosts.content_string == f'[host."http://{target.cluster}-registry:5000"]\n'
    assert node.process.filter(comm="containerd")
    assert node.process.filter(comm="kubelet")


def test_tools_find_the_registry(running) -> None:
    """By the ConfigMap of Kubernetes' convention."""
    found = running.access.get("/api/v1/namespaces/kube-public/configmaps/local-registry-hosting")

    assert "localhost:" in found["data"]["localRegistryHosting.v1"]
