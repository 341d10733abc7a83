"""The part of MLflow's REST API that is used: runs, data sets, artifacts, model versions, aliases.

Owns the calls and their errors. The API is MLflow's documented interface; the
`mlflow` package is not imported because that alone takes a step 2 s and 230 MB.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

import httpx

from components import endpoints
from contracts import mlflow_api, variables
from usecases.errors import StepError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROXIED: Final = "mlflow-artifacts:/"
KIND: Final = "mlflow.experimentKind"
CLASSIC: Final = "custom_model_development"
"""Which of its pages MLflow opens an experiment with: runs, not traces of language models."""
FINISHED, FAILED, KILLED = "FINISHED", "FAILED", "KILLED"
_METRICS_A_CALL: Final = 1000
_LONGEST_TAG: Final = 8000


@dataclass(frozen=True)
class ModelVersion:
    """One version of a registered model, as far as steps care."""

    model: str
    version: str
    digest: str
    run_id: str
    source: str = ""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RegisteredModel:
    """A registered model: its versions by alias, and its tags."""

    aliases: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Run:
    """A run as a search finds it."""

    run_id: str
    tags: Mapping[str, str]


class AbsentError(StepError):
    """What was asked for is not there."""


class Tracking:
    """A connection to one MLflow server; use it as a context manager.

    A tenant's experiments are `<tenant>/<name>` and its models `<tenant>-<name>`: MLflow allows
    no slash in a model's name.
    """

    def __init__(
        self, url: str, http: httpx.Client | None = None, *, tenant: str | None = None
    ) -> None:
        """Connect lazily to the server's base URL; by `http` where that is the way there.

        The tenant is the environment's where none is named.
        """
        self._url, self._tenant = url, endpoints.tenant() if tenant is None else tenant
        # The platform's own: no proxy, .netrc or authority of whoever runs a step is for it.
        self._http = http or httpx.Client(base_url=url, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def start_run(self, experiment: str, name: str, tags: Mapping[str, str]) -> str:
        """Start a run in `experiment`, which is made if need be, and return the run's id."""
        body = {
            "experiment_id": self._experiment(experiment),
            "run_name": name,
            "start_time": _now(),
            "tags": _pairs(tags),
        }
        run: dict[str, Any] = self._post(f"{mlflow_api.API}/runs/create", body)["run"]
        return str(run["info"]["run_id"])

    def unfinished(self, experiment: str) -> list[Run]:
        """Return the runs of `experiment` that have begun and not ended."""
        body = {
            "experiment_ids": [self._experiment(experiment)],
            "filter": "attributes.status = 'RUNNING'",
        }
        found: list[dict[str, Any]] = self._post(f"{mlflow_api.API}/runs/search", body).get(
            "runs", []
        )
        return [
            Run(
                str(run["info"]["run_id"]),
                _tags(run["data"]),
            )
            for run in found
        ]

    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Add parameters, metrics and tags to a run in one call."""
        now = _now()
        numbers = [
            {"key": key, "value": value, "timestamp": now, "step": 0}
            for key, value in (metrics or {}).items()
        ]
        texts = {key: str(value) for key, value in (params or {}).items()}
        cut = {key: value[:_LONGEST_TAG] for key, value in (tags or {}).items()}
        body = {"params": _pairs(texts), "metrics": numbers, "tags": _pairs(cut)}
        self._post(f"{mlflow_api.API}/runs/log-batch", {"run_id": run_id, **body})

    def log_curves(self, run_id: str, curves: Mapping[str, Sequence[float]]) -> None:
        """Add metrics that have a value a step, the first at step 1."""
        now = _now()
        points = [
            {"key": name, "value": value, "timestamp": now, "step": step}
            for name, values in curves.items()
            for step, value in enumerate(values, start=1)
        ]
        for begin in range(0, len(points), _METRICS_A_CALL):
            body = {"run_id": run_id, "metrics": points[begin : begin + _METRICS_A_CALL]}
            self._post(f"{mlflow_api.API}/runs/log-batch", body)

    def log_inputs(self, run_id: str, datasets: Sequence[Mapping[str, Any]]) -> None:
        """Name the data sets that a run uses, each as `components.datasets` describes it."""
        self._post(
            f"{mlflow_api.API}/runs/log-inputs", {"run_id": run_id, "datasets": list(datasets)}
        )

    def upload(self, run_id: str, files: Mapping[str, bytes]) -> None:
        """Store files as the run's artifacts, through the server's artifact proxy.

        Raises:
            StepError: the server does not proxy artifacts.
        """
        info = self._get(f"{mlflow_api.API}/runs/get", {"run_id": run_id})["run"]["info"]
        root = str(info["artifact_uri"])
        if not root.startswith(PROXIED):
            raise StepError(
                f"the MLflow server at {self._url} keeps artifacts at {root}, not behind its proxy",
                f"start it with --serve-artifacts and --default-artifact-root {PROXIED}",
            )
        for name, content in files.items():
            path = quote(f"{root.removeprefix(PROXIED).strip('/')}/{name}")
            self._answer(self._send("PUT", f"{mlflow_api.ARTIFACTS}/{path}", content=content))

    def page(self, run_id: str) -> str:
        """Return the address of the run's page; as MLflow 3.17 goes by the address, not `KIND`."""
        info = self._get(f"{mlflow_api.API}/runs/get", {"run_id": run_id})["run"]["info"]
        place = f"experiments/{info['experiment_id']}/runs/{run_id}"
        return f"{self._url}/#/{place}?workflowType=machine_learning"

    def end_run(self, run_id: str, status: str = FINISHED) -> None:
        """Mark the run as ended."""
        self._post(
            f"{mlflow_api.API}/runs/update",
            {"run_id": run_id, "status": status, "end_time": _now()},
        )

    def register(
        self, model: str, run_id: str, source: str, tags: Mapping[str, str], description: str
    ) -> ModelVersion:
        """Make a version of `model` from a run, or return the one the run already made."""
        model = self._shared(model)
        self._ensure_model(model)
        if made := self._version_of(model, run_id):
            return made
        made = ModelVersion(model, "", "", run_id, source, description, tags)
        return self._create(made)

    def copy(self, version: ModelVersion, source: str, tags: Mapping[str, str]) -> ModelVersion:
        """Make a version of the same model, run and description with another package and tags."""
        return self._create(replace(version, source=source, tags=tags))

    def registered(self, model: str) -> RegisteredModel | None:
        """Return a model's aliases and tags, or None if there is no such model."""
        try:
            found = self._get(mlflow_api.MODEL, {"name": self._shared(model)})["registered_model"]
        except AbsentError:
            return None
        aliases = {each["alias"]: str(each["version"]) for each in found.get("aliases", [])}
        return RegisteredModel(aliases, _tags(found))

    def version(self, model: str, version: str) -> ModelVersion | None:
        """Return a version, or None if there is none of that number, or it is no number."""
        query = {"name": self._shared(model), "version": version}
        response = self._send("GET", mlflow_api.VERSION, params=query)
        if _code(response) in {mlflow_api.ABSENT, mlflow_api.UNSET}:
            return None
        return _version(self._answer(response)["model_version"])

    def versions(self, model: str) -> list[ModelVersion]:
        """Return all versions of a model."""
        return self._found(f"name='{self._shared(model)}'")

    def aliased(self, model: str, alias: str) -> ModelVersion | None:
        """Return the version `alias` points at, or None if there is no such model or alias."""
        try:
            query = {"name": self._shared(model), "alias": alias}
            answer = self._get(mlflow_api.ALIAS, query)
        except AbsentError:
            return None
        return _version(answer["model_version"])

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Point `alias` at a version."""
        body = {"name": self._shared(model), "alias": alias, "version": version}
        self._post(mlflow_api.ALIAS, body)

    def delete_alias(self, model: str, alias: str) -> None:
        """Have `alias` point at nothing."""
        body = {"name": self._shared(model), "alias": alias}
        self._answer(self._send("DELETE", mlflow_api.ALIAS, json=body))

    def set_model_tag(self, model: str, key: str, value: str) -> None:
        """Set a tag of a registered model."""
        body = {"name": self._shared(model), "key": key, "value": value}
        self._post(mlflow_api.MODEL_TAG, body)

    def _shared(self, model: str) -> str:
        return f"{self._tenant}-{model}" if self._tenant else model

    def _experiment(self, name: str) -> str:
        name = f"{self._tenant}/{name}" if self._tenant else name
        try:
            found = self._get(
                f"{mlflow_api.API}/experiments/get-by-name", {"experiment_name": name}
            )["experiment"]
        except AbsentError:
            body = {"name": name, "tags": _pairs({KIND: CLASSIC})}
            return str(self._post(f"{mlflow_api.API}/experiments/create", body)["experiment_id"])
        number = str(found["experiment_id"])
        if KIND not in {tag["key"] for tag in found.get("tags", [])}:
            body = {"experiment_id": number, "key": KIND, "value": CLASSIC}
            self._post(f"{mlflow_api.API}/experiments/set-experiment-tag", body)
        return number

    def _ensure_model(self, model: str) -> None:
        response = self._send(
            "POST", f"{mlflow_api.API}/registered-models/create", json={"name": model}
        )
        if _code(response) != mlflow_api.PRESENT:
            self._answer(response)

    def _version_of(self, model: str, run_id: str) -> ModelVersion | None:
        found = self._found(f"name='{model}' and run_id='{run_id}'")
        return found[0] if found else None

    def _found(self, query: str) -> list[ModelVersion]:
        answer = self._get(f"{mlflow_api.API}/model-versions/search", {"filter": query})
        return [_version(each) for each in answer.get("model_versions", [])]

    def _create(self, version: ModelVersion) -> ModelVersion:
        body = {
            "name": version.model,
            "source": version.source,
            "run_id": version.run_id,
            "tags": _pairs(version.tags),
            "description": version.description,
        }
        return _version(
            self._post(f"{mlflow_api.API}/model-versions/create", body)["model_version"]
        )

    def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        return self._answer(self._send("GET", path, params=query))

    def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._answer(self._send("POST", path, json=body))

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **content)
        except httpx.TransportError as error:
            raise StepError(
                f"the MLflow server at {self._url} does not answer: {error}",
                f"see `slipway status`; {variables.TRACKING} says where it is looked for",
            ) from error

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        if response.is_success:
            answer: dict[str, Any] = response.json() if response.content else {}
            return answer
        code, message = _code(response), response.text[:300]
        unset = code == mlflow_api.UNSET and "alias" in message
        kind = AbsentError if unset or code == mlflow_api.ABSENT else StepError
        raise kind(
            f"MLflow answered {response.status_code} to {response.request.url.path}: {message}",
            "see the tracking server's log: `slipway logs tracking`",
        )


def _code(response: httpx.Response) -> str:
    """Return MLflow's error code, "" for a success or an answer that is not MLflow's."""
    if response.is_success:
        return ""
    try:
        return str(response.json().get("error_code", ""))
    except ValueError:
        return ""


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _version(found: dict[str, Any]) -> ModelVersion:
    tags = _tags(found)
    return ModelVersion(
        model=str(found["name"]),
        version=str(found["version"]),
        digest=tags.get("digest", ""),
        run_id=str(found.get("run_id", "")),
        source=str(found.get("source", "")),
        description=str(found.get("description", "")),
        tags=tags,
    )


def _tags(found: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in found.get("tags", [])}


def _now() -> int:
    """Milliseconds since 1970, MLflow's unit."""
    return time.time_ns() // 1_000_000
