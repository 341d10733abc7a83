"""The one typed tree of settings, and the only reader of Pulumi's configuration.

Every setting's type, default, bound and meaning stand here and nowhere else. Parsing is
pure: no network, no files but the stack's own. What is wrong is said at once and whole:
each field, the rule it breaks and how to mend it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, get_args

import yaml
from pulumi.runtime import config as runtime_config
from pydantic import AfterValidator, BaseModel, Field, Tag, ValidationError, model_validator

from contracts.metrics import SECONDS_BOUNDS
from infra.errors import SettingsError
from infra.settings.fields import (
    LONGEST_NAME,
    Cron,
    Days,
    Duration,
    MonthRange,
    ShortName,
    Switch,
    Tree,
)
from infra.settings.monitoring import BuiltinPrometheus, Prometheus
from infra.settings.serving import Serving
from infra.settings.target import OnKubernetes, Processes, Target
from monitoring.objective import LEAST_PERCENT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Each has a dashboard in the one ConfigMap of Grafana's, and that holds 1 MiB.
MOST_TENANTS = 100
# Stands before each setting, whatever a fork calls its project.
PREFIX = "slipway:"


class Training(Tree):
    """The first training run, made by `slipway up` when no model is released yet."""

    usecase: str = Field(
        default="flight_delays",
        pattern=r"^[a-z][a-z0-9_]*$",
        description="A folder of usecases/: the data, features, slices and gates of one model.",
    )
    months: MonthRange = Field(default="1-3", description="Months to learn from, as 1-3 or 1,2,5.")


def _measurable(seconds: float) -> float:
    if seconds not in SECONDS_BOUNDS:
        bounds = ", ".join(f"{bound:g}" for bound in SECONDS_BOUNDS)
        raise ValueError(f"should be a bound of serving's histogram: {bounds}")
    return seconds


class Objective(Tree):
    """What serving promises over 30 days; alerts fire when it is being broken."""

    availability_percent: float = Field(
        default=99.5, ge=LEAST_PERCENT, lt=100, description="Infer requests that do not fail."
    )
    latency_seconds: Annotated[float, AfterValidator(_measurable)] = Field(
        default=0.1,
        description="What counts as in time.",
        json_schema_extra={"enum": list(SECONDS_BOUNDS)},
    )
    latency_percent: float = Field(
        default=99.0, ge=LEAST_PERCENT, lt=100, description="Infer requests answered in time."
    )


class Monitoring(Tree):
    """Prometheus, Alertmanager and Grafana; on Kubernetes Loki and its collector, too."""

    prometheus: Prometheus = BuiltinPrometheus()
    scrape_interval: Duration = Field(
        default="5s", description="How often Prometheus asks each service for its metrics."
    )
    retention: Duration = Field(default="7d", description="How long metrics are kept.")
    log_retention: Days = Field(default="7d", description="How long logs are kept (Kubernetes).")
    node_metrics: bool = Field(
        default=True,
        description="What the kubelets tell of CPU, memory and volumes: a right in the cluster.",
    )
    grafana: Switch = Field(default="auto", description="auto: where its release can be had.")
    objective: Objective = Objective()


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


class Tenant(Tree):
    """A team with a namespace, a quota, credentials and pipelines of its own."""

    name: ShortName = Field(
        description="Part of the names of its namespace, its bucket and its folder."
    )
    cpu: float = Field(default=8, gt=0, le=10_000, description="Cores that its pods may request.")
    memory_gib: int = Field(
        default=32, ge=1, le=100_000, description="Memory that its pods may request."
    )
    storage_gib: int = Field(
        default=50, ge=1, le=1_000_000, description="Size of all its volumes together."
    )
    pods: int = Field(default=50, ge=1, le=100_000, description="Pods that it may have at once.")
    members: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=list, description="Users of the cluster who may run what is the tenant's."
    )


class Settings(Tree):
    """The whole platform: one stack's settings."""

    target: Target = Processes()
    training: Training = Training()
    serving: Serving = Serving()
    monitoring: Monitoring = Monitoring()
    pipelines: Pipelines = Pipelines()
    tenants: list[Tenant] = Field(default_factory=list, description="On Kubernetes only.")

    @property
    def cluster(self) -> OnKubernetes | None:
        """The target's settings if it is Kubernetes."""
        return self.target if isinstance(self.target, OnKubernetes) else None

    def tenant_namespace(self, tenant: Tenant) -> str:
        """The namespace of a tenant on Kubernetes."""
        return f"{self.cluster.namespace}-{tenant.name}" if self.cluster else ""

    @property
    def tenant_namespaces(self) -> list[str]:
        """Those of all tenants."""
        return [self.tenant_namespace(tenant) for tenant in self.tenants]

    @model_validator(mode="after")
    def _operators_run_on_kubernetes(self) -> Settings:
        operated = self.monitoring.prometheus.kind == "operator"
        if operated and isinstance(self.target, Processes):
            raise ValueError(
                "monitoring.prometheus of kind operator needs a target of kind existing or kind"
            )
        return self

    @model_validator(mode="after")
    def _tenants_stand_on_kubernetes(self) -> Settings:
        if self.tenants and isinstance(self.target, Processes):
            raise ValueError("tenants need a target of kind existing or kind")
        names = [tenant.name for tenant in self.tenants]
        if len(set(names)) < len(names):
            raise ValueError("tenants has the same name twice")
        if len(names) > MOST_TENANTS:
            raise ValueError(f"tenants has {len(names)} entries: {MOST_TENANTS} is the most")
        return self

    @model_validator(mode="after")
    def _tenants_namespaces_have_names(self) -> Settings:
        for tenant in self.tenants if self.cluster else ():
            if len(namespace := self.tenant_namespace(tenant)) > LONGEST_NAME:
                raise ValueError(
                    f"tenant {tenant.name} would have the namespace {namespace}, which is longer"
                    f" than {LONGEST_NAME} letters: shorten its name, or target.namespace"
                )
        return self


def parse(values: Mapping[str, Any], *, source: str) -> Settings:
    """Settings from plain values.

    Raises:
        SettingsError: names every wrong field of `source`, its rule and the remedy.
    """
    try:
        return Settings.model_validate(dict(values))
    except ValidationError as error:
        lines = [_explain(dict(problem)) for problem in error.errors(include_url=False)]
        raise SettingsError(f"{source}: " + "; ".join(lines)) from None


def from_file(path: Path) -> Settings:
    """Settings of a `Pulumi.<stack>.yaml`, as Pulumi would hand them over.

    Raises:
        SettingsError: there is no such file, it is not YAML, or a field is wrong.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (FileNotFoundError, NotADirectoryError):
        stacks = sorted(p.stem.removeprefix("Pulumi.") for p in path.parent.glob("Pulumi.*.yaml"))
        raise SettingsError(
            f"there is no stack file {path.name}; stacks here: {', '.join(stacks) or 'none'}"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{path.name} is not YAML: {reason}") from None
    return parse(_ours(document.get("config") or {}), source=path.name)


def from_pulumi(stack: str) -> Settings:
    """Settings of the running Pulumi program.

    Raises:
        SettingsError: a field is wrong.
    """
    # The public `pulumi.Config` answers for known keys only; unknown ones must be refused.
    raw = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    return parse(_ours(raw), source=f"Pulumi.{stack}.yaml")


def _ours(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key.removeprefix(PREFIX): _decoded(value)
        for key, value in config.items()
        if key.startswith(PREFIX)
    }


def _decoded(value: object) -> object:
    """What a value means: Pulumi hands structures over, and keeps them if set so, as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else _unopened(value)
    except json.JSONDecodeError:
        return value


def _unopened(value: object) -> object:
    """A structure of a stack's file, in which only Pulumi can read what it encrypted."""
    if isinstance(value, list):
        return [_unopened(each) for each in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"secure"}:
        return "(encrypted)"
    return {key: _unopened(each) for key, each in value.items()}


def _explain(problem: dict[str, Any]) -> str:
    if not problem["loc"]:
        return f"{PREFIX}{problem['msg'].removeprefix('Value error, ')}"
    path, branch = _follow(problem["loc"])
    where = PREFIX + ".".join(path)
    if problem["type"] == "extra_forbidden":
        return f"{where} is no setting; known there: {', '.join(branch.model_fields)}"
    if problem["type"] == "missing":
        return f"{where} is not set: {branch.model_fields[path[-1]].description}"
    if problem["type"] == "union_tag_invalid":
        kinds = problem["ctx"]["expected_tags"].replace(", ", " or ")
        return f"{where}.kind is {problem['ctx']['tag']!r}: should be {kinds}"
    if problem["type"] == "union_tag_not_found":
        return f"{where} is {problem['input']!r}: should be a mapping with a kind"
    rule = re.sub(r"^(Input |Value error, )", "", problem["msg"])
    return f"{where} is {problem['input']!r}: {rule}"


def _follow(loc: tuple[str | int, ...]) -> tuple[list[str], type[BaseModel]]:
    """The fields of a problem's place, and the branch of its last one.

    Pydantic puts the kind of a choice between them; a user has never written it there.
    """
    branch: type[BaseModel] = Settings
    path: list[str] = []
    choices: dict[str, type[BaseModel]] = {}
    for part in loc:
        branch = choices.get("", branch)
        if part in choices:
            branch, choices = choices[str(part)], {}
            continue
        if isinstance(part, int):
            path[-1] += f"[{part}]"
            continue
        path.append(str(part))
        choices = _branches(branch, str(part))
    return path, branch


def _branches(model: type[BaseModel], field: str) -> dict[str, type[BaseModel]]:
    """The branches that a field may be: one without a name, or several by their kinds."""
    annotation = model.model_fields[field].annotation if field in model.model_fields else None
    tagged = [args for choice in get_args(annotation) if len(args := get_args(choice)) > 1]
    found = {args[1].tag: args[0] for args in tagged if isinstance(args[1], Tag)}
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            found[""] = one
    return found
