"""The README's picture of the platform, drawn from the list of services itself.

`python -m infra.diagram` draws it anew; a test holds that it is current.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infra.home import ROOT

if TYPE_CHECKING:
    from infra.service import Service

_BLOCK = re.compile(r"(?<=<!-- picture -->\n).*(?=<!-- /picture -->)", re.DOTALL)
_ROOMS = {
    "store": "what is kept",
    "tracking": "what is known",
    "serving": "what answers",
    "monitoring": "what watches",
}


def mermaid(services: list[Service]) -> str:
    """A Mermaid flowchart: a room a role, a node a service, an arrow for who calls whom."""
    lines = ["```mermaid", "flowchart LR", '  pipeline(["pipeline runs"])']
    for role, title in _ROOMS.items():
        lines.append(f'  subgraph room_{role}["{title}"]')
        lines += [f'    {_id(s.name)}["{s.name}"]' for s in services if s.role == role]
        lines.append("  end")
    for service in services:
        style = "-.->" if service.role == "monitoring" else "-->"
        lines += [f"  {_id(service.name)} {style} {_id(called)}" for called in service.talks_to]
    lines += [f"  pipeline --> {_id(s.name)}" for s in services if s.role in {"store", "tracking"}]
    return "\n".join([*lines, "```", ""])


def redraw(readme: str, services: list[Service]) -> str:
    """The README with the picture of these services in its place."""
    return _BLOCK.sub(lambda _: mermaid(services), readme)


def _id(name: str) -> str:
    return name.replace("-", "_")


def main() -> None:
    """Redraw the README's picture."""
    from infra.services import all_services  # noqa: PLC0415 - only when it is run
    from infra.settings import Settings  # noqa: PLC0415

    path = ROOT / "README.md"
    services = all_services(Settings(), grafana_at_hand=True)
    path.write_text(redraw(path.read_text(encoding="utf-8"), services), encoding="utf-8")


if __name__ == "__main__":
    main()
