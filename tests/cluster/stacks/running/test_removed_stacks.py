"""A stack that is taken away again."""

import pytest

pytestmark = [pytest.mark.cluster]


def test_deleting_a_stacks_own_leaves_nothing(control_plane, everything, eventually) -> None:
    """Its namespaces and what it has in the cluster: all the rest goes with them."""
    there_before = control_plane.everything()
    control_plane.apply_all([*everything.of_cluster, *everything.objects])
    own = [
        each
        for each in [*everything.objects, *everything.of_cluster]
        if "namespace" not in each["metadata"]
    ]
    assert control_plane.everything() - there_before

    for each in own:
        control_plane.delete(control_plane.path(each))

    eventually(lambda: control_plane.everything() - there_before)
