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

from infra.service import Right, Scaling, Service
from infra.services import all_services
from infra.settings import Settings
from infra.targets.kubernetes import objects
from infra.targets.kubernetes.place import Manifest, Place
from infra.targets.kubernetes.resources import KINDS

PLACE = Place("mlops", "dev", "fast")


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
    rights = (Right(("",), ("pods",), ("get",)),)
    scaling = Scaling(least=2, most=3)
    return replace(service, scaling=scaling, rights=rights, cluster_rights=rights)


def every_object() -> list[Manifest]:
    services = all_services(Settings(), grafana_at_hand=True)
    secrets = {name: "hush" for service in services for name in service.secrets}
    stateless = replace(services[0], name="stateless", data=None)
    wide = [full(service) for service in (stateless, services[1])]
    return objects.of_platform([stateless, *services], PLACE, secrets) + objects.of_platform(
        wide, PLACE, secrets
    )


@pytest.mark.parametrize("manifest", every_object(), ids=lambda m: m["kind"])
def test_every_field_is_known(manifest: Manifest) -> None:
    """No field is misspelt or misplaced."""
    assert strangers(manifest, top(manifest["kind"]), manifest["kind"]) == []


def test_every_kind_is_looked_at() -> None:
    """No kind of object that a service may come to is left out above."""
    assert {manifest["kind"] for manifest in every_object()} == set(KINDS)


def test_a_misplaced_field_is_seen() -> None:
    """The check reaches into lists and deep objects."""
    pod = {"containers": [{"name": "x", "imagePolicy": "Always"}]}
    manifest = {"kind": "Deployment", "spec": {"template": {"spec": pod}}}

    assert strangers(manifest, top("Deployment"), "D") == [
        "D.spec.template.spec.containers[0].imagePolicy"
    ]
