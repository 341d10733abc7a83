"""Metadata of the server and of a model, whichever transport asks.

Owns these two responses of the Open Inference Protocol.
"""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from serving.models.model import Model

NAME = "slipway"
EXTENSIONS = ("binary_tensor_data",)
"""The protocol's extensions that the server has, by their published names."""

_PLATFORM = "onnx_onnxruntime"


def server_version() -> str:
    """The version of Slipway, 0 where it is not installed as a package."""
    try:
        return version("slipway")
    except PackageNotFoundError:
        return "0"


def server() -> dict[str, Any]:
    """The server's metadata."""
    return {"name": NAME, "version": server_version(), "extensions": EXTENSIONS}


def model(model: Model, versions: Sequence[str]) -> dict[str, Any]:
    """A model's metadata; `parameters` says which artifact it is, beyond the protocol.

    Args:
        model: the model.
        versions: those in service now.
    """
    return {
        "name": model.name,
        "versions": versions,
        "platform": _PLATFORM,
        "inputs": model.signature.inputs,
        "outputs": model.signature.outputs,
        "parameters": {"digest": model.digest},
    }
