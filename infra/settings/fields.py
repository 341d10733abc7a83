"""What settings are made of: the strict branch, and the texts and numbers with bounds."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from infra.environment import is_ours

PortNumber = Annotated[int, Field(ge=1024, le=65535)]
Switch = Literal["auto", "on", "off"]
MonthRange = Annotated[str, Field(pattern=r"^\d{1,2}(-\d{1,2})?(,\d{1,2}(-\d{1,2})?)*$")]
Duration = Annotated[str, Field(pattern=r"^\d+(s|m|h|d|w)$")]
# Loki deletes by the day.
Days = Annotated[str, Field(pattern=r"^[1-9]\d{0,3}[dw]$")]
# Of a namespace, as of any label.
LONGEST_NAME = 63
NamespaceName = Annotated[
    str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=LONGEST_NAME)
]
# Part of other names (a tenant's namespace, bucket and folder), so shorter than a label.
ShortName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=30)]
HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")]
AddressRange = Annotated[str, Field(pattern=r"^[0-9a-f.:]+/\d{1,3}$")]
Platform = Literal["linux/amd64", "linux/arm64"]
# What infra/images/slipway/Dockerfile mounts.
BuildSecret = Literal["ca.crt", "pip.conf", "uv.toml"]
# Seconds first, as Kubeflow Pipelines writes it.
Cron = Annotated[str, Field(pattern=r"^\S+( \S+){5}$")]


def _not_ours(name: str) -> str:
    if is_ours(name):
        raise ValueError("should be a variable that the platform does not set itself")
    return name


VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"), AfterValidator(_not_ours)]


_SECONDS_OF = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+)([smhdw])")


class Tree(BaseModel):
    """A branch of the settings: frozen, and strict about what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def seconds(duration: str) -> int:
    """Seconds of a duration as settings have it: 5s, 1m, 7d.

    Raises:
        ValueError: `duration` has another form.
    """
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ValueError(f"{duration!r} is no duration")
    return int(match[1]) * _SECONDS_OF[match[2]]
