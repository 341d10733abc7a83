"""The gate's decisions, and that each is recorded."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from components.evaluate.logic import Evaluation, SliceFigures
from components.gate import step
from components.gate.logic import decide
from components.package.logic import package, push
from components.registry_oci import Registry
from components.tracking import Tracking
from usecases.contract import Gates
from usecases.errors import StepError
from usecases.flight_delays import USECASE

GOOD = {"roc_auc": 0.7, "pr_auc": 0.4, "log_loss": 0.48, "brier": 0.15, "ece": 0.01}
POOR = {"roc_auc": 0.6, "pr_auc": 0.3, "log_loss": 0.52, "brier": 0.16, "ece": 0.02}
GATES = Gates(
    beats_baseline={"roc_auc": 0.05},
    at_most={"ece": 0.015},
    slices={"log_loss": 0.01},
    slice_rows=100,
    champion={"log_loss": 0.005},
)


def judged(model=GOOD, baseline=POOR, slices=()):
    """An evaluation with these figures."""
    return Evaluation(1000, 0.2, model, baseline, tuple(slices), {}, {})


def slice_of(rows, log_loss):
    """A slice on which the baseline's log loss is 0.5."""
    figures = {**GOOD, "log_loss": log_loss}
    return SliceFigures("origin", "JFK", rows, 0.2, figures, {**POOR, "log_loss": 0.5})


def test_good_model_passes_every_check():
    """Verdict, reasons and rules of a model that reaches everything."""
    decision = decide(judged(slices=[slice_of(100, 0.505)]), GATES, champion=GOOD)
    assert (decision.verdict, decision.reasons) == ("accepted", ())
    assert [check.rule for check in decision.checks] == [
        "roc_auc 0.7000 against 0.6000 of the baseline, must be at least 0.05 better",
        "ece 0.0100, must be at most 0.015",
        "log_loss 0.5050 against 0.5000 of the baseline where origin is JFK,"
        " must be at most 0.01 worse",
        "log_loss 0.4800 against 0.4800 of the champion, must be at most 0.005 worse",
    ]


@pytest.mark.parametrize(
    ("evaluation", "champion", "reason"),
    [
        (judged(baseline={**POOR, "roc_auc": 0.66}), None, "roc_auc 0.7000 against 0.6600"),
        (judged(model={**GOOD, "ece": 0.016}), None, "ece 0.0160, must be"),
        (judged(slices=[slice_of(100, 0.511)]), None, "log_loss 0.5110 against 0.5000"),
        (judged(), {**GOOD, "log_loss": 0.474}, "log_loss 0.4800 against 0.4740 of the champion"),
    ],
    ids=["baseline", "bound", "slice", "champion"],
)
def test_each_gate_rejects_with_its_numbers(evaluation, champion, reason):
    """One failed check rejects, and is the one reason."""
    decision = decide(evaluation, GATES, champion)
    assert decision.verdict == "rejected"
    (found,) = decision.reasons
    assert found.startswith(reason)


def test_small_slices_are_not_judged():
    """A slice with too few rows cannot reject."""
    assert decide(judged(slices=[slice_of(99, 0.9)]), GATES).verdict == "accepted"


@pytest.fixture
def inputs(mlflow, parts, trained, evaluation, tmp_path):
    """What the gate step is given for the small model."""
    with Tracking(step.endpoints.tracking()) as tracking:
        run = tracking.start_run(USECASE.model, "training-1", {})
    begun = {"run_id": run, "lake_version": "flights@0"}
    paths = {name: str(tmp_path / f"{name}.parquet") for name in ("train", "validation", "test")}
    for name, path in paths.items():
        getattr(parts, name).write_parquet(path)
    return paths, begun, trained.report(), json.loads(json.dumps(evaluation.as_json()))


def test_first_model_is_judged_without_a_champion(mlflow, oci, inputs, evaluation):
    """Without a champion the gate says so, and MLflow holds parameters, metrics and verdict."""
    found, _ = step.judge(USECASE, *inputs)
    assert (found["notes"], found["champion"]) == (("there is no champion yet",), None)
    assert (found["run_id"], found["lake_version"]) == ("run0", "flights@0")
    run = mlflow.runs["run0"]
    assert (run["tags"]["verdict"], run["tags"]["reasons"]) == (
        found["verdict"],
        " | ".join(found["reasons"]),
    )
    assert run["tags"]["mlflow.note.content"].startswith(f"**{found['verdict']}**\n\n- ")
    assert run["metrics"]["roc_auc"] == evaluation.model["roc_auc"]
    assert run["metrics"]["baseline_brier"] == evaluation.baseline["brier"]
    assert run["params"]["num_leaves"] == "31"


def test_a_run_shows_how_the_model_was_learned(mlflow, oci, inputs, trained):
    """The loss after each round, on both parts, round by round."""
    step.judge(USECASE, *inputs)
    curves = mlflow.runs["run0"]["curves"]
    for part in ("train", "validation"):
        name = f"{part}_binary_logloss"
        assert curves[name] == list(enumerate(trained.curves[name], start=1))
        assert len(curves[name]) >= trained.rounds


def test_a_run_names_the_rows_that_a_model_was_made_and_judged_with(mlflow, oci, inputs, parts):
    """Each part is an input of the run with its use, schema, counts and a digest of its rows."""
    step.judge(USECASE, *inputs)
    found = {each["dataset"]["name"]: each for each in mlflow.runs["run0"]["inputs"]}
    uses = {name: each["tags"][0]["value"] for name, each in found.items()}
    assert uses == {
        "flight-delays train": "training",
        "flight-delays validation": "validation",
        "flight-delays test": "test",
    }
    test = found["flight-delays test"]["dataset"]
    profile = json.loads(test["profile"])
    assert (profile["num_rows"], profile["positives"]) == (
        parts.test.height,
        parts.test["late"].sum(),
    )
    assert json.loads(test["source"])["tags"]["lake_version"] == "flights@0"
    columns = json.loads(test["schema"])["mlflow_colspec"]
    assert [column["name"] for column in columns] == parts.test.columns
    assert len({each["dataset"]["digest"] for each in found.values()}) == 3


def test_rejected_model_leaves_numbers_and_no_version(mlflow, oci, inputs):
    """A model that does not beat the baseline ends its run as rejected; nothing is registered."""
    parts, begun, report, evaluation = inputs
    same = {**evaluation, "model": evaluation["baseline"]}
    found, card = step.judge(USECASE, parts, begun, report, same)
    run = mlflow.runs[found["run_id"]]
    assert (found["verdict"], run["status"], run["tags"]["verdict"]) == (
        "rejected",
        "FINISHED",
        "rejected",
    )
    assert found["reasons"][0].startswith("roc_auc ")
    assert (mlflow.models, mlflow.aliases, oci.manifests) == ({}, {}, {})
    root = "1/run0/artifacts/"
    assert mlflow.files[f"{root}model_card.md"].decode() == card
    plots = ("calibration", "importance", "learning_binary_logloss", "precision_recall", "roc")
    assert set(mlflow.files) == {
        f"{root}model_card.md",
        *(f"{root}{name}.json" for name in ("decision", "evaluation", "report")),
        *(f"{root}plots/{name}.png" for name in plots),
    }
    assert {mlflow.files[f"{root}plots/{name}.png"][:4] for name in plots} == {b"\x89PNG"}


@pytest.fixture
def champion(mlflow, oci, parts, trained):
    """The small model, released as champion; returns its digest."""
    with Registry(step.endpoints.registry()) as registry:
        files = package(USECASE, trained.model, parts.train, parts.test, "# card")
        digest = push(registry, USECASE, files)
    with Tracking(step.endpoints.tracking()) as tracking:
        version = tracking.register("flight-delays", "r", "oci://x", {"digest": digest}, "")
        tracking.set_alias("flight-delays", "champion", version.version)
    return digest


def test_champion_is_scored_on_the_candidates_rows(champion, inputs, evaluation):
    """The champion's figures are of the same held-out rows, from its own packaged graph."""
    found, _ = step.judge(USECASE, *inputs)
    assert found["champion"] == pytest.approx(evaluation.model)
    assert found["notes"] == ("compared with champion version 1",)


def test_worse_model_does_not_displace_the_champion(champion, mlflow, inputs, evaluation):
    """A candidate clearly worse than the champion is rejected, and the alias stays."""
    parts, begun, report, plain = inputs
    worse = {**plain["model"], "log_loss": plain["model"]["log_loss"] + 0.006}
    found, _ = step.judge(USECASE, parts, begun, report, {**plain, "model": worse})
    assert any("of the champion" in reason for reason in found["reasons"])
    assert mlflow.aliases == {("flight-delays", "champion"): "1"}


def test_champion_that_wants_other_inputs_is_not_compared(champion, inputs, parts, tmp_path):
    """A champion of another signature is named as not comparable, and does not block."""
    path = tmp_path / "narrow.parquet"
    parts.test.drop("humid").write_parquet(path)
    found, _ = step.judge(USECASE, {**inputs[0], "test": str(path)}, *inputs[1:])
    assert found["notes"] == ("champion version 1 asks for humid, now not in the data",)


def test_damaged_champion_stops_the_gate(champion, oci, inputs):
    """A champion whose bytes changed in the registry is an error, not a comparison."""
    layer = json.loads(oci.manifests[champion])["layers"][0]["digest"]
    oci.blobs[layer] += b"x"
    with pytest.raises(StepError, match=r"model\.onnx is not what was pushed"):
        step.judge(USECASE, *inputs)


def test_decision_is_plain_data():
    """A decision as JSON spells out verdict and reasons."""
    decision = decide(judged(), replace(GATES, slices={}))
    assert json.loads(json.dumps(decision.as_json())) == {
        "verdict": "accepted",
        "reasons": [],
        "checks": [
            {"rule": check.rule, "value": check.value, "bound": check.bound, "passed": True}
            for check in decision.checks
        ],
        "notes": [],
    }
