"""Why a model said what it said: contributions by feature, read from an infer answer.

Owns the reading of the tensors that the model server adds for `"explain": true`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

ASK = {"explain": True}
"""The parameter of a request that wants its rows explained."""

_CONTRIBUTIONS = ".contributions"
_BASE_VALUE = ".base_value"


@dataclass(frozen=True)
class Explanation:
    """One value of one row: base value and contributions add up to it.

    Attributes:
        row: which row, from 0.
        output: the output's name; `name[0]`, `name[1]`... where it has several values a row.
        base_value: what the model says on average of its background rows.
        contributions: by how much each feature moved the value from there, the largest first.
    """

    row: int
    output: str
    base_value: float
    contributions: dict[str, float]


def explanations(answer: dict[str, Any]) -> list[Explanation]:
    """All that an infer answer explains, by row; nothing if it was not asked to."""
    if "features" not in answer.get("parameters", {}):
        return []
    features = json.loads(answer["parameters"]["features"])
    tensors = {output["name"]: output for output in answer["outputs"]}
    found = [
        explanation
        for name in tensors
        if name + _CONTRIBUTIONS in tensors
        for explanation in _of_output(name, features, tensors)
    ]
    return sorted(found, key=lambda each: each.row)


def explained(answer: dict[str, Any]) -> set[str]:
    """Names of the outputs that explain others."""
    names = {output["name"] for output in answer["outputs"]}
    return {name + end for name in names for end in (_CONTRIBUTIONS, _BASE_VALUE)} & names


def _of_output(name: str, features: list[str], tensors: dict[str, Any]) -> list[Explanation]:
    contributions, bases = tensors[name + _CONTRIBUTIONS], tensors[name + _BASE_VALUE]["data"]
    values = len(bases) // contributions["shape"][0]
    found = []
    for place, base in enumerate(bases):
        start = place * len(features)
        parts = zip(features, contributions["data"][start : start + len(features)], strict=True)
        largest_first = dict(sorted(parts, key=lambda part: -abs(part[1])))
        output = name if values == 1 else f"{name}[{place % values}]"
        found.append(Explanation(place // values, output, base, largest_first))
    return found
