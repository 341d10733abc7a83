"""Pipelines and recurring runs of a stack as Pulumi resources.

The dynamic providers are shells, as those of processes are: what they do is in `upload`,
imported when they do it, so an edit there is not a change of any pipeline.
"""

# PLC0415: importing inside the methods is what keeps the serialized provider empty.
# ruff: noqa: PLC0415

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, UpdateResult

from infra.dynamic import GONE, Shell
from infra.errors import SettingsError
from infra.kubeflow import compiled
from infra.kubeflow.parameters import ParameterError, typed
from infra.settings.tree import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.cluster import Cluster
    from infra.kubeflow.compiled import Compiled
    from infra.settings.pipelines import RecurringRun


class _PipelineProvider(Shell):
    def create(self, props: dict[str, Any]) -> CreateResult:
        from infra.kubeflow import upload

        return CreateResult(props["pipeline"], upload.pipeline(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        from infra.kubeflow import upload

        keys = upload.changed(olds, news, upload.PIPELINE)
        moved = [key for key in keys if key in {"context", "namespace", "pipeline"}]
        return DiffResult(changes=bool(keys), replaces=moved)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        from infra.kubeflow import upload

        return UpdateResult(upload.pipeline(news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from infra.kubeflow import upload

        return ReadResult(id_, props) if upload.has_version(props) else GONE

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        from infra.kubeflow import upload

        upload.remove_pipeline(props)


class _RecurringRunProvider(Shell):
    def create(self, props: dict[str, Any]) -> CreateResult:
        from infra.kubeflow import upload

        return CreateResult(*upload.recurring_run(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        from infra.kubeflow import upload

        keys = upload.changed(olds, news, upload.RECURRING_RUN)
        # KFP cannot change one. A run missed in between is better than two at once.
        replaces = [key for key in keys if key != "kubeconfig"]
        return DiffResult(changes=bool(keys), replaces=replaces, delete_before_replace=True)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        from infra.kubeflow import upload

        return UpdateResult(upload.kept(news, upload.RECURRING_RUN))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from infra.kubeflow import upload

        return ReadResult(id_, props) if upload.has_recurring_run(id_, props) else GONE

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        from infra.kubeflow import upload

        upload.remove_recurring_run(id_, props)


class UploadedPipeline(Resource, module="kubeflow", name="Pipeline"):
    """A pipeline with its experiment, and the version that is current.

    A version is named by the hash of its text. One that was current before stays until the
    pipeline goes: past runs refer to it, and to roll back needs no upload.
    """

    def __init__(
        self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(_PipelineProvider(), name, {**inputs, "version": None}, opts)


class ScheduledPipeline(Resource, module="kubeflow", name="RecurringRun"):
    """A recurring run; any change of it, of the version it runs or of KFP makes another."""

    def __init__(
        self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(_RecurringRunProvider(), name, dict(inputs), opts)


@dataclass(frozen=True)
class Deployment:
    """What `deploy` puts where: the cluster, the steps' image, and KFP's own version.

    KFP's version belongs to a recurring run: the workflow that KFP keeps for it names the
    driver and launcher of the day on which it was made.
    """

    cluster: Cluster
    image: pulumi.Input[str]
    kfp: str


def checked(
    recurring: Sequence[RecurringRun], pipelines: Mapping[str, Compiled]
) -> dict[str, dict[str, Any]]:
    """The arguments of each recurring run, read by its pipeline's types. Asks nobody.

    Raises:
        SettingsError: a name stands twice, or a pipeline or an argument does not exist or fit.
    """
    found: dict[str, dict[str, Any]] = {}
    for index, run in enumerate(recurring):
        where = f"{PREFIX}pipelines.recurring[{index}]"
        if run.name in found:
            raise SettingsError(f"{where}.name {run.name} stands twice: choose another")
        if run.pipeline not in pipelines:
            known = ", ".join(sorted(pipelines))
            raise SettingsError(f"{where}.pipeline is {run.pipeline!r}: should be one of {known}")
        try:
            found[run.name] = typed(pipelines[run.pipeline].parameters, run.arguments)
        except ParameterError as refused:
            raise SettingsError(f"{where}.arguments: {refused}") from None
    return found


def deploy(
    recurring: Sequence[RecurringRun],
    deployment: Deployment,
    opts: pulumi.ResourceOptions,
) -> dict[str, pulumi.Output[str]]:
    """Upload every pipeline and schedule the recurring ones; the current version of each.

    `opts` names the parent, and in `depends_on` the API server of KFP.

    Raises:
        SettingsError: a recurring run does not fit its pipeline; nothing is touched.
        CompileError: a pipeline does not compile.
    """
    pipelines = compiled.compile_all()
    arguments = checked(recurring, pipelines)
    cluster = deployment.cluster
    reached = {
        "kubeconfig": cluster.kubeconfig,
        "context": cluster.context,
        "namespace": cluster.namespace,
    }
    image = pulumi.Output.from_input(deployment.image)
    versions: dict[str, pulumi.Output[str]] = {}
    uploaded: dict[str, pulumi.Resource] = {}
    for name, pipeline in pipelines.items():
        current = image.apply(pipeline.on)
        # Known as soon as the image is: a preview shows which recurring runs will be replaced.
        versions[name] = current.apply(lambda known: known.version)
        uploaded[name] = UploadedPipeline(
            f"pipeline-{name}",
            {**reached, "pipeline": name, "text": current.apply(lambda known: known.text)},
            opts,
        )
    for run in recurring:
        about = run.model_dump(exclude={"arguments"}) | {"arguments": arguments[run.name]}
        after = pulumi.ResourceOptions(depends_on=[uploaded[run.pipeline]])
        ScheduledPipeline(
            f"recurring-{run.name}",
            {**reached, **about, "version": versions[run.pipeline], "kfp": deployment.kfp},
            pulumi.ResourceOptions.merge(opts, after),
        )
    return versions
