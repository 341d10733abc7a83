"""The policies by the command line: a stack's own objects, and a preview that somebody saved."""

import json
from pathlib import Path

import pytest

from infra.errors import SettingsError, SlipwayError
from infra.policies import Violation
from infra.settings.reading import parse
from infra.settings.tree import Settings
from slipway.doctor import policies as policy_check

ON_A_CLUSTER = parse(
    {
        "target": {
            "kind": "existing",
            "context": "c",
            "gateway": {"class_name": "proxies", "hostname": "example.org"},
        }
    },
    source="S",
)


def test_our_own_stacks_break_no_rule() -> None:
    """With the gateway, and with the named exceptions alone."""
    assert policy_check.of_settings(ON_A_CLUSTER, "dev") == []


def test_tenants_are_judged_with_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in their namespaces is the stack's, too."""
    target = ON_A_CLUSTER.target.model_dump()
    settings = parse({"target": target, "tenants": [{"name": "red"}]}, source="S")
    rule = {"seen": lambda made: [made["metadata"].get("namespace", "")]}
    monkeypatch.setattr(policy_check.policies, "RULES", rule)
    monkeypatch.setattr(policy_check.policies, "exceptions", lambda _namespace: ())

    seen = {each.detail for each in policy_check.of_settings(settings, "dev")}

    assert {"slipway", "slipway-red"} <= seen


def test_a_preview_is_judged_by_the_same_rules(tmp_path: Path) -> None:
    """What a fork added to its program is seen, too."""
    role = {
        "kind": "Role",
        "metadata": {"name": "wide"},
        "rules": [{"apiGroups": ["*"], "resources": ["pods"], "verbs": ["get"]}],
    }
    state = {"type": "kubernetes:rbac.authorization.k8s.io/v1:Role", "inputs": role}
    file = tmp_path / "preview.json"
    file.write_text(json.dumps({"steps": [{"op": "create", "newState": state}]}))

    assert policy_check.of_preview(ON_A_CLUSTER, "dev", file) == [
        Violation("no-wildcard", "Role", "wide", "a rule has a wildcard in apiGroups")
    ]


@pytest.mark.parametrize("text", ["[]", "{}", "no JSON"])
def test_a_file_that_is_no_preview_is_named(tmp_path: Path, text: str) -> None:
    """And how to write one."""
    file = tmp_path / "preview.json"
    file.write_text(text)

    with pytest.raises(SlipwayError, match=r"preview\.json (is no preview: write|cannot be read)"):
        policy_check.of_preview(ON_A_CLUSTER, "dev", file)


def test_processes_have_no_objects() -> None:
    """One line says so."""
    with pytest.raises(SettingsError, match="stack local is not on Kubernetes"):
        policy_check.of_settings(Settings(), "local")
