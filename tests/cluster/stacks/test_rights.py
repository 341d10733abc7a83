"""What each account may do, and may not, by the API server's own judgement."""

import itertools

import pytest

from infra.service import PolicyRule

pytestmark = [pytest.mark.cluster]

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
# What leads out of an account's own rights, or to others' secrets.
DANGERS = (
    *(("", "secrets", verb) for verb in ("get", "list", "watch", "create")),
    *(("", "serviceaccounts/token", verb) for verb in ("create",)),
    *(("", resource, "create") for resource in ("pods/exec", "pods/attach", "pods/portforward")),
    *(("", resource, verb) for resource in ("nodes", "namespaces") for verb in ("create", "patch")),
    *(("", "serviceaccounts", verb) for verb in ("create", "impersonate")),
    *(("", "users", verb) for verb in ("impersonate",)),
    *(
        ("rbac.authorization.k8s.io", resource, verb)
        for resource in ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
        for verb in ("create", "update", "bind", "escalate")
    ),
    ("apps", "deployments", "create"),
    ("batch", "jobs", "create"),
    ("networking.k8s.io", "networkpolicies", "delete"),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "create"),
    ("apiextensions.k8s.io", "customresourcedefinitions", "create"),
)
ELSEWHERE = "default"


def test_every_account_may_do_what_its_service_needs(api_server, everything) -> None:
    """Each right of each service, in the namespace of its own."""
    api_server.apply_all([*everything.of_cluster, *everything.objects])

    refused = [
        (account, wish)
        for account, rights in everything.rights.items()
        for wish in wishes(rights)
        if not may(api_server, everything.namespace, account, everything.namespace, wish)
    ]

    assert refused == []


def test_no_account_may_do_anything_in_another_namespace(api_server, everything) -> None:
    """A Role ends at its namespace."""
    api_server.apply_all([*everything.of_cluster, *everything.objects])

    allowed = [
        (account, wish)
        for account, rights in everything.rights.items()
        for wish in wishes(rights)
        if may(api_server, everything.namespace, account, ELSEWHERE, wish)
    ]

    assert allowed == []


def test_no_account_may_do_what_is_dangerous_unless_its_service_says_so(
    api_server, everything
) -> None:
    """Neither in its own namespace nor in all of them."""
    api_server.apply_all([*everything.of_cluster, *everything.objects])
    own = everything.namespace

    allowed = [
        (account, where, wish)
        for account, rights in everything.rights.items()
        for group, resource, verb in DANGERS
        for where in (own, "")
        if (wish := (group, resource, verb, "")) not in {*wishes(rights)} or not where
        if may(api_server, own, account, where, wish)
    ]

    assert allowed == []


def test_an_account_may_do_nothing_that_only_another_needs(api_server, everything) -> None:
    """Every verb on every kind that any service has a right to, but for its own."""
    api_server.apply_all([*everything.of_cluster, *everything.objects])
    own = everything.namespace
    kinds = sorted({wish[:2] for rights in everything.rights.values() for wish in wishes(rights)})

    allowed = [
        (account, wish)
        for account, rights in everything.rights.items()
        for (group, resource), verb in itertools.product(kinds, VERBS)
        if (wish := (group, resource, verb, "")) not in {*wishes(rights)}
        if may(api_server, own, account, own, wish)
    ]

    assert allowed == []


def wishes(rights: tuple[PolicyRule, ...]) -> list[tuple[str, str, str, str]]:
    """Rights one by one: group, resource, verb, and the one name if it is for that alone."""
    return [
        (group, resource, verb, name)
        for right in rights
        for group in right.groups
        for resource in right.resources
        for verb in right.verbs
        for name in getattr(right, "names", ()) or ("",)
    ]


def may(
    api_server, home: str, account: str, namespace: str, wish: tuple[str, str, str, str]
) -> bool:
    """Whether an account of the namespace `home` may do something in a namespace, or in all."""
    group, resource, verb, name = wish
    resource, _, part = resource.partition("/")
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": f"system:serviceaccount:{home}:{account}",
            "groups": [
                "system:serviceaccounts",
                f"system:serviceaccounts:{home}",
                "system:authenticated",
            ],
            "resourceAttributes": {
                "namespace": namespace,
                "group": group,
                "resource": resource,
                "subresource": part,
                "verb": verb,
                "name": name,
            },
        },
    }
    answer = api_server.http.post(
        "/apis/authorization.k8s.io/v1/subjectaccessreviews", json=review
    ).raise_for_status()
    return answer.json()["status"]["allowed"]
