"""A model's signature: `signature.json` of its artifact, compared with its graph.

Owns the file's form and the comparison with an onnxruntime session's own inputs and outputs.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from serving.errors import DECODE_ERRORS, ModelRefusedError, Reason
from serving.protocol.datatypes import BY_NAME, BY_ONNX
from serving.protocol.tensors import ANY


class TensorSpec(Struct, frozen=True):
    """One input or output: what the protocol says of it, and what it means to a caller.

    Attributes:
        name: as callers call it.
        datatype: the protocol's.
        shape: -1 where the caller chooses.
        description: what it is.
        unit: what it is counted in.
        values: those that mean something to the model, where they are few; others are taken, too.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    description: str = ""
    unit: str = ""
    values: tuple[str, ...] = ()


class Signature(Struct, frozen=True):
    """A model's inputs and outputs, and one row of them.

    Attributes:
        inputs: in the order callers are shown.
        outputs: likewise.
        example: one row, a value for every input; the model is warmed up with it.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    example: dict[str, Any]


class GraphTensor(Protocol):
    """One input or output of a graph, as onnxruntime describes it."""

    name: str
    type: str
    shape: Sequence[int | str | None]


def refuse(message: str) -> ModelRefusedError:
    """A signature that cannot be used."""
    return ModelRefusedError(Reason.SIGNATURE, message)


def decode(data: bytes) -> Signature:
    """Parse `signature.json`.

    Raises:
        ModelRefusedError: not JSON, not of the form above, a datatype that is not the protocol's,
            a name twice, no inputs or outputs, or an example that names other inputs.
    """
    try:
        signature = msgspec.json.decode(data, type=Signature)
    except DECODE_ERRORS as error:
        raise refuse(f"signature.json: {error}") from error
    _check_specs("inputs", signature.inputs)
    _check_specs("outputs", signature.outputs)
    if signature.example.keys() != {spec.name for spec in signature.inputs}:
        raise refuse("signature.json: the example must give a value for every input, and no other")
    return signature


def _check_specs(side: str, specs: tuple[TensorSpec, ...]) -> None:
    if not specs or len({spec.name for spec in specs}) != len(specs):
        raise refuse(f"signature.json: {side} must be named, each once, and at least one")
    unknown = sorted({spec.datatype for spec in specs} - BY_NAME.keys())
    if unknown:
        raise refuse(f"signature.json: {side} have unknown datatypes {unknown}")
    if any(dimension < ANY for spec in specs for dimension in spec.shape):
        raise refuse(f"signature.json: a dimension of {side} is below -1")


def check(side: str, specs: tuple[TensorSpec, ...], graph: Sequence[GraphTensor]) -> None:
    """Compare the signature's inputs or outputs with the graph's.

    Args:
        side: `inputs` or `outputs`, for the message.
        specs: the signature's.
        graph: the session's, all of them.

    Raises:
        ModelRefusedError: names, datatypes or shapes differ. A dimension that the graph leaves
            open may be fixed in the signature, and not the reverse.
    """
    tensors = {tensor.name: tensor for tensor in graph}
    if tensors.keys() != {spec.name for spec in specs}:
        raise refuse(
            f"{side}: the signature names {[spec.name for spec in specs]}, the graph "
            f"{list(tensors)}"
        )
    for spec in specs:
        _check_one(side, spec, tensors[spec.name])


def _check_one(side: str, spec: TensorSpec, tensor: GraphTensor) -> None:
    datatype = BY_ONNX.get(tensor.type)
    shape = tuple(size if isinstance(size, int) else ANY for size in tensor.shape)
    if datatype is None or datatype.name != spec.datatype:
        raise refuse(
            f"{side}: {spec.name!r} is {spec.datatype} in the signature, {tensor.type} in the graph"
        )
    # A graph that does not state a shape gives an empty one; then the warm-up decides.
    if shape and not _narrows(spec.shape, shape):
        raise refuse(
            f"{side}: {spec.name!r} is {list(spec.shape)} in the signature, {list(shape)} in the "
            "graph"
        )


def _narrows(spec: Sequence[int], graph: Sequence[int]) -> bool:
    return len(spec) == len(graph) and all(
        size in (ANY, declared) for size, declared in zip(graph, spec, strict=True)
    )
