"""Kubeflow Pipelines as settings, and the runs that it starts by the clock."""

from __future__ import annotations

from pydantic import Field

from infra.settings.fields import Cron, Duration, ShortName, Tree


class RecurringRun(Tree):
    """A pipeline that runs by the clock, on Kubernetes."""

    name: ShortName = Field(description="What Kubeflow Pipelines calls it.")
    pipeline: str = Field(
        default="training", description="A file of pipelines/, without its ending."
    )
    cron: Cron = Field(description="Six fields, seconds first, in UTC.")
    arguments: dict[str, str] = Field(
        default_factory=dict, description="The pipeline's parameters, as {months: 1-6}."
    )
    enabled: bool = Field(default=True, description="false: it is kept, and does not run.")


class Pipelines(Tree):
    """Kubeflow Pipelines, on Kubernetes; processes run the same pipelines without it."""

    ui: bool = Field(default=True, description="Its web page.")
    lineage: bool = Field(
        default=True, description="ML Metadata, which KFP 2 needs and KFP 3 no longer does."
    )
    keep_workflows: Duration = Field(
        default="1d", description="How long the pods of a finished run stay."
    )
    upload: bool = Field(
        default=True, description="`up` brings the pipelines to KFP; else somebody else does."
    )
    recurring: list[RecurringRun] = Field(default_factory=list, description="Runs by the clock.")
