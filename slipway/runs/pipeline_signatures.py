"""The pipelines by name, and what each can be given, read from `pipelines/` as text.

To import one brings kfp, which takes seconds: neither help nor a name that is wrong waits for it.
Owns no rule: what kfp makes of the same lines is what runs, and a test holds the two equal.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.errors import SettingsError
from infra.home import ROOT
from infra.kubeflow.parameters import ParameterError, typed
from pipelines import PIPELINES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER: Final = ROOT / "pipelines"
_FUNCTION: Final = "pipeline"
_KINDS: Final = {
    "str": "STRING",
    "int": "NUMBER_INTEGER",
    "float": "NUMBER_DOUBLE",
    "bool": "BOOLEAN",
    "list": "LIST",
    "dict": "STRUCT",
}
_ARGUMENT: Final = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


@dataclass(frozen=True)
class Parameter:
    """One parameter: its type by KFP's name, its default as a person would write it, its meaning.

    `default` is None where one must be given.
    """

    name: str
    kind: str
    default: str | None
    meaning: str


@dataclass(frozen=True)
class Signature:
    """A pipeline: its name, what it says of itself, and what it can be given."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]


def known() -> list[Signature]:
    """Every pipeline."""
    return [read(FOLDER / f"{name}.py") for name in PIPELINES]


def check(pipeline: str, texts: Mapping[str, str]) -> None:
    """Refuse what a pipeline cannot be given, before anything runs.

    Raises:
        SettingsError: there is no such pipeline or parameter, or a text is not of its type.
    """
    if pipeline not in PIPELINES:
        raise SettingsError(
            f"there is no pipeline {pipeline}: choose one of: {', '.join(PIPELINES)}"
        )
    parameters = read(FOLDER / f"{pipeline}.py").parameters
    try:
        typed({parameter.name: parameter.kind for parameter in parameters}, texts)
    except ParameterError as refused:
        raise SettingsError(f"{pipeline}: {refused}") from None
    required = [parameter.name for parameter in parameters if parameter.default is None]
    if missing := [name for name in required if name not in texts]:
        raise SettingsError(f"{pipeline} needs {missing[0]}: give it by --set {missing[0]}=...")


def read(file: Path) -> Signature:
    """The signature of the function `pipeline` in a file.

    Raises:
        SettingsError: there is none.
    """
    function = _function(file)
    text = inspect.cleandoc(ast.get_docstring(function) or "")
    meanings = {name: " ".join(meaning.split()) for name, meaning in _ARGUMENT.findall(text)}
    arguments = function.args.args
    defaults = [None] * (len(arguments) - len(function.args.defaults)) + function.args.defaults
    return Signature(
        file.stem,
        _description(function) or text.partition("\n")[0],
        tuple(
            Parameter(
                argument.arg, _kind(argument), _written(default), meanings.get(argument.arg, "")
            )
            for argument, default in zip(arguments, defaults, strict=True)
        ),
    )


def _function(file: Path) -> ast.FunctionDef:
    try:
        body = ast.parse(file.read_text(encoding="utf-8")).body
    except SyntaxError as error:
        raise SettingsError(f"{file}:{error.lineno}: {error.msg}") from None
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == _FUNCTION:
            return node
    raise SettingsError(f"{file} has no function `{_FUNCTION}`: a pipeline is the one of that name")


def _description(function: ast.FunctionDef) -> str:
    """What the decorator says."""
    keywords = [
        keyword
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call)
        for keyword in decorator.keywords
    ]
    return next((str(ast.literal_eval(k.value)) for k in keywords if k.arg == "description"), "")


def _kind(argument: ast.arg) -> str:
    annotation = ast.unparse(argument.annotation) if argument.annotation else "str"
    bare = re.sub(r"^(?:\w+\.)?Optional\[(.*)\]$|\s*\|\s*None$", r"\1", annotation)
    return _KINDS.get(bare.partition("[")[0].lower(), "STRING")


def _written(default: ast.expr | None) -> str | None:
    """A default as `--set` takes it."""
    if default is None:
        return None
    try:
        value: Any = ast.literal_eval(default)
    except ValueError:
        return ast.unparse(default)
    return value if isinstance(value, str) else json.dumps(value)
