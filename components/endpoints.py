"""Where the platform's services are and what they are keyed with, as the environment tells a step.

Owns reading them, and the error when one is missing. Steps read no other variable;
the S3 client libraries read `AWS_*` for themselves.
"""

from __future__ import annotations

import os

from contracts import variables
from usecases.errors import StepError


def lake() -> str:
    """Return the root of the Delta tables: `s3://bucket` or a local folder."""
    return _required(variables.LAKE)


def tracked() -> bool:
    """Whether there is an MLflow server to keep runs in; tests of single steps have none."""
    return bool(os.environ.get(variables.TRACKING))


def tracking() -> str:
    """Return the base URL of the MLflow server."""
    return _required(variables.TRACKING).rstrip("/")


def registry() -> str:
    """Return the OCI registry, as `host:port`, `http://host:port` or `https://host`."""
    return _required(variables.REGISTRY)


def tenant() -> str:
    """Return the tenant whose step this is, for names that all tenants share; else nothing."""
    return os.environ.get(variables.TENANT, "")


def signing_key() -> str:
    """Return the PEM text of the key that models are signed with; empty where none is to be."""
    return os.environ.get(variables.SIGNING_KEY, "")


def _required(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise StepError(
            f"the environment variable {name} is not set",
            "run pipelines with `slipway run`, which sets it, or set it by hand",
        )
    return value
