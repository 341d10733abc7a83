"""Settings: complete defaults, and one clear line for whatever is wrong."""

from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from infra.description import describe
from infra.errors import SettingsError
from infra.home import ROOT, stack_file
from infra.settings import reading
from infra.settings.serving import Serving
from infra.settings.target import Existing, Processes
from infra.settings.tree import Settings

STACKS = sorted(
    path
    for path in (ROOT / "infra" / "stacks").glob("Pulumi.*.yaml")
    # Those of tests that run at the same time.
    if not path.name.startswith("Pulumi.test-")
)
DESCRIBED = [
    {},
    {"target": {"kind": "kind"}},
    {"target": {"kind": "existing", "context": "c"}},
]


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_every_stack_file_that_is_here_is_accepted(path: Path) -> None:
    """Ours, and a fork's own beside them."""
    reading.from_file(path)


@pytest.mark.parametrize("values", DESCRIBED, ids=str)
def test_every_kind_of_target_has_a_whole_platform(values: dict) -> None:
    """Settings that say no more than where to stand are enough."""
    described = describe(reading.parse(values, source="S"))

    assert {"serving", "tracking", "prometheus"} <= {each.name for each in described.services}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"serving": {"wokers": 2}},
            "S: slipway:serving.wokers is no setting; known there: model, slots, workers,"
            " poll_seconds, grpc, max_body_bytes, max_rows, max_seconds, max_concurrency,"
            " max_explained, log_requests, log, signing, api_keys, api_key_hashes",
        ),
        (
            {"servin": {}},
            "S: slipway:servin is no setting; known there: target, training, serving, monitoring,"
            " pipelines, tenants",
        ),
        (
            {"serving": {"workers": 0}},
            "S: slipway:serving.workers is 0: should be greater than or equal to 1",
        ),
        (
            {"serving": {"workers": "two"}},
            "S: slipway:serving.workers is 'two': should be a valid integer",
        ),
        (
            {"target": {"kind": "mainframe"}},
            "S: slipway:target.kind is 'mainframe': should be 'processes' or 'existing' or 'kind'",
        ),
        ({"target": "here"}, "S: slipway:target is 'here': should be a mapping with a kind"),
        (
            {"target": {"kind": "existing"}},
            "S: slipway:target.context is not set: The kubeconfig's context; no other is used.",
        ),
        (
            {"target": {"kind": "existing", "context": "c", "ports": {}}},
            "S: slipway:target.ports is no setting; known there: namespace, storage_class,"
            " api_servers, custom_resources, images, database, object_store, gateway, kind,"
            " context, kubeconfig",
        ),
        (
            {"target": {"kind": "existing", "context": "c", "namespace": "My_Space"}},
            "S: slipway:target.namespace is 'My_Space': String should match pattern"
            " '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$'",
        ),
        (
            {"target": {"port": 1}},
            "S: slipway:target.port is no setting; known there: kind, ports, log_megabytes,"
            " log_files, step_variables",
        ),
        (
            {"target": {"kind": "processes", "ports": {"serving": 80}}},
            "S: slipway:target.ports.serving is 80: should be greater than or equal to 1024",
        ),
        (
            {"monitoring": {"objective": {"latency_seconds": 0.2}}},
            "S: slipway:monitoring.objective.latency_seconds is 0.2: should be a bound of serving's"
            " histogram: 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,"
            " 0.25, 0.5, 1, 2.5",
        ),
        (
            {"monitoring": {"objective": {"availability_percent": 100}}},
            "S: slipway:monitoring.objective.availability_percent is 100: should be less than 100",
        ),
        (
            {"monitoring": {"objective": {"availability": 99}}},
            "S: slipway:monitoring.objective.availability is no setting; known there:"
            " availability_percent, latency_seconds, latency_percent",
        ),
        (
            {"tenants": [{"name": "a"}]},
            "S: slipway:tenants need a target of kind existing or kind",
        ),
        (
            {"target": {"kind": "kind"}, "tenants": [{"name": "a"}, {"name": "a"}]},
            "S: slipway:tenants has the same name twice",
        ),
        (
            {"target": {"kind": "kind"}, "tenants": [{"name": "a"}, {"name": "B"}]},
            "S: slipway:tenants[1].name is 'B': String should match pattern"
            " '^[a-z]([a-z0-9-]*[a-z0-9])?$'",
        ),
        (
            {"target": {"kind": "kind", "database": {"kind": "external", "host": "db"}}},
            "S: slipway:target.database.user is not set: The user that owns the three databases.;"
            " slipway:target.database.password is not set: Set it with `pulumi config set --secret"
            " --path`.",
        ),
        (
            {"pipelines": {"recurring": [{"name": "nightly", "cron": "0 3 * * *"}]}},
            "S: slipway:pipelines.recurring[0].cron is '0 3 * * *': String should match pattern"
            r" '^\S+( \S+){5}$'",
        ),
        (
            {"training": {"months": "January"}},
            "S: slipway:training.months is 'January': String should match pattern"
            r" '^\d{1,2}(-\d{1,2})?(,\d{1,2}(-\d{1,2})?)*$'",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_rule(values: dict, said: str) -> None:
    """Field, value and rule stand in one line."""
    with pytest.raises(SettingsError) as caught:
        reading.parse(values, source="S")

    assert str(caught.value) == said


def test_all_wrong_settings_are_said_at_once() -> None:
    """Nobody mends one field only to meet the next."""
    with pytest.raises(SettingsError) as caught:
        reading.parse({"serving": {"workers": 0, "max_rows": 0}}, source="S")

    assert str(caught.value).count("slipway:serving.") == 2


def test_settings_are_frozen() -> None:
    """Nothing below can change what was parsed."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().serving.workers = 2


def test_an_unknown_stack_names_those_there_are() -> None:
    """A typing error in a stack's name is easy to mend."""
    with pytest.raises(
        SettingsError, match=r"no stack file Pulumi.lokal.yaml; stacks here:.*local"
    ):
        reading.from_file(stack_file("lokal"))


def test_a_file_that_is_not_yaml_says_where(tmp_path: Path) -> None:
    """The line of the mistake is named."""
    broken = tmp_path / "Pulumi.x.yaml"
    broken.write_text("config:\n  slipway:serving: {workers: 1\n")

    with pytest.raises(SettingsError, match=r"Pulumi.x.yaml is not YAML: .*line 3"):
        reading.from_file(broken)


def test_a_target_is_chosen_by_its_kind() -> None:
    """Each kind has its own fields; plain processes are meant where none is named."""
    chosen = [
        reading.parse({"target": target}, source="S").target
        for target in ({}, {"kind": "processes"}, {"kind": "existing", "context": "home"})
    ]

    assert chosen == [
        Processes(),
        Processes(),
        Existing(context="home"),
    ]


def test_every_branch_is_strict() -> None:
    """No part of the tree accepts what it does not know."""
    branches = [Settings, *_branches(Settings)]

    assert {Processes, Existing, Serving} <= set(branches)
    assert {branch.model_config["extra"] for branch in branches} == {"forbid"}
    assert all(branch.model_config["frozen"] for branch in branches)


def _branches(model: type[BaseModel]) -> list[type[BaseModel]]:
    found = [
        part
        for field in model.model_fields.values()
        for choice in (get_args(field.annotation) or [field.annotation])
        for part in (get_args(choice) or [choice])
    ]
    children = [
        child for child in found if isinstance(child, type) and issubclass(child, BaseModel)
    ]
    return children + [deeper for child in children for deeper in _branches(child)]
