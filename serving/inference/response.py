"""An answer to an infer request, before a transport puts it into bytes."""

from dataclasses import dataclass, field
from typing import Any

from serving.explanation.explain import ExplainedOutput, parameters_of
from serving.models.model import Model
from serving.models.slots import Slot
from serving.protocol.datatypes import BY_NAME, Datatype
from serving.protocol.tensors import Array


@dataclass(slots=True, eq=False)
class Output:
    """One output of an answer.

    Attributes:
        name: the output's name.
        datatype: its datatype.
        array: its elements, in the answer's shape.
        parameters: those of the caller's requested output, or the answer's own.
    """

    name: str
    datatype: Datatype
    array: Array
    parameters: dict[str, Any] = field(default_factory=dict)
    _values: list[Any] | None = None

    @property
    def values(self) -> list[Any]:
        """The elements as a flat list of Python values."""
        if self._values is None:
            self._values = self.array.ravel().tolist()
        return self._values


@dataclass(slots=True, eq=False)
class Inference:
    """An answer.

    Attributes:
        model: which model answered.
        slot: in which slot.
        id: the request's, or one made for it.
        rows: rows that were scored.
        outputs: in the order asked for.
        parameters: what else there is to say of it.
        explained: the outputs' explanations, where they were asked for; their tensors are among
            `outputs`.
    """

    model: Model
    slot: Slot
    id: str
    rows: int
    outputs: list[Output]
    parameters: dict[str, Any] = field(default_factory=dict)
    explained: list[ExplainedOutput] = field(default_factory=list)

    def with_(self, explained: list[ExplainedOutput]) -> "Inference":
        """The same answer, with what explains its outputs."""
        if explained:
            self.explained = explained
            self.parameters |= parameters_of(explained)
            tensors = [tensor for each in explained for tensor in each.tensors()]
            self.outputs += [Output(name, BY_NAME["FP64"], array) for name, array in tensors]
        return self

    def said_of(self, output: Output) -> dict[str, Any]:
        """The answer's own parameters of an output; those that a caller asked with stay theirs."""
        return {} if output.name in self.model.outputs else output.parameters
