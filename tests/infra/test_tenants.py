"""What tenants are: their names, what their steps find, and who else changes for them."""

import json

import pytest

from infra.description import Description, describe
from infra.errors import SettingsError
from infra.service import secrets_in
from infra.settings.reading import parse
from infra.settings.tenants import MAX_TENANTS

TARGET = {"kind": "existing", "context": "c", "namespace": "mlops"}
S3 = {"kind": "s3", "bucket_prefix": "corp", "access_key": "A", "secret_key": "B"}


def described(*tenants: str, **target: object) -> Description:
    settings = {"target": TARGET | target, "tenants": [{"name": name} for name in tenants]}
    return describe(parse(settings, source="S"))


def test_a_tenant_has_a_namespace_keys_a_bucket_and_a_name_of_its_own() -> None:
    """Its steps reach the platform's services, but nothing of them with the platform's keys."""
    with_tenant = described("red")
    [red] = with_tenant.tenants
    ours, its = with_tenant.steps.environment, red.steps.environment

    assert red.namespace == "mlops-red"
    assert {name: its[name] for name in its if its[name] != ours.get(name)} == {
        "AWS_ACCESS_KEY_ID": "@{secret:tenant-red-access-key}",
        "AWS_SECRET_ACCESS_KEY": "@{secret:tenant-red-secret-key}",
        "SLIPWAY_LAKE": "s3://tenant-red/lake",
        "SLIPWAY_TENANT": "red",
    }
    assert red.steps.launcher["defaultPipelineRoot"] == "s3://tenant-red/mlpipeline/artifacts"
    assert with_tenant.external_secrets == {"tenant-red-access-key": "tenant-red"}
    assert red.steps.secrets <= with_tenant.secrets


def test_a_tenant_cannot_sign_as_the_platform() -> None:
    """What it makes is not what the platform's model server is told to trust."""
    with_tenant = described("red")
    [red] = with_tenant.tenants

    assert "SLIPWAY_SIGNING_KEY" in with_tenant.steps.environment
    assert "SLIPWAY_SIGNING_KEY" not in red.steps.environment
    assert "signing-key" not in red.steps.secrets


def test_in_a_store_of_somebody_elses_a_tenant_has_a_folder_of_each_bucket() -> None:
    """There the keys are the platform's: it has no others to give."""
    outside = described("red", object_store=S3)
    [red] = outside.tenants

    assert red.steps.environment["SLIPWAY_LAKE"] == "s3://corp-lake/tenants/red"
    assert red.steps.secrets == outside.steps.secrets - {"signing-key"}
    root = red.steps.launcher["defaultPipelineRoot"]
    assert root == "s3://corp-mlpipeline/tenants/red/artifacts"
    assert [service.name for service in outside.services if service.job] == []


def test_only_those_who_must_know_of_a_tenant_change_for_it() -> None:
    """The store, what watches it, and one Job more; no other service."""
    before = {service.name: service for service in described().services}
    after = {service.name: service for service in described("red").services}

    changed = {name for name in after if after[name] != before.get(name)}
    assert changed - {"tenant-red-bucket"} == {
        *("object-store", "log-collector", "kube-state-metrics", "prometheus", "grafana"),
    }
    assert "tenants/red/red.json" in after["grafana"].files
    assert before.keys() <= after.keys()


def test_the_object_store_knows_each_tenant_by_its_own_key() -> None:
    """An account's name is no secret, its key is; without tenants there are no accounts."""
    store = next(each for each in described("red", "blue").services if each.name == "object-store")
    accounts = json.loads(store.files["iam/users.json"])["accessAccounts"]

    assert {name: account["role"] for name, account in accounts.items()} == {
        "tenant-red": "user",
        "tenant-blue": "user",
    }
    assert secrets_in(accounts["tenant-red"]["secret"]) == {"tenant-red-secret-key"}
    assert {"tenant-red", "tenant-blue"} < set(store.data.folders)
    alone = next(each for each in described().services if each.name == "object-store")
    assert not alone.files
    assert "--iam-dir" not in alone.command


def test_tenants_of_two_stacks_share_no_namespace() -> None:
    """A namespace begins with that of its stack."""
    one, other = (described("red", "blue", namespace=name) for name in ("one", "other"))

    names = [tenant.namespace for tenant in (*one.tenants, *other.tenants)]
    assert len(set(names)) == len(names) == 4


def test_the_dashboards_of_all_tenants_fit_where_grafana_reads_them() -> None:
    """A ConfigMap holds 1 MiB; more tenants than that are refused by the settings."""
    names = [f"{'t' * 27}{number:03}" for number in range(MAX_TENANTS)]
    [grafana] = [each for each in described(*names).services if each.name == "grafana"]

    size = sum(len(name.encode()) + len(text.encode()) for name, text in grafana.files.items())
    assert size < 2**20


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"target": TARGET | {"namespace": "n" * 60}, "tenants": [{"name": "red"}]},
            f"S: slipway:tenant red would have the namespace {'n' * 60}-red, which is longer than"
            " 63 letters: shorten its name, or target.namespace",
        ),
        (
            {"target": TARGET, "tenants": [{"name": "red", "members": [""]}]},
            "S: slipway:tenants[0].members[0] is '': String should have at least 1 character",
        ),
        (
            {"target": TARGET, "tenants": [{"name": "Red"}]},
            "S: slipway:tenants[0].name is 'Red': String should match pattern",
        ),
        (
            {"target": TARGET, "tenants": [{"name": f"t{number}"} for number in range(101)]},
            "S: slipway:tenants has 101 entries: 100 is the most",
        ),
    ],
)
def test_a_tenant_that_cannot_be_is_refused(settings: dict, said: str) -> None:
    """The field, and the rule."""
    with pytest.raises(SettingsError) as refused:
        parse(settings, source="S")

    assert str(refused.value).startswith(said)
