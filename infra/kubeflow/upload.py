"""What the resources of pipelines do on a cluster, from plain properties.

Every action may be repeated: what is there under its name is taken over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.errors import ClusterError, ServiceFailedError
from infra.kubeflow.client import KubeflowError, KubeflowPipelines, Work
from infra.kubeflow.compiled import Compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_REACHED: Final = ("kubeconfig", "context", "namespace")
PIPELINE: Final = (*_REACHED, "pipeline", "text")
RECURRING_RUN: Final = (
    *_REACHED,
    "name",
    "pipeline",
    "version",
    "cron",
    "arguments",
    "enabled",
    "kfp",
)
# What is deleted may be gone together with all that knows of it.
_GOING_SECONDS: Final = 10.0


def changed(olds: Mapping[str, Any], news: Mapping[str, Any], keys: tuple[str, ...]) -> list[str]:
    """The keys of what is described differently."""
    return [key for key in keys if olds.get(key) != news.get(key)]


def kept(props: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """What goes into the state."""
    return {key: props.get(key) for key in keys}


def pipeline(props: Mapping[str, Any]) -> dict[str, Any]:
    """Upload the version, with the pipeline and its experiment; what goes into the state.

    Raises:
        SlipwayError: Kubeflow Pipelines does not answer in time, or refuses.
    """
    kubeflow, compiled = _kubeflow(props), Compiled(props["pipeline"], props["text"])
    kubeflow.wait_until_ready()
    made = kubeflow.make_pipeline(compiled.pipeline, compiled.description)
    kubeflow.upload_version(made, compiled.version, compiled.text)
    kubeflow.make_experiment(compiled.pipeline)
    return kept(props, PIPELINE) | {"version": compiled.version}


def has_version(props: Mapping[str, Any]) -> bool:
    """Whether the version is there."""
    return _version(_kubeflow(props), props) is not None


def remove_pipeline(props: Mapping[str, Any]) -> None:
    """Delete the pipeline with all its versions, if there is still something to delete."""
    _remove(props, lambda kubeflow: kubeflow.delete_pipeline(props["pipeline"]))


def recurring_run(props: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Schedule it; its id, and what goes into the state.

    Raises:
        SlipwayError: Kubeflow Pipelines does not answer in time, or refuses.
    """
    kubeflow = _kubeflow(props)
    kubeflow.wait_until_ready()
    version = _version(kubeflow, props)
    if version is None:
        raise KubeflowError(
            f"recurring run {props['name']}: Kubeflow Pipelines has no version"
            f" {props['version']} of {props['pipeline']}: run `pulumi up --refresh`"
        )
    experiment = kubeflow.make_experiment(props["pipeline"])
    work = Work(props["name"], experiment, version, props["arguments"])
    made = kubeflow.create_recurring_run(work, props["cron"], enabled=props["enabled"])
    return made, kept(props, RECURRING_RUN)


def has_recurring_run(id_: str, props: Mapping[str, Any]) -> bool:
    """Whether it is there."""
    return _kubeflow(props).recurring_run(id_) is not None


def remove_recurring_run(id_: str, props: Mapping[str, Any]) -> None:
    """Delete it, if there is still something to delete."""
    _remove(props, lambda kubeflow: kubeflow.delete_recurring_run(id_))


def _kubeflow(props: Mapping[str, Any]) -> KubeflowPipelines:
    return KubeflowPipelines.of(props["kubeconfig"], props["context"], props["namespace"])


def _version(kubeflow: KubeflowPipelines, props: Mapping[str, Any]) -> Any:
    found = kubeflow.pipeline(props["pipeline"])
    return kubeflow.version(found, props["version"]) if found else None


def _remove(props: Mapping[str, Any], remove: Callable[[KubeflowPipelines], None]) -> None:
    """Do it, unless the cluster is gone, or Kubeflow Pipelines from it.

    An id that this forgets is no danger: the next recurring run of that name removes it.
    """
    try:
        kubeflow = _kubeflow(props)
        kubeflow.wait_until_ready(_GOING_SECONDS)
    except (ClusterError, ServiceFailedError):
        return
    remove(kubeflow)
