"""The one typed tree of settings, and the only reader of Pulumi's configuration.

Every setting's type, default, bound and meaning stand here and nowhere else. Parsing is
pure: no network, no files but the stack's own. What is wrong is said at once and whole:
each field, the rule it breaks and how to mend it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import yaml
from pulumi.runtime import config as runtime_config
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
)

from infra.errors import SettingsError
from monitoring.objective import LATENCY_BOUNDS, LEAST_PERCENT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROJECT = "slipway"
_PREFIX = f"{PROJECT}:"

PortNumber = Annotated[int, Field(ge=1024, le=65535)]
Switch = Literal["auto", "on", "off"]
MonthRange = Annotated[str, Field(pattern=r"^\d{1,2}(-\d{1,2})?(,\d{1,2}(-\d{1,2})?)*$")]
Duration = Annotated[str, Field(pattern=r"^\d+(s|m|h|d|w)$")]
NamespaceName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)]
AddressRange = Annotated[str, Field(pattern=r"^[0-9a-f.:]+/\d{1,3}$")]


class Tree(BaseModel):
    """A branch of the settings: frozen, and strict about what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Processes(Tree):
    """Plain processes on this machine, supervised, on 127.0.0.1 only."""

    kind: Literal["processes"] = "processes"
    ports: dict[str, PortNumber] = Field(
        default_factory=dict,
        description="Fixed ports by service, or service/port; others get free ones.",
    )
    log_megabytes: int = Field(default=5, ge=1, le=1024, description="Size at which a log rotates.")
    log_files: int = Field(default=3, ge=1, le=20, description="Rotated logs kept a service.")


class Existing(Tree):
    """A namespace of a Kubernetes cluster that somebody else made and looks after."""

    kind: Literal["existing"] = "existing"
    context: str = Field(min_length=1, description="The kubeconfig's context; no other is used.")
    kubeconfig: str | None = Field(
        default=None, description="Path of the kubeconfig; else KUBECONFIG, else ~/.kube/config."
    )
    namespace: NamespaceName = Field(default="slipway", description="Made and owned by the stack.")
    storage_class: str | None = Field(default=None, description="Else the cluster's default.")
    api_servers: AddressRange = Field(
        default="0.0.0.0/0",
        description="Where the API servers answer: what services with rights may reach (CIDR).",
    )


def _kind(value: object) -> object:
    """The kind that a target says it is; plain processes where it says nothing."""
    if isinstance(value, dict):
        return value.get("kind", "processes")
    return getattr(value, "kind", None)


Target = Annotated[
    Annotated[Processes, Tag("processes")] | Annotated[Existing, Tag("existing")],
    Discriminator(_kind),
]


class Training(Tree):
    """The first training run, made by `slipway up` when no model is released yet."""

    usecase: str = Field(default="flight_delays", pattern=r"^[a-z][a-z0-9_]*$")
    months: MonthRange = Field(default="1-3", description="Months to learn from, as 1-3 or 1,2,5.")


class Serving(Tree):
    """The model server."""

    model: str = Field(default="flight-delays", pattern=r"^[a-z0-9][a-z0-9-]*$")
    alias: str = Field(default="champion", description="The alias in MLflow that it follows.")
    workers: int = Field(default=1, ge=1, le=64)
    poll_seconds: float = Field(default=1.0, ge=0.1, le=3600, description="How often it asks.")
    max_body_bytes: int = Field(default=8 * 2**20, ge=1024, le=2**30)
    max_rows: int = Field(default=10_000, ge=1, le=1_000_000)


def _measurable(seconds: float) -> float:
    if seconds not in LATENCY_BOUNDS:
        bounds = ", ".join(f"{bound:g}" for bound in LATENCY_BOUNDS)
        raise ValueError(f"should be a bound of serving's histogram: {bounds}")
    return seconds


class Objective(Tree):
    """What serving promises over 30 days; alerts fire when it is being broken."""

    availability_percent: float = Field(
        default=99.5, ge=LEAST_PERCENT, lt=100, description="Infer requests that do not fail."
    )
    latency_seconds: Annotated[float, AfterValidator(_measurable)] = Field(
        default=0.1, description="What counts as in time."
    )
    latency_percent: float = Field(
        default=99.0, ge=LEAST_PERCENT, lt=100, description="Infer requests answered in time."
    )


class Monitoring(Tree):
    """Prometheus, Alertmanager and Grafana."""

    scrape_interval: Duration = "5s"
    retention: Duration = "7d"
    grafana: Switch = Field(default="auto", description="auto: where its release can be had.")
    objective: Objective = Objective()


class Settings(Tree):
    """The whole platform: one stack's settings."""

    target: Target = Processes()
    training: Training = Training()
    serving: Serving = Serving()
    monitoring: Monitoring = Monitoring()


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
    except FileNotFoundError:
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
        key.removeprefix(_PREFIX): _decoded(value)
        for key, value in config.items()
        if key.startswith(_PREFIX)
    }


def _decoded(value: object) -> object:
    """What a value means: Pulumi hands structures over, and keeps them if set so, as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value


def _explain(problem: dict[str, Any]) -> str:
    path, branch = _follow(problem["loc"])
    where = _PREFIX + ".".join(path)
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
        path.append(str(part))
        choices = _branches(branch, str(part))
    return path, branch


def _branches(model: type[BaseModel], field: str) -> dict[str, type[BaseModel]]:
    """The branches that a field may be: one without a name, or several by their kinds."""
    annotation = model.model_fields[field].annotation if field in model.model_fields else None
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {"": annotation}
    tagged = [get_args(choice) for choice in get_args(annotation)]
    return {args[1].tag: args[0] for args in tagged if args and isinstance(args[1], Tag)}
