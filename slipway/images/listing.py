"""Which images there are, what each is locked to, and which services of a stack run it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from infra.images import reference
from infra.versions import IMAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

    from infra.images.reference import Locked
    from infra.service import Service

_SHORT = len("sha256:") + 12


@dataclass(frozen=True)
class Listed:
    """One image of `infra.versions`."""

    name: str
    image: str
    tag: str
    digest: str
    platforms: tuple[str, ...]
    services: tuple[str, ...]
    pulled: str

    def as_json(self) -> dict[str, Any]:
        """For a script."""
        return asdict(self)


def images(
    services: Iterable[Service], registry: str | None, locked: Mapping[str, Locked]
) -> list[Listed]:
    """All images by name; `pulled` is the reference that a cluster of the stack is given."""
    users: dict[str, list[str]] = {}
    for service in services:
        users.setdefault(service.image, []).append(service.name)
    return [
        _listed(name, image, tuple(sorted(users.get(image, []))), registry, locked)
        for name, image in sorted(IMAGES.items())
    ]


def show(console: Console, images: list[Listed]) -> None:
    """A table of them."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "image", "tag", "digest", "used by"):
        table.add_column(column, no_wrap=True)
    for each in images:
        short = each.digest[:_SHORT] or "-"
        cells = (each.name, each.image, each.tag, short, ", ".join(each.services))
        table.add_row(*map(escape, cells))
    # As wide as its names, however narrow the terminal: half a name is none.
    table.width = table.__rich_measure__(console, console.options.update(max_width=1000)).maximum
    console.print(table)


def _listed(
    name: str,
    image: str,
    users: tuple[str, ...],
    registry: str | None,
    locked: Mapping[str, Locked],
) -> Listed:
    full = reference.full(image)
    repository, _, tag = full.partition("@")[0].rpartition(":")
    known = locked.get(full)
    return Listed(
        name=name,
        image=repository,
        tag=tag,
        digest=known.digest if known else "",
        platforms=known.platforms if known else (),
        services=users,
        pulled=reference.reference(image, registry, locked),
    )
