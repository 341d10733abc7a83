"""A model in memory: an onnxruntime session with the signature it answers to.

Owns making one from an artifact's files. Where the files come from is the business of `cache`,
which model is in service that of `slots`, what a request is that of `protocol`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import onnxruntime as ort
from onnxruntime.capi import (
    onnxruntime_pybind11_state as ort_errors,
)

from contracts.model_package import BACKGROUND, GRAPH, REFERENCE, SIGNATURE
from serving.errors import ModelRefusedError, Reason, RequestError
from serving.models import background, reference, signature
from serving.models.signature import Signature
from serving.protocol.datatypes import BY_NAME, Datatype
from serving.protocol.rows import RowReader, row_reader
from serving.protocol.tensors import Array, TensorReader

FILES = (GRAPH, SIGNATURE)
"""The files of a model's artifact that serving needs, by title."""
OPTIONAL_FILES = (REFERENCE, BACKGROUND)
"""Those that it uses where they are there."""

_ERRORS_ONLY = 3
# onnxruntime's errors have no common base but Exception.
_SCORING_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.RuntimeException,
    ort_errors.NotImplemented,
)


@dataclass(frozen=True, slots=True)
class Block:
    """Inputs whose arrays can be made as one: of one datatype and form, their rows free.

    Attributes:
        names: the inputs'.
        datatype: their datatype.
        inner: one row's shape.
    """

    names: tuple[str, ...]
    datatype: Datatype
    inner: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A model that can score; immutable, so a request keeps the one it began with.

    Attributes:
        name: registered model's name.
        version: its version in the model registry.
        digest: its artifact's manifest digest.
        signature: its inputs and outputs.
        session: the onnxruntime session.
        readers: one reader an input, by name, in the signature's order.
        outputs: datatype by output name, in the signature's order.
        output_names: their names.
        blocks: all inputs in blocks; none, where an input's form is not fixed but for its rows.
        rows: reads rows of named values, where the inputs have a fixed form a row.
        batchable: whether scoring requests together is right and faster (see `batchability`).
        background: rows by input name that explanations compare with, where the artifact has some.
    """

    name: str
    version: str
    digest: str
    signature: Signature
    session: Any
    readers: dict[str, TensorReader]
    outputs: dict[str, Datatype]
    output_names: list[str]
    blocks: tuple[Block, ...]
    rows: RowReader | None
    batchable: bool = False
    background: dict[str, Array] | None = None

    def run(self, names: list[str], arrays: dict[str, Array]) -> list[Array]:
        """Score arrays by input name; the named outputs, in order.

        Raises:
            RequestError: 422, when onnxruntime fails. A model takes traffic only after its own
                example was scored, so an input of the same form that fails does so for its values.
        """
        try:
            results: list[Array] = self.session.run(names, arrays)
        except _SCORING_ERRORS as error:
            raise RequestError(422, f"the model cannot score these values: {error}") from error
        return results


def _session(graph: bytes) -> Any:
    options = ort.SessionOptions()
    # Parallelism comes from workers; threads that spin would take the event loop's core.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    try:
        return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base
        raise ModelRefusedError(
            Reason.SESSION, f"onnxruntime cannot load the graph: {error}"
        ) from error


def load(name: str, version: str, digest: str, files: Mapping[str, bytes]) -> Model:
    """Make a model from its artifact's files (see `FILES` and `OPTIONAL_FILES`).

    Raises:
        ModelRefusedError: the graph cannot be loaded, or it is not what the signature says, or an
            optional file that is there cannot be read.
    """
    declared = signature.decode(files[SIGNATURE])
    if REFERENCE in files:
        reference.decode(files[REFERENCE])
    session = _session(files[GRAPH])
    signature.check("inputs", declared.inputs, session.get_inputs())
    signature.check("outputs", declared.outputs, session.get_outputs())
    readers = {
        spec.name: TensorReader(spec.name, BY_NAME[spec.datatype], spec.shape)
        for spec in declared.inputs
    }
    rows = background.decode(files[BACKGROUND], readers) if BACKGROUND in files else None
    outputs = {spec.name: BY_NAME[spec.datatype] for spec in declared.outputs}
    return Model(
        name,
        version,
        digest,
        declared,
        session,
        readers,
        outputs,
        list(outputs),
        _blocks(readers.values()),
        row_reader(readers.values()),
        background=rows,
    )


def _blocks(readers: Collection[TensorReader]) -> tuple[Block, ...]:
    if any(reader.single is None for reader in readers):
        return ()
    names: dict[tuple[Datatype, tuple[int, ...]], list[str]] = {}
    for reader in readers:
        names.setdefault((reader.datatype, reader.shape[1:]), []).append(reader.name)
    return tuple(Block(tuple(inputs), *form) for form, inputs in names.items())
