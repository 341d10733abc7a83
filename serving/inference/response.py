"""The response to an infer request, before a transport encodes it."""

from dataclasses import dataclass, field
from typing import Any

from serving.explanation.explain import ExplainedOutput, response_parameters
from serving.models.model import Model
from serving.models.slots import Slot
from serving.protocol.datatypes import BY_NAME, Datatype
from serving.protocol.tensors import Array


@dataclass(slots=True, eq=False)
class Output:
    """One output of a response.

    Attributes:
        name: the output's name.
        datatype: its datatype.
        array: its elements, in the response's shape.
        parameters: those of the caller's requested output, or the response's own.
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
class InferResponse:
    """A response.

    Attributes:
        model: the model that answered.
        slot: its slot.
        id: the request's, or a generated one.
        rows: rows that were scored.
        outputs: in the requested order.
        parameters: the response's own.
        explanations: the outputs' explanations, where the request wants them; their tensors are
            among `outputs`.
    """

    model: Model
    slot: Slot
    id: str
    rows: int
    outputs: list[Output]
    parameters: dict[str, Any] = field(default_factory=dict)
    explanations: list[ExplainedOutput] = field(default_factory=list)

    def with_explanations(self, explanations: list[ExplainedOutput]) -> "InferResponse":
        """The same response, with the explanations of its outputs."""
        if explanations:
            self.explanations = explanations
            self.parameters |= response_parameters(explanations)
            tensors = [tensor for output in explanations for tensor in output.tensors()]
            self.outputs += [Output(name, BY_NAME["FP64"], array) for name, array in tensors]
        return self

    def parameters_of(self, output: Output) -> dict[str, Any]:
        """The response's own parameters of an output; a requested output's are not sent back."""
        return {} if output.name in self.model.outputs else output.parameters
