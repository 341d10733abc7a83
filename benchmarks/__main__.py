"""`python -m benchmarks [PART ...]`: measures, and writes docs/benchmarks.md part by part."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path  # noqa: TC003 - Typer reads annotations at run time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from benchmarks import footprint, page, stack_times, steps, tenants
from benchmarks.serving import chart, measurement, report
from benchmarks.serving.client import ClientError
from benchmarks.serving.running import ContestantError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _serving(*, quick: bool) -> str:
    measured = measurement.measure(quick=quick)
    if not quick:
        chart.draw(measured, page.PAGE.with_name(report.CHART))
    return report.page(measured)


# In the order of the page. Each takes whether to measure only a little, and returns its part.
PARTS: Final[Mapping[str, Callable[[bool], str]]] = {
    "stack": lambda _: stack_times.page(stack_times.measure()),
    "steps": lambda _: steps.page(steps.measure()),
    "footprint": lambda _: footprint.page(footprint.measure()),
    "tenants": lambda _: tenants.page(tenants.measure()),
    "serving": lambda quick: _serving(quick=quick),
}


def _known(names: list[str] | None) -> list[str]:
    for name in names or ():
        if name not in PARTS:
            raise typer.BadParameter(f"there is no part {name}: choose from {', '.join(PARTS)}")
    return names or list(PARTS)


def main(
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PART]...",
            callback=_known,
            help=f"{', '.join(PARTS)}; all of them if none is named.",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Little of `serving`: 3 minutes. Writes nothing.")
    ] = False,
    output: Annotated[Path, typer.Option(help="The page to write.")] = page.PAGE,
) -> None:
    """Measure the platform and write each part of the page as soon as it is measured.

    The whole takes about 25 minutes, most of it `serving`, the model server beside its peers: it
    needs `wrk` on PATH. A part that fails leaves its place on the page as it was.
    """
    if quick and names != ["serving"]:
        raise typer.BadParameter("--quick goes with `serving` only")
    failed = [name for name in names or () if not measured(name, output, quick=quick)]
    if not quick and not failed and set(names or ()) == set(PARTS):
        page.save(page.with_head(_read(output), page.head()), output)
    raise typer.Exit(1 if failed else 0)


def measured(name: str, output: Path, *, quick: bool) -> bool:
    """Measure one part, print it and, unless `quick`, keep it; whether it could be measured."""
    try:
        part = PARTS[name](quick)
    except (ClientError, ContestantError) as error:
        sys.stderr.write(f"benchmarks: {name}: {error}\n")
        return False
    except Exception:  # noqa: BLE001 - what other parts measured is kept, whatever happened
        sys.stderr.write(f"benchmarks: {name} failed:\n{traceback.format_exc()}")
        return False
    typer.echo(part)
    if not quick:
        page.save(page.with_part(_read(output), part), output)
    return True


def _read(output: Path) -> str:
    return output.read_text(encoding="utf-8") if output.exists() else page.head()


if __name__ == "__main__":
    typer.run(main)
