"""The program that Pulumi runs: settings, services, target, outputs."""

from __future__ import annotations

import pulumi

from infra import settings
from infra.errors import SlipwayError
from infra.home import Home
from infra.services import all_services
from infra.targets.processes.target import ProcessPlatform, recorded_tools


def deploy() -> None:
    """Describe the platform of the running stack to Pulumi.

    Raises:
        pulumi.RunError: something a user can mend, before any resource is touched.
    """
    try:
        chosen = settings.from_pulumi(pulumi.get_stack())
        home = Home.of_environment()
        services = all_services(chosen, grafana_at_hand="grafana" in recorded_tools(home.tools))
        platform = ProcessPlatform("platform", services, chosen.target, home)
    except SlipwayError as error:
        raise pulumi.RunError(str(error)) from None
    for name, value in platform.outputs.items():
        pulumi.export(name, value)
