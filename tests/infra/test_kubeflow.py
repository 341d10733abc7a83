"""Kubeflow Pipelines, lean: each trap that a real run showed, and what settings change of it."""

import json

import pytest
import yaml

from contracts.steps import SECRETS
from contracts.variables import SIGNING_KEY
from infra.description import Description, describe
from infra.errors import SettingsError
from infra.service import PolicyRule, Service
from infra.services import argo, database, lineage, object_store, pipelines
from infra.settings.reading import parse
from infra.versions import ARGO, KFP
from pipelines import steps as pipeline_steps

TARGET = {"kind": "existing", "context": "c"}
KEYS = {"access_key": "AKIAEXAMPLE", "secret_key": "not-a-real-key"}
S3 = {"kind": "s3", "endpoint": "https://s3.example.org:9000", "bucket_prefix": "acme", **KEYS}
EXTERNAL = {"kind": "external", "host": "mysql.example.org", "user": "me", "password": "a@b:c"}


def described(target: dict | None = None, **values: object) -> Description:
    return describe(parse({"target": TARGET | (target or {}), **values}, source="S"))


def services(target: dict | None = None, **values: object) -> dict[str, Service]:
    return {service.name: service for service in described(target, **values).services}


def test_the_lean_set_is_nine_pods() -> None:
    """Its database and object store with it; nothing of version 1."""
    lean = {
        "database",
        "object-store",
        *(name for name, service in services().items() if service.role == "pipelines"),
    }

    assert lean == {
        "database",
        "object-store",
        "metadata-grpc-service",
        "metadata-envoy-service",
        "workflow-controller",
        "ml-pipeline",
        "ml-pipeline-persistenceagent",
        "ml-pipeline-scheduledworkflow",
        "ml-pipeline-ui",
    }


def test_on_this_machine_there_is_none_of_it() -> None:
    """The same pipelines run there without."""
    listed = {service.name for service in describe(parse({}, source="S")).services}

    assert not listed & {pipelines.API_SERVER, argo.NAME, lineage.NAME, database.NAME}


def test_lineage_and_the_page_can_be_switched_off_apart() -> None:
    """ML Metadata goes when KFP no longer needs it; Envoy is there for the page alone."""
    bare = services(pipelines={"lineage": False, "ui": False})
    no_page = services(pipelines={"ui": False})
    no_lineage = services(pipelines={"lineage": False})

    assert {lineage.NAME, lineage.PROXY, pipelines.UI} & set(bare) == set()
    assert {lineage.NAME, lineage.PROXY, pipelines.UI} & set(no_page) == {lineage.NAME}
    assert {lineage.NAME, lineage.PROXY, pipelines.UI} & set(no_lineage) == {pipelines.UI}
    assert lineage.PROXY not in no_lineage[pipelines.UI].talks_to


def test_the_api_server_has_a_name_for_a_server_that_is_not_there() -> None:
    """Without both keys it ends itself after all its initialization."""
    written = json.loads(services()[pipelines.API_SERVER].files["config.json"])

    assert written["ML_PIPELINE_VISUALIZATIONSERVER_SERVICE_HOST"]
    assert written["ML_PIPELINE_VISUALIZATIONSERVER_SERVICE_PORT"]


def test_no_plugin_is_switched_on() -> None:
    """The file in its image has one, for a server that is not there: each run would fail in it."""
    assert "plugins" not in json.loads(services()[pipelines.API_SERVER].files["config.json"])


def test_steps_are_admitted_under_restricted() -> None:
    """Both defaults, and Argo's own for its executor: with one of them missing no run starts."""
    listed = services()
    variables = listed[pipelines.API_SERVER].environment
    executor = yaml.safe_load(listed[argo.NAME].files["executor"])["securityContext"]

    assert variables["DEFAULT_SECURITY_CONTEXT_RUN_AS_NON_ROOT"] == "true"
    assert variables["DEFAULT_SECURITY_CONTEXT_RUN_AS_USER"].isdigit()
    assert executor["runAsNonRoot"] is True
    assert executor["runAsUser"] > 0
    assert executor["allowPrivilegeEscalation"] is False
    assert executor["capabilities"] == {"drop": ["ALL"]}


def test_argo_may_end_a_step() -> None:
    """It does so by a command in the pod; without the right a terminated run goes on."""
    assert PolicyRule(("",), ("pods/exec",), ("create",)) in services()[argo.NAME].rights


def test_only_argo_may_run_commands_in_pods() -> None:
    """And nobody may read secrets but the page, one by name."""
    listed = services()
    executors = [
        name
        for name, service in listed.items()
        for right in service.rights
        if "pods/exec" in right.resources
    ]
    readers = {
        (name, right.names)
        for name, service in listed.items()
        for right in service.rights
        if "secrets" in right.resources
    }

    assert executors == [argo.NAME]
    assert readers == {(pipelines.UI, (SECRETS,))}


def test_argo_looks_every_second_and_is_one() -> None:
    """Its own 10 s are a third of a short run; there is no lease to take turns by."""
    service = services()[argo.NAME]

    assert service.environment["DEFAULT_REQUEUE_TIME"] == "1s"
    assert service.environment["LEADER_ELECTION_DISABLE"] == "true"
    assert service.singleton


def test_argos_metrics_are_plain_http() -> None:
    """By default they have a certificate that Prometheus cannot check."""
    metrics = yaml.safe_load(services()[argo.NAME].files["metricsConfig"])

    assert (metrics["enabled"], metrics["secure"], metrics["port"]) == (True, False, 9090)


def test_controller_and_executor_are_of_one_release() -> None:
    """And the driver and launcher of that of the API server."""
    argo_controller = services()[argo.NAME]
    server = services()[pipelines.API_SERVER]

    assert argo_controller.image.endswith(f":v{ARGO}")
    assert "@{image:argo-executor}" in argo_controller.command
    assert server.image.endswith(f":{KFP}")
    assert server.environment["V2_DRIVER_IMAGE"] == "@{image:kfp-driver}"
    assert server.environment["V2_LAUNCHER_IMAGE"] == "@{image:kfp-launcher}"


def test_the_persistence_agent_finds_its_token_where_it_looks() -> None:
    """The path stands in its code; without the file it ends at once."""
    [token] = services()[pipelines.PERSISTENCE_AGENT].tokens

    assert token.path == "/var/run/secrets/kubeflow/tokens/persistenceagent-sa-token"
    assert token.audience == "pipelines.kubeflow.org"


@pytest.mark.parametrize(("kept", "seconds"), [("90s", 90), ("1d", 86_400), ("2w", 1_209_600)])
def test_finished_workflows_are_kept_as_long_as_settings_say(kept: str, seconds: int) -> None:
    """The agent has the API server delete them."""
    command = services(pipelines={"keep_workflows": kept})[pipelines.PERSISTENCE_AGENT].command

    assert f"--ttlSecondsAfterWorkflowFinish={seconds}" in command


def test_lineage_is_never_kept_in_memory() -> None:
    """Its server does so when it cannot read its file; the flags make it end instead."""
    command = services()[lineage.NAME].command

    assert f"--mysql_config_host=@{{hostname:{database.NAME}}}" in command
    assert f"--mysql_config_port={database.PORT}" in command
    assert f"--mysql_config_database={database.LINEAGE}" in command
    assert not [word for word in command if "password" in word]


def test_no_password_is_in_an_argument_or_a_plain_file() -> None:
    """In texts of the environment and in files that go into a Secret alone."""
    for service in services(target={"database": EXTERNAL}).values():
        assert not [word for word in service.command if "secret:" in word or "a@b:c" in word]
        assert "a@b:c" not in json.dumps([*service.files.values(), *service.environment.values()])


def test_mariadb_is_probed_by_its_own_client() -> None:
    """A probe of the port fills its log with connections that say nothing."""
    service = services()[database.NAME]

    assert service.health.command[0] == "mariadb-admin"


def test_every_part_has_a_user_with_rights_on_its_own_database_alone() -> None:
    """Made at every start, so that a new password is a restart."""
    lines = services()[database.NAME].files["init.sql"].splitlines()

    for name in (database.PIPELINES, database.LINEAGE, database.TRACKING):
        assert f"GRANT ALL ON {name}.* TO '{name}'@'%';" in lines
        assert any(line.startswith(f"CREATE OR REPLACE USER '{name}'@") for line in lines)


def test_the_launcher_is_told_where_artifacts_go() -> None:
    """Without providers it looks for a store of KFP's own in a namespace of KFP's own."""
    launcher = described().steps.launcher
    provider = yaml.safe_load(launcher["providers"])["s3"]["default"]

    assert launcher["defaultPipelineRoot"] == f"s3://{object_store.PIPELINES}/artifacts"
    assert provider["endpoint"] == f"http://@{{address:{object_store.NAME}/http}}"
    assert provider["credentials"]["secretRef"]["secretName"] == SECRETS
    assert provider["disableSSL"] is True


def test_a_database_of_somebody_elses_takes_the_place_of_ours() -> None:
    """Three clients reach it by its port, by the one user that settings name."""
    outside = described(target={"database": EXTERNAL})
    listed = {service.name: service for service in outside.services}
    clients = [listed[name] for name in (pipelines.API_SERVER, lineage.NAME, "tracking")]

    assert database.NAME not in listed
    assert outside.external_secrets == {database.GIVEN_PASSWORD: "a@b:c"}
    assert all(database.PORT in client.egress_ports for client in clients)
    assert all(database.NAME not in client.talks_to for client in clients)
    assert listed[pipelines.API_SERVER].environment["DBCONFIG_MYSQLCONFIG_HOST"] == (
        "mysql.example.org"
    )


@pytest.mark.parametrize("password", ['a"b', "a'b", "a b", "a\\b", "", "a\nb"])
def test_a_password_that_some_program_would_misread_is_refused(password: str) -> None:
    """It goes into files of programs that quote in different ways."""
    with pytest.raises(SettingsError, match=r"database\.password is .*: should be of letters"):
        described(target={"database": EXTERNAL | {"password": password}})


def test_a_secret_setting_is_not_in_the_line_that_refuses_another() -> None:
    """Nor in the settings' own text."""
    settings = parse({"target": TARGET | {"database": EXTERNAL}}, source="S")

    assert "a@b:c" not in repr(settings)


@pytest.mark.parametrize(
    ("store", "endpoint", "host", "port", "region"),
    [
        (S3, "https://s3.example.org:9000", "s3.example.org", "9000", "us-east-1"),
        (
            {"kind": "gcs", "bucket_prefix": "acme", **KEYS},
            "https://storage.googleapis.com",
            "storage.googleapis.com",
            "443",
            "auto",
        ),
    ],
)
def test_a_store_of_somebody_elses_takes_the_place_of_ours(
    store: dict, endpoint: str, host: str, port: str, region: str
) -> None:
    """All clients have its address, its keys and buckets of the settings' prefix."""
    outside = described(target={"object_store": store})
    listed = {service.name: service for service in outside.services}
    server = listed[pipelines.API_SERVER]

    assert object_store.NAME not in listed
    assert outside.external_secrets == {
        object_store.ACCESS_KEY: "AKIAEXAMPLE",
        object_store.SECRET_KEY: "not-a-real-key",
    }
    assert server.environment["OBJECTSTORECONFIG_HOST"] == host
    assert server.environment["OBJECTSTORECONFIG_PORT"] == port
    assert server.environment["OBJECTSTORECONFIG_SECURE"] == "true"
    assert outside.steps.environment["AWS_ENDPOINT_URL"] == endpoint
    assert outside.steps.environment["AWS_REGION"] == region
    assert outside.steps.environment["SLIPWAY_LAKE"] == "s3://acme-lake"
    assert outside.steps.launcher["defaultPipelineRoot"] == "s3://acme-mlpipeline/artifacts"
    assert int(port) in server.egress_ports


def test_compiled_pipelines_name_what_the_platform_has() -> None:
    """Neither room may import the other, so each says the names for itself."""
    variables = described().steps.environment
    hidden = set(described().steps.secret_variables)

    assert {*pipeline_steps.SECRET_VARIABLES, SIGNING_KEY} == hidden
    assert set(pipeline_steps.VARIABLES) == set(variables) - hidden
