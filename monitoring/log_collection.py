"""Alloy's configuration: which pods' logs are read, and what is known of each line.

It reads them from the API server, as `kubectl logs` does, so it needs nothing of a node.
A run's id is kept beside its lines and is no label: Loki has one stream for each set of
labels, and there are as many ids as runs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_POD = "__meta_kubernetes_pod"
_NAME = f"{_POD}_label_app_kubernetes_io_name"
_WORKFLOW = f"{_POD}_label_workflows_argoproj_io_workflow"
_NODE = f"{_POD}_annotation_workflows_argoproj_io_node_name"
# label: where it is read, and the part of that which counts.
_LABELS = (
    ("namespace", "__meta_kubernetes_namespace", "(.*)"),
    ("container", f"{_POD}_container_name", "(.*)"),
    ("pod", f"{_POD}_name", "(.*)"),
    ("service", _NAME, "(.+)"),
    # Argo adds five characters to the pipeline's name for each of its runs.
    ("pipeline", _WORKFLOW, "(.+)-[a-z0-9]{5}"),
    # workflow.root.step.executor(0), of Kubeflow Pipelines' own building.
    ("step", _NODE, r"[^.]+\.root\.(.+?)(?:\.executor)?(?:\(\d+\))?"),
    ("run", f"{_POD}_label_pipeline_runid", "(.+)"),
)
_BESIDE = ("pod", "run")
# Argo's own containers and KFP's copier say how a pod is run, not what its step does.
_NOT_READ = f"{_POD}_container_name"
_ARGO = "init|wait|kfp-launcher"


def configuration(namespaces: Iterable[str], loki: str) -> str:
    """`config.alloy` that sends what pods of `namespaces` say to the `loki` at a URL."""
    rules = "".join(_rule(*label) for label in _LABELS)
    return f"""\
logging {{
  level  = "warn"
  format = "json"
}}

discovery.kubernetes "pods" {{
  role = "pod"

  namespaces {{
    names = {json.dumps(list(namespaces))}
  }}
}}

discovery.relabel "pods" {{
  targets = discovery.kubernetes.pods.targets

  rule {{
    source_labels = ["{_NOT_READ}", "{_WORKFLOW}"]
    regex         = "({_ARGO});.+"
    action        = "drop"
  }}
{rules}}}

loki.source.kubernetes "pods" {{
  targets    = discovery.relabel.pods.output
  forward_to = [loki.process.lines.receiver]
}}

loki.process "lines" {{
  forward_to = [loki.write.loki.receiver]

{_stages()}}}

loki.write "loki" {{
  endpoint {{
    url = "{loki}/loki/api/v1/push"
  }}
}}
"""


def _rule(label: str, source: str, pattern: str) -> str:
    return f"""
  rule {{
    source_labels = ["{source}"]
    regex         = {json.dumps(pattern)}
    target_label  = "{label}"
  }}
"""


def _stages() -> str:
    """The level of structured lines as a label, in small letters; identities beside the line."""
    beside = ", ".join(f'{name} = ""' for name in _BESIDE)
    return f"""\
  stage.json {{
    expressions = {{ level = "level" }}
  }}

  stage.template {{
    source   = "level"
    template = "{{{{ ToLower .Value }}}}"
  }}

  stage.labels {{
    values = {{ level = "" }}
  }}

  stage.structured_metadata {{
    values = {{ {beside} }}
  }}

  stage.label_drop {{
    values = ["instance", "job", "filename"]
  }}
"""
