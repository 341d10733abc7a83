"""Every object of every kind of stack, as a real API server takes it."""

import pytest

pytestmark = [pytest.mark.cluster]

# What controllers write beside us, and what changes with it.
OTHERS = {"managedFields", "resourceVersion"}


def test_every_object_of_every_stack_is_accepted_to_the_last_field(api_server, variant) -> None:
    """Server-side apply, strict: no unknown field, no refused value, not one warning."""
    api_server.warnings.clear()

    api_server.apply_all([*variant.of_cluster, *variant.objects])

    assert api_server.warnings == []


def test_every_object_of_every_stack_settles(api_server, variant) -> None:
    """Applied again nothing changes: a second `up` has nothing to do.

    The second apply is the first that counts: the server settles some claims at that one.
    """
    manifests = [*variant.of_cluster, *variant.objects]
    job, twice, thrice = (api_server.apply_all(manifests) for _ in range(3))

    specs = [path for path in job if job[path].get("spec") != twice[path].get("spec")]
    assert specs == []
    assert [path for path in job if settled(twice[path]) != settled(thrice[path])] == []


def settled(found: dict) -> dict:
    """An object but for what its controllers report, if it has any."""
    if "status" not in found:
        return found
    metadata = {name: value for name, value in found["metadata"].items() if name not in OTHERS}
    return {name: value for name, value in found.items() if name != "status"} | {
        "metadata": metadata
    }
