"""Reads the settings of a stack: from its file, or from the running Pulumi program.

What is wrong is reported at once and whole: each setting, the rule it breaks and how to mend it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, get_args

import yaml
from pulumi.runtime import config as runtime_config
from pydantic import ValidationError

from infra.errors import SettingsError
from infra.settings.fields import Tree
from infra.settings.tree import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


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
    value = problem["input"]
    match problem["type"]:
        case "extra_forbidden":
            return f"{where} is no setting; known there: {', '.join(branch.model_fields)}"
        case "missing":
            return f"{where} is not set: {branch.model_fields[path[-1]].description}"
        case "union_tag_invalid":
            kinds = problem["ctx"]["expected_tags"].replace(", ", " or ")
            return f"{where}.kind is {problem['ctx']['tag']!r}: should be {kinds}"
        case "union_tag_not_found":
            return f"{where} is {value!r}: should be a mapping with a kind"
    rule = re.sub(r"^(Input |Value error, )", "", problem["msg"])
    return f"{where} is {value!r}: {rule}"


def _follow(location: tuple[str | int, ...]) -> tuple[list[str], type[Tree]]:
    """The path of a setting as a user writes it, and the branch that has or lacks it.

    Where a setting has several kinds, pydantic puts the kind after its name.
    """
    path: list[str] = []
    branch: type[Tree] = Settings
    choices = [branch]
    for part in location:
        if len(choices) > 1:
            choices = [each for each in choices if each.model_fields["kind"].default == part]
        elif isinstance(part, int):
            path[-1] += f"[{part}]"
        else:
            branch = choices[0] if choices else branch
            path.append(part)
            field = branch.model_fields.get(part)
            choices = _branches(field.annotation) if field else []
    return path, branch


def _branches(annotation: object) -> list[type[Tree]]:
    """The branches that an annotation names, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, Tree):
        return [annotation]
    return [branch for part in get_args(annotation) for branch in _branches(part)]
