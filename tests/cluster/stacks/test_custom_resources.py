"""The custom resources that we define: what Argo and KFP write comes back whole.

Their controllers are not here. Our definitions say nothing of fields, so what could be lost
is all of them: a Workflow here has every part that KFP writes for the pipeline that ships.
"""

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from infra.targets.kubernetes import custom_resources

pytestmark = [pytest.mark.cluster]

PIPELINE = Path(__file__).parents[2] / "golden" / "training.yaml"
NAMESPACE = "test-custom-resources"
DEEP = {
    "text": "{{workflow.status}}",
    "number": 9007199254740991,
    "share": 0.25,
    "switch": False,
    "empty": {},
    "list": [{"deep": [{"deeper": {"deepest": ["a", 1, True]}}]}],
}


@pytest.fixture(scope="module")
def definitions(api_server) -> list[dict]:
    """The definitions, served, and a namespace for resources of them."""
    made = custom_resources.definitions()
    api_server.apply_all(made)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    api_server.apply_all([namespace])
    return made


def test_the_definitions_are_served(api_server, definitions, eventually) -> None:
    """Each is established under the names it asks for, without a warning."""
    eventually(
        lambda: {
            definition["metadata"]["name"]: conditions
            for definition in definitions
            if (conditions := not_met(api_server.get(api_server.path(definition))))
        }
    )

    assert api_server.warnings == []


def test_a_workflow_as_kfp_compiles_one_comes_back_whole(
    api_server, definitions, eventually
) -> None:
    """The pipeline that ships: its components, containers, drivers and graph."""
    workflow = workflow_of(next(yaml.safe_load_all(PIPELINE.read_text())))

    found = made(api_server, eventually, workflow)

    assert found["spec"] == workflow["spec"]
    assert found["metadata"]["annotations"] == workflow["metadata"]["annotations"]


def test_a_scheduled_workflow_comes_back_whole(api_server, definitions, eventually) -> None:
    """A recurring run: its clock, its limits, and the workflow in it."""
    workflow = workflow_of(next(yaml.safe_load_all(PIPELINE.read_text())))
    scheduled = {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "ScheduledWorkflow",
        "metadata": {"name": "nightly", "namespace": NAMESPACE},
        "spec": {
            "enabled": True,
            "maxConcurrency": 1,
            "noCatchup": True,
            "trigger": {"cronSchedule": {"cron": "0 0 3 * * *"}},
            "workflow": {
                "parameters": [{"name": "months", "value": '"1-3"'}],
                "spec": json.dumps(workflow["spec"]),
            },
        },
    }

    found = made(api_server, eventually, scheduled)

    assert found["spec"] == scheduled["spec"]


@pytest.mark.parametrize("kind", custom_resources.KINDS, ids=lambda kind: kind.kind)
def test_a_resource_of_each_kind_keeps_every_field(
    api_server, definitions, eventually, kind
) -> None:
    """Whatever its controller writes, now or in its next version."""
    resource = {
        "apiVersion": f"{kind.group}/{kind.version}",
        "kind": kind.kind,
        "metadata": {"name": "whole", "namespace": NAMESPACE},
        "spec": DEEP,
    }

    found = made(api_server, eventually, resource)

    assert found["spec"] == DEEP
    assert reported(api_server, resource) == {"phase": "Running", **DEEP}


def made(api_server, eventually, resource: dict) -> dict:
    """The resource as it is read back, once its kind is served."""
    kind = resource["apiVersion"], resource["kind"]
    eventually(lambda: not served(api_server, *kind))
    api_server.apply_all([resource])
    return api_server.get(api_server.path(resource))


def served(api_server, version: str, kind: str) -> bool:
    answer = api_server.http.get(f"/apis/{version}")
    kinds = answer.json()["resources"] if answer.is_success else []
    return any(each["kind"] == kind for each in kinds)


def reported(api_server, resource: dict) -> dict:
    """The status that a controller writes, through whichever way the kind has."""
    path, status = api_server.path(resource), {"phase": "Running", **DEEP}
    kinds = api_server.get(f"/apis/{resource['apiVersion']}")["resources"]
    plural = api_server.kind(resource["apiVersion"], resource["kind"])["name"]
    apart = any(each["name"] == f"{plural}/status" for each in kinds)
    answer = api_server.http.patch(
        f"{path}/status" if apart else path,
        json={"status": status},
        headers={"Content-Type": "application/merge-patch+json"},
    )
    answer.raise_for_status()
    return api_server.get(path)["status"]


def not_met(definition: dict) -> list[str]:
    """The conditions of a definition in use that it does not meet."""
    met = {
        each["type"]
        for each in definition.get("status", {}).get("conditions", [])
        if each["status"] == "True"
    }
    return sorted({"Established", "NamesAccepted"} - met)


def workflow_of(pipeline: dict) -> dict:
    """A Workflow with the parts that KFP's compiler writes for a pipeline."""
    executors = pipeline["deploymentSpec"]["executors"]
    parameters = [
        {"name": f"components-{digest(each)}", "value": json.dumps(each)}
        for each in pipeline["components"].values()
    ] + [
        {"name": f"implementations-{digest(each)}", "value": json.dumps(each["container"])}
        for each in executors.values()
    ]
    root = json.dumps(pipeline["root"])
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "name": "training-x7kfp",
            "namespace": NAMESPACE,
            "annotations": {"pipelines.kubeflow.org/components-root": root},
            "labels": {"pipeline/runid": "5c3f3d7e-0000-0000-0000-000000000000"},
        },
        "spec": {
            "entrypoint": "entrypoint",
            "serviceAccountName": "pipeline-runner",
            "arguments": {"parameters": parameters},
            "podMetadata": {"labels": {"pipelines.kubeflow.org/v2_component": "true"}},
            "templates": [driver(), executor(), *graph(pipeline)],
        },
    }


def driver() -> dict:
    """KFP's own step before each step of a pipeline."""
    return {
        "name": "system-container-driver",
        "inputs": {"parameters": [{"name": "component"}, {"name": "task", "default": ""}]},
        "outputs": {
            "parameters": [
                {"name": name, "valueFrom": {"path": f"/tmp/{name}", "default": ""}}  # noqa: S108
                for name in ("pod-spec-patch", "cached-decision", "condition")
            ]
        },
        "container": {
            "image": "ghcr.io/kubeflow/kfp-driver:2.17.0",
            "command": ["driver"],
            "args": [
                "--component",
                "{{inputs.parameters.component}}",
                "--run_id",
                "{{workflow.uid}}",
            ],
            "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}},
        },
    }


def executor() -> dict:
    """A step's pod, patched with what its driver decides."""
    return {
        "name": "system-container-impl",
        "inputs": {"parameters": [{"name": "pod-spec-patch"}]},
        "podSpecPatch": "{{inputs.parameters.pod-spec-patch}}",
        "initContainers": [
            {
                "name": "kfp-launcher",
                "image": "ghcr.io/kubeflow/kfp-launcher:2.17.0",
                "command": ["launcher-v2", "--copy", "/kfp-launcher/launch"],
                "volumeMounts": [{"name": "kfp-launcher", "mountPath": "/kfp-launcher"}],
            }
        ],
        "container": {
            "image": "gcr.io/ml-pipeline/should-be-overridden-during-runtime",
            "command": ["should-be-overridden-during-runtime"],
            "envFrom": [{"configMapRef": {"name": "metadata-grpc-configmap", "optional": True}}],
        },
        "volumes": [{"name": "kfp-launcher", "emptyDir": {}}],
    }


def graph(pipeline: dict) -> list[dict]:
    """The pipeline's own graph, and the entry to it."""
    tasks = [
        {
            "name": f"{name}-driver",
            "template": "system-container-driver",
            "depends": " && ".join(f"{each}.Succeeded" for each in task.get("dependentTasks", [])),
            "arguments": {"parameters": [{"name": "task", "value": json.dumps(task)}]},
            "when": "{{inputs.parameters.condition}} != false",
        }
        for name, task in pipeline["root"]["dag"]["tasks"].items()
    ]
    return [
        {
            "name": "root",
            "dag": {"tasks": tasks},
            "inputs": {"parameters": [{"name": "parent-dag-id"}]},
        },
        {"name": "entrypoint", "dag": {"tasks": [{"name": "root", "template": "root"}]}},
    ]


def digest(document: dict) -> str:
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()
