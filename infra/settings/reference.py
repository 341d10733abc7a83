"""The reference of all settings, and the schema of stack files for editors, from the tree itself.

`python -m infra.settings.reference` (`make reference`) writes both; a test holds them current.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.home import ROOT
from infra.settings.tree import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Schema = dict[str, Any]

PAGE = ROOT / "docs" / "reference" / "settings.md"
SCHEMA = ROOT / "infra" / "stacks" / "settings.schema.json"
_HEAD = """# Settings

Every setting of a stack, with its default. They stand under `config` of a stack's file,
`infra/stacks/Pulumi.<stack>.yaml`, which says only what differs:

```yaml
config:
  slipway:training:
    months: "1-6"
```

This page is written from [`infra/settings`](../../infra/settings) by `make reference`.
"""
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minLength": "not empty",
    "maxLength": "at most {} letters",
    "minItems": "not empty",
    "pattern": "like `{}`",
}
_SECRET = {"type": "object", "required": ["secure"], "properties": {"secure": {"type": "string"}}}


@dataclass(frozen=True)
class Row:
    """One setting, as the page has it."""

    path: str
    type: str
    default: str
    bounds: str
    meaning: str


@dataclass
class Branch:
    """A part of the tree: where it stands, in which choices above it, and its rows."""

    path: str
    kind: str
    meaning: str
    where: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


class _Tree:
    """The settings' JSON schema, walked from its root."""

    def __init__(self) -> None:
        self._root = Settings.model_json_schema()
        self.branches: dict[tuple[str, str], Branch] = {}
        self._walk(self._root, "Settings", "", "")

    def _walk(self, node: Schema, name: str, path: str, where: str, kind: str = "") -> None:
        key = (path, name)
        seen = key in self.branches
        branch = self.branches.setdefault(key, Branch(path, kind, _line(node)))
        if where and where not in branch.where:
            branch.where.append(where)
        inside = f"`{path.removeprefix(PREFIX)}.kind` is `{kind}`" if kind else where
        for called, inner in node["properties"].items():
            below = f"{path}.{called}" if path else f"{PREFIX}{called}"
            if not seen and called != "kind" and (row := self._row(node, called, below)):
                branch.rows.append(row)
            listed = "[]" if inner.get("type") == "array" else ""
            for part, choice in self._parts(inner):
                chosen = _kind(choice) if "oneOf" in inner else ""
                self._walk(choice, part, below + listed, inside, chosen)

    def _row(self, node: Schema, called: str, path: str) -> Row | None:
        """The row of a setting; none of a branch that is only a part of the tree."""
        inner = node["properties"][called]
        if "$ref" in inner:
            return None
        default = "required" if called in node.get("required", ()) else _default(inner)
        if kinds := [_kind(choice) for _, choice in self._parts(inner) if "oneOf" in inner]:
            default = f"kind `{inner['default']['kind']}`"
            meaning = "Each kind has settings of its own, below."
            return Row(path, f"by `kind`: {_either(kinds)}", default, "", meaning)
        meaning = inner.get("description") or "".join(_line(part) for _, part in self._parts(inner))
        return Row(path, self._type(inner), default, _bounds(inner), meaning)

    def _type(self, node: Schema) -> str:
        if "$ref" in node:
            return "mapping"
        if "enum" in node or "const" in node:
            return _either(node.get("enum", [node.get("const")]))
        if "anyOf" in node:
            return " or ".join(self._type(each) for each in node["anyOf"] if not _is_null(each))
        if node["type"] == "array":
            return f"list of {self._type(node['items'])}"
        if node["type"] == "object":
            return f"mapping of names to {self._type(_values(node))}"
        return "secret text" if node.get("format") == "password" else _TYPES[node["type"]]

    def _parts(self, node: Schema) -> Iterator[tuple[str, Schema]]:
        """The branches that a setting may be, by their names."""
        for each in (node, node.get("items", {}), *node.get("oneOf", ()), *node.get("anyOf", ())):
            if "$ref" in each:
                name = each["$ref"].rpartition("/")[2]
                yield name, self._root["$defs"][name]


def page() -> str:
    """The reference, in Markdown."""
    found = [branch for branch in _Tree().branches.values() if branch.rows]
    return "\n".join([_HEAD, *(_section(branch) for branch in found)])


def schema() -> str:
    """The JSON schema of a stack file: what is ours in it, and anything of other plugins'."""
    root = Settings.model_json_schema()
    known = {f"{PREFIX}{name}": node for name, node in root["properties"].items()}
    foreign = {"not": {"pattern": f"^{PREFIX}"}}
    config = {
        "type": "object",
        "properties": known,
        "propertyNames": {"anyOf": [{"enum": list(known)}, foreign]},
    }
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A stack of the platform",
        "type": "object",
        "properties": {"config": config},
        "$defs": {name: _told_apart(node) for name, node in root["$defs"].items()},
    }
    return json.dumps(_with_secrets(document), indent=2) + "\n"


def _told_apart(node: Schema) -> Schema:
    """A branch that must say its kind, unless it is the one that is meant without."""
    kind = _kind(node)
    if not kind or kind == Settings().target.kind:
        return node
    return {**node, "required": [*node.get("required", ()), "kind"]}


def _with_secrets(node: Any) -> Any:
    """The same where a secret may stand as Pulumi encrypts it."""
    if isinstance(node, list):
        return [_with_secrets(each) for each in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "password":
        return {"description": node["description"], "anyOf": [{"type": "string"}, _SECRET]}
    return {key: _with_secrets(value) for key, value in node.items()}


def _section(branch: Branch) -> str:
    title = f"`{branch.path}`" if branch.path else "All"
    kind = f", kind `{branch.kind}`" if branch.kind else ""
    where = f"Where {' or '.join(branch.where)}. " if branch.where else ""
    lines = [f"## {title}{kind}", "", f"{where}{_escaped(branch.meaning)}", ""]
    lines += ["| setting | type | default | bounds | meaning |", "|---|---|---|---|---|"]
    for row in branch.rows:
        short = row.path.removeprefix(f"{branch.path}.").removeprefix(PREFIX)
        cells = (f"`{short}`", row.type, row.default, row.bounds, row.meaning)
        lines.append("| " + " | ".join(_escaped(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _escaped(text: str) -> str:
    """Text in which nothing but code is taken for HTML."""
    parts = text.split("`")
    return "`".join(
        part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts)
    )


def _bounds(node: Schema) -> str:
    inner = next((each for each in node.get("anyOf", ()) if not _is_null(each)), node)
    found = [text.format(inner[name]) for name, text in _BOUNDS.items() if name in inner]
    inside = [part for part in (inner.get("items"), _values(inner)) if part]
    found += [f"each {text}" for text in map(_bounds, inside) if text]
    names = inner.get("propertyNames", {}).get("enum", ())
    found += [f"names {_either(names)}"] if names else []
    found += [f"names like `{pattern}`" for pattern in inner.get("patternProperties", ())]
    return ", ".join(found)


def _values(mapping: Schema) -> Schema:
    """What the values of a mapping are, whose names may have to be like something."""
    of_names: Schema = mapping.get("patternProperties", {})
    found: Schema = next(iter(of_names.values()), mapping.get("additionalProperties") or {})
    return found


def _default(node: Schema) -> str:
    """What holds without it; pydantic does not say that of lists and mappings."""
    empty: object = {"array": [], "object": {}}.get(node.get("type", ""))
    default = node.get("default", empty)
    return "" if default is None else f"`{json.dumps(default)}`"


def _either(values: list[Any]) -> str:
    *others, last = (f"`{value}`" for value in values)
    return f"{', '.join(others)} or {last}" if others else last


def _kind(node: Mapping[str, Any]) -> str:
    kind = node.get("properties", {}).get("kind", {})
    return str(kind.get("const", ""))


def _is_null(node: Schema) -> bool:
    return node.get("type") == "null"


def _line(node: Schema) -> str:
    return " ".join(node.get("description", "").split())


def main() -> None:
    """Write both anew."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
