"""Typed: every field of every object is one that pulumi-kubernetes knows at that place.

The builders are plain data; this is what a type checker would have said of them.
"""

import inspect
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

import pulumi
import pytest

from infra.description import describe
from infra.service import PolicyRule, Scaling, Service
from infra.settings.reading import parse
from infra.targets.kubernetes import objects
from infra.targets.kubernetes.render_context import Manifest, RenderContext
from infra.targets.kubernetes.resources import KINDS, typed_names

PLACE = RenderContext("mlops", "dev", "fast")


@cache
def fields(args: type) -> dict[str, object]:
    """The types of an argument class's fields by the API's names."""
    names = pulumi._types.input_type_py_to_pulumi_names(args)
    # What the forward references inside of `pulumi.Input` mean.
    pulumis = {"Output": pulumi.Output, "T": typing.Any}
    space = vars(sys.modules[args.__module__]) | pulumis
    hints = typing.get_type_hints(args.__init__, space)
    return {names.get(name, name): hint for name, hint in hints.items()}


def parts(hint: object) -> Iterator[object]:
    """The types that a hint is made of, its containers left out."""
    yield hint
    for inner in typing.get_args(hint):
        yield from parts(inner)


def args_class(hint: object) -> type | None:
    """The argument class that a field takes, if it takes one."""
    found = (
        part for part in parts(hint) if inspect.isclass(part) and pulumi._types.is_input_type(part)
    )
    return next(found, None)


def strangers(value: object, args: type | None, where: str) -> list[str]:
    """The places of fields that the argument class does not have."""
    if isinstance(value, list):
        return [
            stranger
            for index, item in enumerate(value)
            for stranger in strangers(item, args, f"{where}[{index}]")
        ]
    if not isinstance(value, Mapping) or args is None:
        return []
    known = fields(args)
    return [
        stranger
        for name, inner in value.items()
        for stranger in (
            strangers(inner, args_class(known[name]), f"{where}.{name}")
            if name in known
            else [f"{where}.{name}"]
        )
    ]


def top(kind: str) -> type:
    """The argument class of a whole object of that kind."""
    return vars(sys.modules[KINDS[kind].__module__])[f"{kind}InitArgs"]


def full(service: Service) -> Service:
    """The service with everything that makes more objects of it."""
    rights = (PolicyRule(("",), ("pods",), ("get",)),)
    scaling = Scaling(min=2, max=3)
    return replace(service, scaling=scaling, rights=rights, cluster_rights=rights)


def every_object() -> list[Manifest]:
    values = {
        "target": {"kind": "existing", "context": "c"},
        "tenants": [{"name": "red", "members": ["ada"]}],
    }
    described = describe(parse(values, source="S"))
    secrets = dict.fromkeys(described.secrets, "hush")
    store = next(service for service in described.services if service.data)
    stateless = replace(store, name="stateless", data=None)
    wide = [full(service) for service in (stateless, store)]
    return [
        *objects.of_cluster(),
        *objects.of_platform(
            [stateless, *described.services], PLACE, secrets, described.steps, described.tenants
        ),
        *objects.of_platform(wide, PLACE, secrets),
    ]


@pytest.mark.parametrize("manifest", every_object(), ids=lambda m: m["kind"])
def test_every_field_is_known(manifest: Manifest) -> None:
    """No field is misspelt or misplaced."""
    assert strangers(typed_names(manifest), top(manifest["kind"]), manifest["kind"]) == []


def test_every_kind_is_looked_at() -> None:
    """No kind of object that a service may come to is left out above."""
    assert {manifest["kind"] for manifest in every_object()} == set(KINDS)


def test_a_misplaced_field_is_seen() -> None:
    """The check reaches into lists and deep objects."""
    pod = {"containers": [{"name": "x", "imagePolicy": "Always"}]}
    manifest = {"kind": "Deployment", "spec": {"template": {"spec": pod}}}

    assert strangers(typed_names(manifest), top("Deployment"), "D") == [
        "D.spec.template.spec.containers[0].imagePolicy"
    ]
