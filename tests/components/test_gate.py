"""The gate's decisions, and that each is recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from components.evaluate.logic import Evaluation, SliceFigures
from components.gate import step
from components.gate.compatibility import breaking
from components.gate.logic import Comparison, decide
from components.package.logic import package, push
from components.registry_oci import Registry
from components.tracking import Tracking
from usecases.contract import QualityGates
from usecases.errors import StepError
from usecases.flight_delays import USECASE

GOOD = {"roc_auc": 0.7, "pr_auc": 0.4, "log_loss": 0.48, "brier": 0.15, "ece": 0.01}
POOR = {"roc_auc": 0.6, "pr_auc": 0.3, "log_loss": 0.52, "brier": 0.16, "ece": 0.02}
GATES = QualityGates(
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
    decision = decide(judged(slices=[slice_of(100, 0.505)]), GATES, Comparison(champion=GOOD))
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
    decision = decide(evaluation, GATES, Comparison(champion=champion))
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
    paths["model"] = str(tmp_path / "model.onnx")
    Path(paths["model"]).write_bytes(trained.model)
    return paths, begun, trained.report(), json.loads(json.dumps(evaluation.as_json()))


def test_first_model_is_judged_without_a_champion(mlflow, oci, inputs, evaluation):
    """Without a champion the gate says so, and MLflow holds parameters, metrics and verdict."""
    found, _ = step.gate(USECASE, *inputs)
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
    step.gate(USECASE, *inputs)
    curves = mlflow.runs["run0"]["curves"]
    for part in ("train", "validation"):
        name = f"{part}_binary_logloss"
        assert curves[name] == list(enumerate(trained.curves[name], start=1))
        assert len(curves[name]) >= trained.rounds


def test_a_run_names_the_rows_that_a_model_was_made_and_judged_with(mlflow, oci, inputs, parts):
    """Each part is an input of the run with its use, schema, counts and a digest of its rows."""
    step.gate(USECASE, *inputs)
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
    found, card = step.gate(USECASE, parts, begun, report, same)
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
def release(mlflow, oci, trained):
    """A function that makes the small model the champion, with parts and files as they are told.

    It returns the package's digest.
    """

    def release(parts, **changed):
        files = package(USECASE, trained.model, parts, "# card", "flights@0")
        told = {layer.name: changed.get(layer.name.split(".")[0], layer.content) for layer in files}
        kept = [replace(layer, content=told[layer.name]) for layer in files if told[layer.name]]
        with Registry(step.endpoints.registry()) as registry:
            digest = push(registry, USECASE, tuple(kept))
        with Tracking(step.endpoints.tracking()) as tracking:
            version = tracking.register("flight-delays", digest, "oci://x", {"digest": digest}, "")
            tracking.set_alias("flight-delays", "champion", version.version)
        return digest

    return release


@pytest.fixture
def champion(release, parts):
    """The small model, released as champion; returns its digest."""
    return release(vars(parts))


def test_champion_is_scored_on_the_candidates_rows(champion, inputs, evaluation):
    """The champion's figures are of the same held-out rows, from its own packaged graph."""
    found, _ = step.gate(USECASE, *inputs)
    assert found["champion"] == pytest.approx(evaluation.model)
    assert found["notes"] == ("compared with champion version 1",)


def test_worse_model_does_not_displace_the_champion(champion, mlflow, inputs, evaluation):
    """A candidate clearly worse than the champion is rejected, and the alias stays."""
    parts, begun, report, plain = inputs
    worse = {**plain["model"], "log_loss": plain["model"]["log_loss"] + 0.006}
    found, _ = step.gate(USECASE, parts, begun, report, {**plain, "model": worse})
    assert any("of the champion" in reason for reason in found["reasons"])
    assert mlflow.aliases == {("flight-delays", "champion"): "1"}


def test_champion_that_wants_other_inputs_is_not_compared(champion, inputs, parts, tmp_path):
    """A champion of another signature is named as not comparable, and does not block."""
    path = tmp_path / "narrow.parquet"
    parts.test.drop("humid").write_parquet(path)
    found, _ = step.gate(USECASE, {**inputs[0], "test": str(path)}, *inputs[1:])
    assert found["notes"] == ("champion version 1 asks for humid, now not in the data",)


def seen_until(parts, day):
    """The parts of a champion that was trained on all until a day of February."""
    every = pl.concat(vars(parts).values())
    date = pl.col(USECASE.event_date)
    return {
        "train": every.filter(date.dt.day() < day - 1),
        "validation": every.filter(date.dt.day().is_between(day - 1, day)),
        "test": every.filter(date.dt.day() > day),
    }


def gated(**changed):
    """The use case, its gates changed."""
    return type("Gated", (type(USECASE),), {"gates": replace(USECASE.gates, **changed)})()


def test_rows_that_the_champion_was_trained_on_are_left_out(release, parts, inputs, evaluation):
    """Both are scored on the days that neither saw, the days of early stopping among them."""
    later = parts.test.filter(pl.col(USECASE.event_date).dt.day() > 26)
    release(seen_until(parts, 26))
    test, parameters, report, plain = inputs
    worse = {**plain["model"], "roc_auc": 0.0, "log_loss": 9.0}
    found, _ = step.gate(USECASE, test, parameters, report, {**plain, "model": worse})
    assert found["notes"] == (
        f"compared on what is new to both: {later.height:,} of {parts.test.height:,} held-out"
        " rows are new to champion version 1",
    )
    assert found["champion"]["roc_auc"] != pytest.approx(evaluation.model["roc_auc"], abs=1e-4)
    # The candidate is the very same model: on the same rows its figures are the champion's.
    (check,) = [c for c in found["checks"] if c["rule"].startswith("roc_auc") and "champ" in str(c)]
    assert (check["value"], check["passed"]) == (0.0, True)


@pytest.mark.parametrize(("rule", "verdict"), [("keep", "rejected"), ("accept", "accepted")])
def test_without_rows_that_are_new_to_both_the_gates_rule_decides(
    rule, verdict, release, parts, inputs
):
    """The champion knows all of the candidate's test rows: no figures, and the reason says it."""
    release({**vars(parts), "validation": parts.test})
    usecase = gated(champion_unseen=rule, beats_baseline={}, at_most={}, slices={})
    found, _ = step.gate(usecase, *inputs)
    why = f"0 of {parts.test.height:,} held-out rows are new to champion version 1"
    assert (found["verdict"], found["champion"]) == (verdict, None)
    if rule == "accept":
        assert found["notes"] == (f"not compared with the champion: {why}",)
    else:
        (reason,) = found["reasons"]
        assert reason == (
            f"{why}, must be at least 500 of both outcomes to compare on: train on later data,"
            " or set the gates' champion_unseen"
        )


def test_fewer_rows_than_the_gates_ask_for_are_no_comparison(release, parts, inputs):
    """A comparison on a handful of rows would be decided by luck."""
    release(seen_until(parts, 26))
    found, _ = step.gate(gated(champion_rows=10**6), *inputs)
    assert found["champion"] is None
    assert any("must be at least 1,000,000 of both" in reason for reason in found["reasons"])


def test_a_package_without_its_days_is_known_by_its_card(release, parts, inputs):
    """What was released before packages said it has a card that does; else nothing is compared."""
    card = b"| train | 2013-02-01 | 2013-02-24 | 9 | 1% |\n| test | 2013-02-25 | 2013-02-28 | 9 |"
    release(vars(parts), training=None, model_card=card)
    assert "are new to champion version 1" in step.gate(USECASE, *inputs)[0]["notes"][0]
    release(vars(parts), training=None, model_card=b"# no table")
    reasons = step.gate(USECASE, *inputs)[0]["reasons"]
    assert any("version 2 does not say what it was trained on" in reason for reason in reasons)


def champions_signature(**inputs):
    """A signature.json whose inputs are the use case's, but for those that are changed."""
    known = {item.name: item.datatype for item in USECASE.inputs} | inputs
    sides = {"inputs": known, "outputs": {"probability": "FP32"}}
    return json.dumps(
        {
            side: [
                {"name": name, "datatype": datatype, "shape": [-1, 1]}
                for name, datatype in named.items()
                if datatype
            ]
            for side, named in sides.items()
        }
    ).encode()


def test_a_signature_that_breaks_callers_is_held_back(release, parts, inputs):
    """Each change is a failed check, worded by input, until the run says that it is meant."""
    before = champions_signature(humid=None, temp="INT64", gate="BYTES")
    release(vars(parts), signature=before)
    changes = [
        "input humid is new and required: callers do not send it",
        "input temp was INT64 and is FP32",
        "input gate is gone: callers send it, and what is unknown is refused",
    ]
    held, _ = step.gate(gated(beats_baseline={}, at_most={}, slices={}), *inputs)
    assert held["reasons"] == [
        f"{change} (callers of version 1), must not break callers unless the run says"
        " accept_breaking=true"
        for change in changes
    ]
    test, parameters, *rest = inputs
    meant, _ = step.gate(
        gated(beats_baseline={}, at_most={}, slices={}),
        test,
        {**parameters, "accept_breaking": True},
        *rest,
    )
    assert meant["verdict"] == "accepted"
    assert meant["notes"] == (
        "champion version 1 asks for gate, temp, now not in the data",
        *(f"accepted by accept_breaking: {change} (callers of version 1)" for change in changes),
    )


def tensor(name, datatype="FP32", shape=(-1, 1)):
    """One input or output, as signature.json has it."""
    return {"name": name, "datatype": datatype, "shape": list(shape)}


@pytest.mark.parametrize(
    ("side", "before", "now", "breaks"),
    [
        ("inputs", [tensor("a")], [tensor("a")], []),
        ("inputs", [tensor("a"), tensor("b")], [tensor("b"), tensor("a")], []),
        ("inputs", [], [tensor("a")], ["input a is new and required: callers do not send it"]),
        ("inputs", [tensor("a")], [tensor("a", "INT64")], ["input a was FP32 and is INT64"]),
        ("inputs", [tensor("a", shape=(-1, 2))], [tensor("a", shape=(-1, -1))], []),
        (
            "inputs",
            [tensor("a", shape=(-1, -1))],
            [tensor("a", shape=(-1, 2))],
            ["input a had the shape [-1, -1] and has [-1, 2]"],
        ),
        ("outputs", [tensor("p")], [tensor("p"), tensor("q")], []),
        ("outputs", [tensor("p")], [tensor("q")], ["output p is gone: callers read it"]),
        ("outputs", [tensor("p")], [tensor("p", "FP64")], ["output p was FP32 and is FP64"]),
        ("outputs", [tensor("p", shape=(-1, -1))], [tensor("p")], []),
        (
            "outputs",
            [tensor("p")],
            [tensor("p", shape=(-1, -1))],
            ["output p had the shape [-1, 1] and has [-1, -1]"],
        ),
        (
            "outputs",
            [tensor("p")],
            [tensor("p", shape=(-1,))],
            ["output p had the shape [-1, 1] and has [-1]"],
        ),
    ],
)
def test_what_breaks_callers(side, before, now, breaks):
    """An input must be taken as it is sent, an output must come as it is read."""
    nothing = {"inputs": [], "outputs": []}
    assert list(breaking({**nothing, side: before}, {**nothing, side: now})) == breaks


def test_damaged_champion_stops_the_gate(champion, oci, inputs):
    """A champion whose bytes changed in the registry is an error, not a comparison."""
    layer = json.loads(oci.manifests[champion])["layers"][0]["digest"]
    oci.blobs[layer] += b"x"
    with pytest.raises(StepError, match=r"model\.onnx is not what was pushed"):
        step.gate(USECASE, *inputs)


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
