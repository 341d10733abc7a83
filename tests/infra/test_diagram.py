"""The README's picture of the platform."""

from infra import diagram
from infra.home import ROOT
from infra.services import all_services
from infra.settings.tree import Settings

SERVICES = all_services(Settings(), grafana_at_hand=True)


def test_the_readme_shows_the_platform_as_it_is() -> None:
    """Whoever adds a service runs `python -m infra.diagram`."""
    readme = (ROOT / "README.md").read_text()

    assert diagram.redraw(readme, SERVICES) == readme


def test_every_service_and_every_call_is_drawn() -> None:
    """A node each, an arrow each."""
    drawn = diagram.mermaid(SERVICES)

    for service in SERVICES:
        name = service.name.replace("-", "_")
        assert f'{name}["{service.name}"]' in drawn
        for called in service.talks_to:
            assert f"> {called.replace('-', '_')}" in drawn.split(f"  {name} -", 1)[1]
