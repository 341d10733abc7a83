"""A pipeline's parameters: what is declared, and texts read by it. Knows no orchestrator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra.errors import SlipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class ParameterError(SlipwayError):
    """A pipeline or a parameter does not exist, or a text is of the wrong kind: no run began."""

    def __init__(self, cause: str, remedy: str) -> None:
        """Keep what was wrong and what to do."""
        super().__init__(f"{cause}: {remedy}")
        self.cause, self.remedy = cause, remedy


def typed(declared: Mapping[str, str], texts: Mapping[str, str]) -> dict[str, Any]:
    """Read each text by the type that the pipeline declares: `{"months": "STRING"}`.

    Raises:
        ParameterError: an argument the pipeline does not have, or a text that is not of its type.
    """
    if unknown := sorted(set(texts) - set(declared)):
        raise ParameterError(
            f"the pipeline has no parameter {', '.join(unknown)}",
            f"valid are: {', '.join(sorted(declared))}",
        )
    return {name: _value(name, text, declared[name]) for name, text in texts.items()}


def declared(spec: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a compiled pipeline and their types, by name."""
    parameters = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    return {name: about["parameterType"] for name, about in parameters.items()}


def in_words(kind: str) -> str:
    """What a text of a parameter type has to be."""
    return _READERS.get(kind, _TEXT)[0]


def defaults(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What the parameters of a compiled pipeline are where nothing is given, by name."""
    parameters = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    return {
        # The compiled form writes every number with a point.
        name: int(value) if about["parameterType"] == "NUMBER_INTEGER" else value
        for name, about in parameters.items()
        if (value := about.get("defaultValue")) is not None
    }


def _value(name: str, text: str, kind: str) -> Any:
    """Read `text` as the pipeline's parameter type `kind`."""
    wanted, reader = _READERS.get(kind, _TEXT)
    try:
        return reader(text)
    except (ValueError, KeyError):
        raise ParameterError(f"{name}={text!r} is not {wanted}", f"give {name} {wanted}") from None


def _read_json(text: str, kind: type) -> Any:
    value = json.loads(text)
    if not isinstance(value, kind):
        raise ValueError(text)  # noqa: TRY004 -- a wrong text, as any other
    return value


_TEXT: tuple[str, Callable[[str], Any]] = ("a text", str)
_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "NUMBER_INTEGER": ("a whole number", int),
    "NUMBER_DOUBLE": ("a number", float),
    "BOOLEAN": ("true or false", {"true": True, "false": False}.__getitem__),
    "LIST": ("a JSON list", lambda text: _read_json(text, list)),
    "STRUCT": ("a JSON object", lambda text: _read_json(text, dict)),
}
