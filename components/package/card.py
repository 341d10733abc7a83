"""The model card (Mitchell et al. 2019), from the use case's words and the run's figures.

Owns the card's order and tables. It holds no time and no run id, so that the same training gives
the same package; the tracking server knows those.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.evaluate.metrics import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from components.evaluate.logic import Evaluation, Figures
    from usecases.contract import UseCase


def write(
    usecase: UseCase,
    parts: dict[str, pl.DataFrame],
    report: dict[str, Any],
    evaluation: Evaluation,
    decision: dict[str, Any],
) -> str:
    """Return the card as Markdown; `parts` are the named parts of the split, in time order."""
    words = usecase.card
    sections = {
        "Purpose": [words.purpose],
        "Target": [words.target],
        "Data": [
            words.data,
            f"Lake version: `{decision['lake_version']}`",
            *_table(_parts(usecase, parts)),
        ],
        "Held-out figures": [*_table(_figures(evaluation)), f"Baseline: {words.baseline}"],
        "Per slice": [*_table(_slices(evaluation))],
        "Gate": [f"- {check['rule']}" for check in decision["checks"]],
        "Training": [*_table(_training(report))],
        "What the trees use": [*_table(_importance(report))],
        "Inputs": [*_table(_inputs(usecase))],
        "Limits": [f"- {limit}" for limit in words.limits],
    }
    body = "\n\n".join(f"## {name}\n\n" + "\n".join(lines) for name, lines in sections.items())
    return re.sub(r"\n{3,}", "\n\n", f"# {words.title}\n\n{body}").rstrip() + "\n"


def _table(rows: Iterator[Sequence[object]]) -> list[str]:
    """Return a Markdown table, the first row its head, with the blank line that must follow."""
    head, *rest = rows
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in (head, *rest)]
    return ["", lines[0], "|" + "---|" * len(head), *lines[1:], ""]


def _parts(usecase: UseCase, parts: dict[str, pl.DataFrame]) -> Iterator[Sequence[object]]:
    yield "part", "from", "to", "rows", "positive"
    for name, rows in parts.items():
        days = rows[usecase.event_date]
        yield (
            name,
            days.min(),
            days.max(),
            rows.height,
            f"{rows[usecase.label].to_numpy().mean():.1%}",
        )


def _figures(evaluation: Evaluation) -> Iterator[Sequence[object]]:
    yield "predictor", *NAMES
    yield "this model", *_four(evaluation.model)
    yield "baseline", *_four(evaluation.baseline)


def _slices(evaluation: Evaluation) -> Iterator[Sequence[object]]:
    yield "slice", "rows", "positive", *NAMES, "baseline log_loss"
    for figures in evaluation.slices:
        name = f"{figures.dimension} = {figures.value}"
        other = f"{figures.baseline['log_loss']:.4f}"
        yield name, figures.rows, f"{figures.rate:.1%}", *_four(figures.model), other


def _training(report: dict[str, Any]) -> Iterator[Sequence[object]]:
    yield "parameter", "value"
    yield from sorted(report["parameters"].items())
    yield "trees", report["rounds"]
    yield "largest difference of graph and trees", f"{report['parity']:.1g}"


def _importance(report: dict[str, Any]) -> Iterator[Sequence[object]]:
    yield "feature", "share of gain"
    for name, share in report["importance"].items():
        yield name, f"{share:.1%}"


def _inputs(usecase: UseCase) -> Iterator[Sequence[object]]:
    yield "input", "type", "unit", "meaning"
    for item in usecase.inputs:
        values = f" ({', '.join(item.values)})" if item.values else ""
        yield item.name, item.datatype, item.unit, f"{item.meaning}{values}"


def _four(figures: Figures) -> list[str]:
    return [f"{figures[name]:.4f}" for name in NAMES]
