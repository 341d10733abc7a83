"""The one typed tree of settings, and the only reader of Pulumi's configuration.

Every setting's type, default, bound and meaning stand here and nowhere else. Parsing is
pure: no network, no files but the stack's own. What is wrong is said at once and whole:
each field, the rule it breaks and how to mend it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pulumi.runtime import config as runtime_config
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

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

    target: Processes = Processes()
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
    where = _PREFIX + ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{where} is no setting; {_known(problem['loc'])}"
    rule = re.sub(r"^(Input |Value error, )", "", problem["msg"])
    return f"{where} is {problem['input']!r}: {rule}"


def _known(loc: tuple[str | int, ...]) -> str:
    model: type[BaseModel] = Settings
    for part in loc[:-1]:
        annotation = model.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        model = annotation
    return f"known there: {', '.join(model.model_fields)}"
