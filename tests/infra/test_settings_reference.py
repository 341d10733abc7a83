"""The reference of the settings: current, and complete enough to need no other."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from infra.home import ROOT
from infra.settings import reference
from infra.settings.tree import PREFIX, Settings

STACKS = sorted(
    path
    for path in (ROOT / "infra" / "stacks").glob("Pulumi.*.yaml")
    # Those of tests that run at the same time.
    if not path.name.startswith("Pulumi.test-")
)
# Tests of a cluster that was made from its file have to read it.
OF_A_STACK_FILE = {"kind/test_kind_cluster.py", "infra/test_settings_reference.py"}
READS_ONE = re.compile(r"stack_file\(\"(?:local|kind|existing)\"\)")


def accepted(config: dict) -> bool:
    """Whether an editor that goes by the schema has nothing to say."""
    schema = json.loads(reference.SCHEMA.read_text())
    return jsonschema_rs.is_valid(schema, {"config": config})


def test_the_reference_is_current() -> None:
    """Whoever changes a setting runs `make reference`."""
    assert reference.PAGE.read_text() == reference.page()
    assert reference.SCHEMA.read_text() == reference.schema()


def test_every_setting_says_what_it_means() -> None:
    """No row without a meaning, none without a default unless it has none."""
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in reference.page().splitlines()
        if line.startswith("| `")
    ]

    assert len(rows) > 80
    assert [name for name, *_, meaning in rows if not meaning] == []


def test_every_default_of_the_local_platform_is_in_the_reference() -> None:
    """What `Settings()` has stands in the page, word for word."""
    page = reference.page()

    for name, values in Settings().model_dump(exclude={"target", "tenants"}).items():
        section = page.partition(f"## `{PREFIX}{name}`\n")[2].partition("\n## ")[0]
        for key, value in values.items():
            if not isinstance(value, dict) or not value:
                assert re.search(
                    rf"\| `{key}` \|[^\n]*\| `{re.escape(json.dumps(value))}` \|", section
                )


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_an_editor_accepts_the_stack_files(path: Path) -> None:
    """They name the schema, which has no complaint."""
    text = path.read_text()

    assert accepted(yaml.safe_load(text)["config"])


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"aws:region": "eu-central-1", "slipway:target": {"ports": {"serving": 8080}}}, True),
        ({"slipway:servin": {}}, False),
        ({"slipway:serving": {"wokers": 1}}, False),
        ({"slipway:serving": {"workers": 0}}, False),
        ({"slipway:target": {"kind": "kind", "workers": 2}}, True),
        ({"slipway:target": {"kind": "existing"}}, False),
    ],
)
def test_an_editor_sees_what_is_wrong(config: dict, expected: bool) -> None:  # noqa: FBT001
    """The schema is as strict as the tree."""
    assert accepted(config) is expected


def test_an_editor_accepts_what_pulumi_encrypts() -> None:
    """A secret is text here, or what `pulumi config set --secret` makes of it."""
    store = {
        "kind": "s3",
        "bucket_prefix": "acme",
        "access_key": "k",
        "secret_key": {"secure": "v1:"},
    }
    target = {"kind": "existing", "context": "c", "object_store": store}

    assert accepted({"slipway:target": target})


def test_no_test_depends_on_what_a_fork_sets() -> None:
    """The stack files are a fork's to edit; tests have settings of their own."""
    tests = ROOT / "tests"
    reading = {
        str(path.relative_to(tests))
        for path in tests.rglob("*.py")
        if READS_ONE.search(path.read_text())
    }

    assert reading - OF_A_STACK_FILE == set()
