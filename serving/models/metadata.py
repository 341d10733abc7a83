"""Metadata of the server, of a model and of its slots, whichever transport asks.

Owns two responses of the Open Inference Protocol, and one of Slipway's own.
"""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from serving.models.model import Model
from serving.models.signature import TensorSpec
from serving.models.slots import Placement, Slot

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
        "inputs": [_tensor(spec) for spec in model.signature.inputs],
        "outputs": [_tensor(spec) for spec in model.signature.outputs],
        "parameters": {"digest": model.digest},
    }


def slots(name: str, placement: Placement) -> dict[str, Any]:
    """Which version of the model `name` is in each slot, and what was released and refused.

    A version is "" where a slot is empty; `refused` is None where what was released is in service.
    """
    models = {Slot.CHAMPION: placement.champion, Slot.CHALLENGER: placement.challenger}
    versions = {slot: model.version if model else "" for slot, model in models.items()}
    versions[Slot.SHADOW] = placement.shadow
    return {
        "model": name,
        "slots": [
            {"slot": slot, "version": version, "refused": placement.refused.get(slot)}
            for slot, version in versions.items()
        ],
    }


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    """What the protocol has of a tensor; the rest of it is in the OpenAPI description."""
    return {"name": spec.name, "datatype": spec.datatype, "shape": spec.shape}
