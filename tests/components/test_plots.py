"""What a person sees of a model beside its baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from matplotlib.figure import Figure

from components.register import plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@pytest.fixture
def drawn(monkeypatch, trained, evaluation):
    """The axes of each plot, as they are when it is written."""
    seen = {}
    monkeypatch.setattr(plots, "_png", lambda figure: figure)
    for name, figure in plots.draw("Flights", evaluation.as_json(), trained.report()).items():
        assert isinstance(figure, Figure)
        (seen[name],) = figure.axes
    return seen


def words(axes: Axes) -> list[str]:
    """What the plot's legend says."""
    legend = axes.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def test_all_that_is_gated_has_its_plot(drawn):
    """Calibration, both curves, what is used, and how it was learned."""
    assert sorted(drawn) == [
        "calibration",
        "importance",
        "learning_binary_logloss",
        "precision_recall",
        "roc",
    ]


def test_every_plot_says_what_it_is_of(drawn, evaluation):
    """The model in the title, the number of rows under it, and what the axes measure."""
    for name, axes in drawn.items():
        assert axes.figure.get_suptitle().startswith("Flights: "), name
        assert axes.get_xlabel(), name
    late = round(evaluation.rows * evaluation.rate)
    counts = f"n = {evaluation.rows:,} held-out rows, {late:,} positive ({evaluation.rate:.1%})"
    for name in ("calibration", "precision_recall", "roc"):
        assert drawn[name].get_title().startswith(counts), name
        assert drawn[name].get_ylabel(), name


def test_areas_are_those_that_are_gated(drawn, evaluation):
    """The legend has the very figures, and what chance would give."""
    assert words(drawn["roc"]) == [
        f"model, area {evaluation.model['roc_auc']:.3f}",
        f"baseline, area {evaluation.baseline['roc_auc']:.3f}",
        "chance, area 0.500",
    ]
    assert words(drawn["precision_recall"]) == [
        f"model, average precision {evaluation.model['pr_auc']:.3f}",
        f"baseline, average precision {evaluation.baseline['pr_auc']:.3f}",
        f"chance, {evaluation.rate:.3f}",
    ]


def test_the_learning_curve_shows_which_round_was_kept(drawn, trained):
    """Both parts round by round, and the round after which trees are thrown away."""
    axes = drawn["learning_binary_logloss"]
    train, validation, kept = axes.get_lines()
    assert list(train.get_ydata()) == trained.curves["train_binary_logloss"]
    assert list(validation.get_ydata()) == trained.curves["validation_binary_logloss"]
    assert set(kept.get_xdata()) == {trained.rounds}


def test_one_round_is_a_point_that_can_be_seen(monkeypatch):
    """A line of one point is nothing on paper."""
    monkeypatch.setattr(plots, "_png", lambda figure: figure)
    curves = {"train_loss": [0.5], "validation_loss": [0.6]}
    (axes,) = plots.learning("Flights", curves, 1)["loss"].axes
    assert axes.get_title() == "1 round, 1 kept"
    assert axes.get_lines()[0].get_marker() == "o"
