"""How the tests are spread over workers."""

import pytest
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ("tests.pulumi_recorder",)

SHARED = ("tests/e2e/shared/", "tests/node/")


class OnePlatform(LoadScopeScheduling):
    """Each test goes where there is room, but those that share a platform go to one worker.

    Marking them as an `xdist_group` would say the same; with pytest 9 it has no effect.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((shared for shared in SHARED if nodeid.startswith(shared)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return OnePlatform(config, log)
