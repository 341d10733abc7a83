"""What a command says at its end, gathered as plain data before anything is printed."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from slipway import hints
from slipway.exits import Exit
from slipway.models import predict
from slipway.operations.target import came_up
from slipway.reporting import tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance
    from rich.console import Console

    from infra.settings.serving import Serving
    from slipway.models.predict import Prediction
    from slipway.operations.target import Release, ServiceState, Target, Up
    from slipway.runs.run import Failure, RunResult
    from slipway.stack.running import Champion, Running

_BASELINE = "baseline_"
_METRICS = ("roc_auc", "pr_auc", "log_loss", "brier", "ece")
_CODES = {"succeeded": Exit.OK, "rejected": Exit.REJECTED, "failed": Exit.FAILED}


@dataclass(frozen=True)
class ModelSummary:
    """The released model: its held-out metrics beside a baseline's, and one real prediction.

    `first_run` is the training run that `up` made where no model was released.
    """

    model: str
    champion: Champion | None
    metrics: Mapping[str, float]
    baseline: Mapping[str, float]
    prediction: Prediction | None
    first_run: RunResult | None


@dataclass(frozen=True)
class Summary:
    """What `slipway up` ends with; `model` is None where it looks after none."""

    stack: str
    services: list[ServiceState]
    next_steps: list[tuple[str, str]]
    model: ModelSummary | None = None

    @property
    def exit_code(self) -> Exit:
        """How the first training run ended, if all services are up; one without a model may be.

        Nobody asked for one, or the run that was to make it says how it ended.
        """
        if not came_up(self.services):
            return Exit.FAILED
        return exit_code(self.model.first_run) if self.model and self.model.first_run else Exit.OK

    def as_json(self) -> list[dict[str, Any]] | dict[str, Any]:
        """The same, for a script; the services alone where there is nothing else."""
        services = [service.as_json() for service in self.services]
        if self.model is None:
            return services
        first_run = self.model.first_run
        return {
            "stack": self.stack,
            "services": services,
            **_fields(self.model),
            "first_run": run_as_json(first_run, self.stack) if first_run else None,
        }


def summary(target: Target, outcome: Up) -> Summary:
    """Ask for the state of what is up, and for one real prediction if a model is served."""
    release = outcome.release
    return Summary(
        stack=target.stack,
        services=target.services(outcome.running),
        next_steps=target.next_steps(outcome.running),
        model=_model(outcome.running, release, target.settings.serving) if release else None,
    )


def _model(running: Running, release: Release, serving: Serving) -> ModelSummary:
    champion = release.champion
    metrics, baseline = figures(champion)
    return ModelSummary(
        model=serving.model,
        champion=champion,
        metrics=metrics,
        baseline=baseline,
        prediction=predict.of_champion(running, serving.model, champion) if champion else None,
        first_run=release.first_run,
    )


def show(console: Console, summary: Summary) -> None:
    """Print a summary for a person."""
    console.print()
    tables.services(console, summary.services, summary.stack)
    if summary.model:
        _show_model(console, summary.model, summary.stack)
    tables.next_steps(console, summary.next_steps)


def _show_model(console: Console, model: ModelSummary, stack: str) -> None:
    console.print()
    if model.first_run and model.first_run.status != "succeeded":
        show_run(console, model.first_run, stack)
    tables.champion(console, model.model, model.champion)
    if model.metrics:
        tables.metrics(console, model.metrics, model.baseline)
    if model.prediction:
        console.print()
        tables.prediction(console, model.prediction)


def figures(champion: Champion | None) -> tuple[dict[str, float], dict[str, float]]:
    """Held-out metrics of a released model, and of the baseline it was judged beside."""
    tags = champion.tags if champion else {}
    return (
        {name: float(tags[name]) for name in _METRICS if name in tags},
        {name: float(tags[_BASELINE + name]) for name in _METRICS if _BASELINE + name in tags},
    )


def exit_code(result: RunResult) -> Exit:
    """How a run ended, for a script."""
    return _CODES[result.status]


def run_as_json(result: RunResult, stack: str) -> dict[str, Any]:
    """A run, for a script: the gate's decision and the evaluation's figures with it."""
    return {
        "pipeline": result.pipeline,
        "status": result.status,
        "seconds": result.seconds,
        "steps": result.steps,
        "outputs": result.outputs,
        "decision": _read(result, "gate.decision"),
        "figures": {who: _read(result, "evaluate.evaluation").get(who) for who in _WHO},
        "failure": _failure(result, stack),
        "page": result.page,
    }


_WHO = ("model", "baseline")


def show_run(console: Console, result: RunResult, stack: str) -> None:
    """Print how a run ended, with the numbers it was judged by, and where its page is."""
    _show_end(console, result, stack)
    if result.page:
        console.print(f"  its page: {escape(result.page)}", highlight=False)


def _show_end(console: Console, result: RunResult, stack: str) -> None:
    evaluation = _read(result, "evaluate.evaluation")
    if evaluation:
        tables.metrics(
            console, *({name: evaluation[who][name] for name in _METRICS} for who in _WHO)
        )
    if failure := _failure(result, stack):
        console.print(
            f"[red]failed[/red] at [bold]{escape(failure.step)}[/bold]: {escape(failure.cause)}\n"
            f"  {escape(failure.remedy)}",
            highlight=False,
        )
        return
    if result.status == "rejected":
        console.print("[yellow]rejected[/yellow]: nothing is registered, the champion stays")
        for reason in _read(result, "gate.decision").get("reasons", []):
            console.print(f"  {escape(reason)}", highlight=False)
        if log := result.artifacts.get("gate.log"):
            console.print(f"  its reasons: {escape(str(log))}", highlight=False)
        return
    version = result.outputs.get("register", "")
    console.print(
        f"[green]succeeded[/green] in {result.seconds:.1f} s; version {escape(version)}"
        f" is released  {escape(result.outputs.get('package', ''))}",
        highlight=False,
    )


def _failure(result: RunResult, stack: str) -> Failure | None:
    """Why a run failed, with commands that can be pasted."""
    if result.failure is None:
        return None
    remedy = hints.pasteable(result.failure.remedy, stack)
    return dataclasses.replace(result.failure, remedy=remedy)


def plain(value: object) -> Any:
    """Plain data of anything that a command shows, ready for JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: plain(field) for name, field in _fields(value).items()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _fields(value: DataclassInstance) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _read(result: RunResult, artifact: str) -> dict[str, Any]:
    path = result.artifacts.get(artifact)
    content: dict[str, Any] = json.loads(path.read_text()) if path else {}
    return content
