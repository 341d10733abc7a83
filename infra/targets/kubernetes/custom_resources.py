"""The custom resources of Argo Workflows and Kubeflow Pipelines, as small as they can be.

Argo's own definitions with full schemas are 12 MB and check nothing that its controller does
not check again; these keep every field as it comes. The controller's informers wait for all
of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.targets.kubernetes.render_context import Manifest


@dataclass(frozen=True)
class Kind:
    """One kind of custom resource; `status` where its controller writes that apart."""

    kind: str
    plural: str
    group: str = "argoproj.io"
    version: str = "v1alpha1"
    short_names: tuple[str, ...] = ()
    status: bool = False


KINDS = (
    Kind("Workflow", "workflows", short_names=("wf",)),
    Kind("WorkflowTemplate", "workflowtemplates", short_names=("wftmpl",)),
    Kind("CronWorkflow", "cronworkflows", short_names=("cwf",)),
    Kind("WorkflowTaskSet", "workflowtasksets", status=True),
    Kind("WorkflowTaskResult", "workflowtaskresults"),
    Kind("WorkflowArtifactGCTask", "workflowartifactgctasks", status=True),
    Kind("ScheduledWorkflow", "scheduledworkflows", "kubeflow.org", "v1beta1", ("swf",)),
)


def definitions() -> list[Manifest]:
    """The definitions, which belong to the cluster and not to a namespace."""
    return [_definition(kind) for kind in KINDS]


def _definition(kind: Kind) -> Manifest:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    short_names = {"shortNames": list(kind.short_names)} if kind.short_names else {}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        **({"subresources": {"status": {}}} if kind.status else {}),
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                **short_names,
            },
            "versions": [version],
        },
    }
