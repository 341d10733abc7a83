"""Kubeflow Pipelines' API (v2beta1), asked through the cluster's API server.

Owns requests and what is said when they fail. kfp's own client is not used: it knows neither
credential plugins nor what else a kubeconfig may ask for, and Pulumi's process need not load it.
"""

from __future__ import annotations

import json
import time
import weakref
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

import httpx

from contracts.steps import ACCOUNT
from infra.clusters.connection import Connection, kubectl
from infra.errors import ClusterError, ServiceFailedError, SlipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE: Final = "ml-pipeline:http"
_READY_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 2.0
# The first query after the database was away fails, the next does not.
_ATTEMPTS: Final = 3


class KubeflowError(SlipwayError):
    """Kubeflow Pipelines refused."""


@dataclass(frozen=True)
class Version:
    """A version of a pipeline, by its ids."""

    pipeline_id: str
    version_id: str

    def as_json(self) -> dict[str, str]:
        """As the API refers to it."""
        return {"pipeline_id": self.pipeline_id, "pipeline_version_id": self.version_id}


@dataclass(frozen=True)
class Work:
    """What is run, now or by the clock: a version with its parameters, in an experiment."""

    name: str
    experiment: str
    version: Version
    parameters: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As the API takes it."""
        return {
            "display_name": self.name,
            "experiment_id": self.experiment,
            "pipeline_version_reference": self.version.as_json(),
            "runtime_config": {"parameters": dict(self.parameters)},
            "service_account": ACCOUNT,
        }


@dataclass(frozen=True)
class KubeflowPipelines:
    """Kubeflow Pipelines of one namespace. All methods raise `SlipwayError` if it refuses."""

    connection: Connection
    namespace: str

    @classmethod
    def of(cls, kubeconfig: str | None, context: str, namespace: str) -> KubeflowPipelines:
        """The one that a kubeconfig's context leads to; nothing is asked yet."""
        return cls(Connection.of(kubeconfig, context), namespace)

    def kubectl(self, *words: str) -> str:
        """A command that asks about its namespace, for a person's shell."""
        there = self.connection
        return kubectl(there.kubeconfig, there.context, "-n", self.namespace, *words)

    def wait_until_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Wait until it answers.

        Raises:
            ServiceFailedError: it does not in time; says what it answers instead.
        """
        deadline = time.monotonic() + seconds
        while (said := self.health_error()) is not None:
            if time.monotonic() > deadline:
                raise ServiceFailedError(
                    f"Kubeflow Pipelines in namespace {self.namespace} does not answer after"
                    f" {seconds:.0f} s ({said}): see `{self.kubectl('get', 'pods')}`"
                )
            time.sleep(min(_POLL_SECONDS, seconds))

    def health_error(self) -> str | None:
        """Why it does not answer; None if it does."""
        try:
            answer = self._client.get("healthz")
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        return None if answer.is_success else f"{answer.status_code}: {_reason(answer)}"

    def pipeline(self, name: str) -> str | None:
        """The id of the pipeline of that name."""
        answer = self._send("GET", f"pipelines/names/{name}", accept=httpx.codes.NOT_FOUND)
        return answer.get("pipeline_id")

    def make_pipeline(self, name: str, description: str) -> str:
        """The id of the pipeline of that name, made if it is not there."""
        found = self.pipeline(name)
        if found is None:
            body = {"display_name": name, "name": name, "description": description}
            found = self._send("POST", "pipelines", json=body)["pipeline_id"]
        return found

    def delete_pipeline(self, name: str) -> None:
        """Delete the pipeline and all of its versions, if it is there."""
        if found := self.pipeline(name):
            self._send("DELETE", f"pipelines/{found}", params={"cascade": "true"})

    def version(self, pipeline_id: str, name: str) -> Version | None:
        """The version of that name."""
        path = f"pipelines/{pipeline_id}/versions"
        found = self._send("GET", path, params=_named(name)).get("pipeline_versions", [])
        return Version(pipeline_id, found[0]["pipeline_version_id"]) if found else None

    def upload_version(self, pipeline_id: str, name: str, text: str) -> Version:
        """The version of that name, uploaded if it is not there."""
        if found := self.version(pipeline_id, name):
            return found
        made = self._send(
            "POST",
            "pipelines/upload_version",
            params={"name": name, "pipelineid": pipeline_id},
            files={"uploadfile": ("pipeline.yaml", text.encode(), "application/yaml")},
        )
        return Version(pipeline_id, made["pipeline_version_id"])

    def spec(self, version: Version) -> dict[str, Any]:
        """The pipeline's definition, as it was uploaded, without what is for Kubernetes."""
        path = f"pipelines/{version.pipeline_id}/versions/{version.version_id}"
        found: dict[str, Any] = self._send("GET", path)["pipeline_spec"]
        # With a second document it is a mapping of both.
        return cast("dict[str, Any]", found.get("pipeline_spec", found))

    def make_experiment(self, name: str) -> str:
        """The id of the experiment of that name, made if it is not there."""
        found = self._send("GET", "experiments", params=_named(name)).get("experiments", [])
        if found:
            return str(found[0]["experiment_id"])
        made = self._send("POST", "experiments", json={"display_name": name})
        return str(made["experiment_id"])

    def create_run(self, work: Work) -> str:
        """Start a run and return its id."""
        return str(self._send("POST", "runs", json=work.as_json())["run_id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """How a run fares: the API's `Run`."""
        return self._send("GET", f"runs/{run_id}")

    def terminate(self, run_id: str) -> None:
        """Have a run end; it goes on for some seconds."""
        self._send("POST", f"runs/{run_id}:terminate")

    def create_recurring_run(self, work: Work, cron: str, *, enabled: bool) -> str:
        """Have a pipeline run by the clock, one run at a time; returns the id.

        Those of the same name, which an `up` that was killed may have left, make room first.
        """
        for stale in self._recurring_runs(work.name, work.experiment):
            self.delete_recurring_run(stale)
        body = work.as_json() | {
            "trigger": {"cron_schedule": {"cron": cron}},
            "mode": "ENABLE" if enabled else "DISABLE",
            "max_concurrency": "1",
            "no_catchup": True,
        }
        return str(self._send("POST", "recurringruns", json=body)["recurring_run_id"])

    def recurring_run(self, recurring_run_id: str) -> dict[str, Any] | None:
        """The API's `RecurringRun`; None if there is none."""
        path = f"recurringruns/{recurring_run_id}"
        return self._send("GET", path, accept=httpx.codes.NOT_FOUND) or None

    def delete_recurring_run(self, recurring_run_id: str) -> None:
        """Delete it, if it is there. What it started goes on."""
        path = f"recurringruns/{recurring_run_id}"
        self._send("DELETE", path, accept=httpx.codes.NOT_FOUND)

    def _recurring_runs(self, name: str, experiment: str) -> list[str]:
        params = {**_named(name), "experiment_id": experiment}
        found = self._send("GET", "recurringruns", params=params).get("recurringRuns", [])
        return [each["recurring_run_id"] for each in found]

    @cached_property
    def _client(self) -> httpx.Client:
        path = f"/api/v1/namespaces/{self.namespace}/services/{SERVICE}/proxy/apis/v2beta1"
        client = self.connection.open(path)
        weakref.finalize(self, client.close)
        return client

    def _send(
        self, method: str, path: str, *, accept: int | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """What the API answers; empty where it answers `accept`."""
        for attempt in range(1, _ATTEMPTS + 1):
            answer = self._request(method, path, **parameters)
            if not (method == "GET" and answer.is_server_error) or attempt == _ATTEMPTS:
                break
            time.sleep(_POLL_SECONDS)
        if answer.status_code == accept and not _of_kubernetes(answer):
            return {}
        if not answer.is_success:
            raise KubeflowError(
                f"Kubeflow Pipelines in namespace {self.namespace}: {method} {path} is answered"
                f" {answer.status_code}: {_reason(answer)}"
            )
        return cast("dict[str, Any]", answer.json()) if answer.content else {}

    def _request(self, method: str, path: str, **parameters: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **parameters)
        except httpx.HTTPError as error:
            raise ClusterError(
                f"the cluster of context {self.connection.context} does not answer"
                f" ({error or type(error).__name__}): start it, or mend the kubeconfig"
            ) from None


def _named(name: str) -> dict[str, str]:
    """The query for what has that name."""
    equal = {"key": "display_name", "operation": "EQUALS", "string_value": name}
    return {"filter": json.dumps({"predicates": [equal]})}


def _of_kubernetes(answer: httpx.Response) -> bool:
    """Whether the cluster's API server answers, since it has no such service."""
    try:
        return bool(answer.json().get("kind") == "Status")
    except (ValueError, AttributeError):
        return False


def _reason(answer: httpx.Response) -> str:
    """Why something was refused, in one line; an upload has a form of its own."""
    try:
        said = answer.json()
        message = said.get("error_message") or said["message"]
    except (ValueError, KeyError, TypeError, AttributeError):
        message = answer.text
    return " ".join(str(message).split())[:300]
