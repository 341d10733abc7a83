"""What in a candidate's signature breaks those who call the champion.

Owns the rules, which are the server's: every input must be given, no other may, and datatypes and
shapes are held to the letter. A further output, or a dimension that is freed, breaks nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ANY: Final = -1
"""A dimension that the caller chooses."""


def breaking(champion: Mapping[str, Any], candidate: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what breaks callers, in words, by input and output; both are signature.json's."""
    before, now = ({side: _named(each[side]) for side in _SIDES} for each in (champion, candidate))
    return (
        *_inputs(before["inputs"], now["inputs"]),
        *_outputs(before["outputs"], now["outputs"]),
    )


_SIDES: Final = ("inputs", "outputs")


def _named(specs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {spec["name"]: spec for spec in specs}


def _inputs(before: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name in now:
        if name not in before:
            yield f"input {name} is new and required: callers do not send it"
    for name, spec in before.items():
        if name not in now:
            yield f"input {name} is gone: callers send it, and what is unknown is refused"
        else:
            yield from _changed(f"input {name}", spec, now[name])


def _outputs(before: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> Iterator[str]:
    for name, spec in before.items():
        if name not in now:
            yield f"output {name} is gone: callers read it"
        else:
            # A caller reads what is promised: there it is the new shape that must fit the old.
            yield from _changed(f"output {name}", spec, now[name])


def _changed(what: str, before: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    if before["datatype"] != now["datatype"]:
        yield f"{what} was {before['datatype']} and is {now['datatype']}"
    old, new = before["shape"], now["shape"]
    wide, narrow = (new, old) if what.startswith("input") else (old, new)
    if len(wide) != len(narrow) or any(
        here not in {ANY, there} for here, there in zip(wide, narrow, strict=True)
    ):
        yield f"{what} had the shape {old} and has {new}"
