"""Kubeflow Pipelines on Kubernetes, lean: what version 2 needs, and nothing of version 1.

The pods, their options and rights are those that a real run needed, with Pod Security
*restricted* enforced. ML Metadata and its proxy are one part that can be switched off when
KFP no longer needs them. On this machine the same pipelines run without any of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from contracts.steps import ACCOUNT, SECRETS
from infra import versions
from infra.service import (
    Health,
    Metrics,
    PolicyRule,
    Resources,
    Service,
    Token,
    config,
    hostname,
    image,
    namespace,
    secret,
)
from infra.services import argo, database, lineage, object_store
from infra.settings.fields import seconds

if TYPE_CHECKING:
    from infra.settings.tree import Settings

API_SERVER: Final = "ml-pipeline"
UI: Final = "ml-pipeline-ui"
PERSISTENCE_AGENT: Final = "ml-pipeline-persistenceagent"
SCHEDULER: Final = "ml-pipeline-scheduledworkflow"
# Every pod of ours, and of the pipelines', runs as this user.
_USER: Final = "65532"
_CONFIG: Final = "config.json"
_WORKFLOWS, _SCHEDULED = ("argoproj.io",), ("kubeflow.org",)


def services(settings: Settings) -> list[Service]:
    """All of it, in the order of who needs whom; nothing where steps are plain processes."""
    if settings.cluster is None:
        return []
    return [
        *(lineage.services(settings) if settings.pipelines.lineage else []),
        argo.controller(),
        _api_server(settings),
        _persistence_agent(settings),
        _scheduler(),
        *([_ui(settings)] if settings.pipelines.ui else []),
    ]


def _api_server(settings: Settings) -> Service:
    there = database.connection(settings, database.PIPELINES)
    store = object_store.store(settings)
    return Service(
        name=API_SERVER,
        command=(
            "/bin/apiserver",
            f"--config={config()}",
            "-logtostderr=true",
            "--logLevel=info",
        ),
        image=versions.IMAGES["kfp-api-server"],
        ports=("http", "grpc"),
        port_numbers={"http": 8888, "grpc": 8887},
        files={_CONFIG: _configuration(settings)},
        environment={
            "POD_NAMESPACE": namespace(),
            **_store_environment(store),
            "DBCONFIG_MYSQLCONFIG_HOST": there.host,
            "DBCONFIG_MYSQLCONFIG_PORT": there.port,
            "DBCONFIG_MYSQLCONFIG_USER": there.user,
            "DBCONFIG_MYSQLCONFIG_PASSWORD": secret(there.password),
            "METADATA_SERVICE_NAME": lineage.NAME,
            "V2_DRIVER_IMAGE": image("kfp-driver"),
            "V2_LAUNCHER_IMAGE": image("kfp-launcher"),
            # With neither, steps are refused under *restricted*; with the first alone, an
            # image without a numeric user never starts.
            "DEFAULT_SECURITY_CONTEXT_RUN_AS_NON_ROOT": "true",
            "DEFAULT_SECURITY_CONTEXT_RUN_AS_USER": _USER,
            # The launcher keeps each step's log beside its artifacts. A change of this loses
            # all cached steps.
            "PUBLISH_LOGS": "true",
        },
        health=Health(path="/apis/v2beta1/healthz", seconds=400),
        metrics=Metrics(),
        resources=Resources(cpu=30, memory=96, memory_limit=512),
        talks_to=(*there.talks_to, *store.talks_to),
        egress_ports=(*there.egress_ports, *store.egress_ports),
        rights=(
            PolicyRule(("",), ("pods",), ("delete",)),
            PolicyRule(_WORKFLOWS, ("workflows",), ("create", "get", "update", "patch", "delete")),
            PolicyRule(_SCHEDULED, ("scheduledworkflows",), ("create", "get", "patch", "delete")),
        ),
        step_ports=("http", "grpc"),
        role="pipelines",
    )


def _store_environment(store: object_store.Store) -> dict[str, str]:
    return {
        "OBJECTSTORECONFIG_HOST": store.hostname,
        "OBJECTSTORECONFIG_PORT": store.port,
        "OBJECTSTORECONFIG_SECURE": "true" if store.secure else "false",
        "OBJECTSTORECONFIG_REGION": store.region,
        "OBJECTSTORECONFIG_ACCESSKEY": secret(object_store.ACCESS_KEY),
        "OBJECTSTORECONFIG_SECRETACCESSKEY": secret(object_store.SECRET_KEY),
    }


def _configuration(settings: Settings) -> str:
    """The server's file. Its own has a plugin switched on that needs what is not there."""
    bucket = object_store.store(settings).bucket(object_store.PIPELINES)
    return json.dumps(
        {
            "DBDriverName": "mysql",
            "DBConfig": {
                "MySQLConfig": {"DBName": database.PIPELINES, "GroupConcatMaxLen": "4194304"},
                "ConMaxLifeTime": "120s",
            },
            "ObjectStoreConfig": {"BucketName": bucket, "PipelinePath": "pipelines"},
            "InitConnectionTimeout": "6m",
            "DEFAULTPIPELINERUNNERSERVICEACCOUNT": ACCOUNT,
            # A server of version 1, which is asked for nothing; without a name for it this
            # one ends itself when it is ready.
            "ML_PIPELINE_VISUALIZATIONSERVER_SERVICE_HOST": "none",
            "ML_PIPELINE_VISUALIZATIONSERVER_SERVICE_PORT": "1",
        },
        indent=1,
    )


def _persistence_agent(settings: Settings) -> Service:
    """Brings the state of workflows into KFP's database."""
    kept = seconds(settings.pipelines.keep_workflows)
    return Service(
        name=PERSISTENCE_AGENT,
        command=(
            "/bin/persistence_agent",
            "--logtostderr=true",
            f"--namespace={namespace()}",
            f"--ttlSecondsAfterWorkflowFinish={kept}",
            f"--mlPipelineAPIServerName={API_SERVER}",
            "--logLevel=info",
        ),
        image=versions.IMAGES["kfp-persistence-agent"],
        ports=(),
        health=Health(port=None),
        # The path stands in its code; without the file it ends at once.
        tokens=(
            Token(
                "/var/run/secrets/kubeflow/tokens/persistenceagent-sa-token",
                "pipelines.kubeflow.org",
            ),
        ),
        resources=Resources(cpu=10, memory=48, memory_limit=256),
        talks_to=(API_SERVER,),
        rights=(
            PolicyRule(_WORKFLOWS, ("workflows",), ("list", "watch")),
            PolicyRule(_SCHEDULED, ("scheduledworkflows",), ("list", "watch")),
        ),
        role="pipelines",
        singleton=True,
    )


def _scheduler() -> Service:
    """Starts recurring runs: it looks every 5 s, not every 30, so that they start on time."""
    return Service(
        name=SCHEDULER,
        command=(
            "/bin/controller",
            "--logtostderr=true",
            f"--namespace={namespace()}",
            "--recurringRunResyncIntervalSeconds=5",
            f"--mlPipelineAPIServerName={API_SERVER}",
            "--metricsPort=9090",
            "--logLevel=info",
        ),
        image=versions.IMAGES["kfp-scheduler"],
        ports=("metrics",),
        health=Health(port="metrics"),
        metrics=Metrics(port="metrics"),
        resources=Resources(cpu=10, memory=48, memory_limit=256),
        talks_to=(API_SERVER,),
        rights=(
            PolicyRule(_WORKFLOWS, ("workflows",), ("create", "list", "watch")),
            PolicyRule(_SCHEDULED, ("scheduledworkflows",), ("list", "watch", "update")),
            PolicyRule(("",), ("events",), ("create", "patch")),
        ),
        role="pipelines",
        singleton=True,
    )


def _ui(settings: Settings) -> Service:
    store = object_store.store(settings)
    return Service(
        name=UI,
        command=("node", "/server/dist/server.js", "/client/", "3000"),
        image=versions.IMAGES["kfp-frontend"],
        port_numbers={"http": 3000},
        environment={
            "ML_PIPELINE_SERVICE_HOST": hostname(API_SERVER),
            "ML_PIPELINE_SERVICE_PORT": "8888",
            **(lineage.ui_environment() if settings.pipelines.lineage else {}),
            "AWS_ACCESS_KEY_ID": secret(object_store.ACCESS_KEY),
            "AWS_SECRET_ACCESS_KEY": secret(object_store.SECRET_KEY),
            "AWS_REGION": store.region,
            "AWS_S3_ENDPOINT": store.endpoint,
            "AWS_SSL": "true" if store.secure else "false",
            "DISABLE_GKE_METADATA": "true",
            "FRONTEND_SERVER_NAMESPACE": namespace(),
            "HIDE_SIDENAV": "false",
        },
        health=Health(path="/apis/v1beta1/healthz", seconds=120),
        resources=Resources(cpu=10, memory=72, memory_limit=512),
        talks_to=(
            API_SERVER,
            *((lineage.PROXY,) if settings.pipelines.lineage else ()),
            *store.talks_to,
        ),
        egress_ports=store.egress_ports,
        rights=(
            PolicyRule(("",), ("pods", "pods/log"), ("get",)),
            PolicyRule(("",), ("events",), ("list",)),
            PolicyRule(("",), ("secrets",), ("get",), names=(SECRETS,)),
            PolicyRule(_WORKFLOWS, ("workflows",), ("get",)),
        ),
        ui="/",
        role="pipelines",
    )
