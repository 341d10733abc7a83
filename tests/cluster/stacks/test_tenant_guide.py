"""What the guide of tenants says to run is accepted as it stands there."""

import re
from pathlib import Path

import pytest
import yaml

from infra.settings.tenants import Tenant
from infra.settings.tree import Settings

pytestmark = [pytest.mark.cluster]

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "tenants.md"
EXAMPLE = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


def documents() -> list[dict]:
    """The examples in YAML."""
    return [yaml.safe_load(found) for found in EXAMPLE.findall(GUIDE.read_text())]


def test_the_guides_settings_and_job_are_accepted(api_server, tenants) -> None:
    """Without a warning: Pod Security would warn of a template that it will refuse."""
    settings, job = documents()
    [tenant] = settings["slipway:tenants"]
    target = {"kind": "existing", "context": "c"}
    parsed = Settings.model_validate({"target": target, "tenants": [tenant]})
    assert set(tenant) == set(Tenant.model_fields)
    assert parsed.tenant_namespaces == [job["metadata"]["namespace"]]
    api_server.warnings.clear()

    job["metadata"]["namespace"] = tenants.namespaces[1]
    api_server.apply_all([job])

    assert api_server.warnings == []
