"""Who may do what where tenants are, by the API server's own judgement."""

import pytest

from contracts.steps import ACCOUNT
from infra.service import PolicyRule
from infra.targets.kubernetes import runner
from infra.targets.kubernetes.tenants import RIGHTS

pytestmark = [pytest.mark.cluster]

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
KINDS = (
    *(("", name) for name in ("pods", "pods/log", "pods/exec", "secrets", "configmaps")),
    *(
        ("", name)
        for name in ("serviceaccounts/token", "serviceaccounts", "persistentvolumeclaims")
    ),
    *(("", name) for name in ("resourcequotas", "limitranges", "events", "services")),
    *(("batch", name) for name in ("jobs", "cronjobs")),
    *(("argoproj.io", name) for name in ("workflows", "workflowtaskresults")),
    *(("rbac.authorization.k8s.io", name) for name in ("roles", "rolebindings")),
    ("networking.k8s.io", "networkpolicies"),
    ("apps", "deployments"),
)


def may(api_server, user: str, namespace: str, wish: tuple[str, str, str, str]) -> bool:
    """Whether a user, or an account by its full name, may do something in a namespace."""
    group, resource, verb, name = wish
    resource, _, part = resource.partition("/")
    groups = ["system:authenticated"]
    if user.startswith("system:serviceaccount:"):
        groups += ["system:serviceaccounts", f"system:serviceaccounts:{user.split(':')[2]}"]
    attributes = {
        "namespace": namespace,
        "group": group,
        "resource": resource,
        "subresource": part,
        "verb": verb,
        "name": name,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": groups, "resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    answer = api_server.http.post(path, json=review).raise_for_status()
    return answer.json()["status"]["allowed"]


def wishes(rights: tuple[PolicyRule, ...]) -> set[tuple[str, str, str, str]]:
    """Rights one by one: group, resource, verb, and the one name if it is for that alone."""
    return {
        (group, resource, verb, name)
        for right in rights
        for group in right.groups
        for resource in right.resources
        for verb in right.verbs
        for name in right.names or ("",)
    }


def granted(api_server, user: str, namespace: str, beside: set) -> set:
    """All that a user may do there, of what any tenant's object or right is about."""
    asked = {(*kind, verb, "") for kind in KINDS for verb in VERBS} | beside
    return {wish for wish in asked if may(api_server, user, namespace, wish)}


def test_a_tenants_runner_may_do_just_its_own_and_only_at_home(api_server, tenants) -> None:
    """Nothing in the other tenant's namespace, nothing in the platform's, nothing elsewhere."""
    platform, red, blue = tenants.namespaces
    rights = wishes(runner.RIGHTS)
    account = f"system:serviceaccount:{red}:{ACCOUNT}"

    assert granted(api_server, account, red, rights) == rights
    for elsewhere in (blue, platform, "default"):
        assert granted(api_server, account, elsewhere, rights) == set(), elsewhere


def test_the_platforms_own_runner_may_do_nothing_in_a_tenants_namespace(
    api_server, tenants
) -> None:
    """The accounts have the same name, and are others."""
    platform, red, _ = tenants.namespaces
    account = f"system:serviceaccount:{platform}:{ACCOUNT}"

    assert granted(api_server, account, red, wishes(runner.RIGHTS)) == set()


def test_members_may_run_jobs_at_home_and_read_no_secret(api_server, tenants) -> None:
    """What the Role says and no more; nothing elsewhere; and strangers nothing at all."""
    platform, red, blue = tenants.namespaces
    rights = wishes(RIGHTS)

    assert granted(api_server, "ada", red, rights) == rights
    for elsewhere in (blue, platform, "default"):
        assert granted(api_server, "ada", elsewhere, rights) == set(), elsewhere
    assert granted(api_server, "eve", red, rights) == set()


def test_services_may_do_in_tenants_namespaces_what_they_say(api_server, tenants) -> None:
    """Those that watch may read there; no other service may do anything there."""
    platform, red, _ = tenants.namespaces

    for service in tenants.services:
        account = f"system:serviceaccount:{platform}:{service.name}"
        everywhere, there = wishes(service.cluster_rights), wishes(service.tenant_rights)
        found = granted(api_server, account, red, there) - everywhere
        assert found == there, service.name
