"""Decides whether a model may serve: against bounds, the baseline and the current champion.

Owns the decision and its reasons. The numbers to reach are the use case's `QualityGates`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from components.evaluate.metrics import improvement
from contracts.verdicts import ACCEPTED, REJECTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from components.evaluate.logic import Evaluation, Figures, SliceFigures
    from usecases.contract import Metric, QualityGates


@dataclass(frozen=True)
class Check:
    """One thing a model had to reach, with the numbers it was judged by."""

    rule: str
    value: float
    bound: float
    passed: bool

    def __str__(self) -> str:
        """Return e.g. `log_loss beats the baseline by 0.0235 (at least 0.005): passed`."""
        return f"{self.rule}: {'passed' if self.passed else 'FAILED'}"


@dataclass(frozen=True)
class Comparison:
    """The champion's figures, None if there is none to compare with, and the candidate's.

    Attributes:
        notes: what a reader should know of it.
        checks: what else the candidate was held to for the champion's sake.
        champion: its figures, on rows that neither was trained on.
        candidate: the candidate's on the same rows; None where those are all of its held-out rows.
    """

    notes: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    champion: Figures | None = None
    candidate: Figures | None = None


@dataclass(frozen=True)
class Decision:
    """The verdict with every check; `notes` says what could not be checked, and why."""

    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """`accepted` if every check passed."""
        return ACCEPTED if all(check.passed for check in self.checks) else REJECTED

    @property
    def reasons(self) -> tuple[str, ...]:
        """The failed checks, in words."""
        return tuple(check.rule for check in self.checks if not check.passed)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data, with verdict and reasons spelled out."""
        return {"verdict": self.verdict, "reasons": list(self.reasons), **asdict(self)}


def decide(
    evaluation: Evaluation, gates: QualityGates, compared: Comparison | None = None
) -> Decision:
    """Hold the evaluation, and the comparison with the champion, against the gates."""
    compared = compared or Comparison()
    checks = [*_versus("the baseline", evaluation.model, evaluation.baseline, gates.beats_baseline)]
    checks += _bounds(evaluation.model, gates.at_most)
    for found in evaluation.slices:
        if found.rows >= gates.slice_rows:
            checks += _slice(found, gates.slices)
    if compared.champion is not None:
        slack = {metric: -allowed for metric, allowed in gates.champion.items()}
        candidate = compared.candidate or evaluation.model
        checks += _versus("the champion", candidate, compared.champion, slack)
    return Decision((*checks, *compared.checks), compared.notes)


def _versus(
    who: str, model: Figures, other: Figures, margins: Mapping[Metric, float]
) -> Iterator[Check]:
    for metric, margin in margins.items():
        gain = improvement(metric, model[metric], other[metric])
        numbers = f"{model[metric]:.4f} against {other[metric]:.4f}"
        wanted = f"at least {margin:g} better" if margin >= 0 else f"at most {-margin:g} worse"
        yield Check(f"{metric} {numbers} of {who}, must be {wanted}", gain, margin, gain >= margin)


def _bounds(model: Figures, bounds: Mapping[Metric, float]) -> Iterator[Check]:
    for metric, bound in bounds.items():
        value = model[metric]
        yield Check(
            f"{metric} {value:.4f}, must be at most {bound:g}", value, bound, value <= bound
        )


def _slice(found: SliceFigures, allowed: Mapping[Metric, float]) -> Iterator[Check]:
    slack = {metric: -worse for metric, worse in allowed.items()}
    who = f"the baseline where {found.dimension} is {found.value}"
    yield from _versus(who, found.model, found.baseline, slack)
