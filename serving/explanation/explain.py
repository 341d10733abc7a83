"""Explains predictions: how much each feature of a row moved an output, against background rows.

Owns which models, outputs and requests can be explained, and the form of explanations. The
contributions are Shapley values of the served graph itself (see `shapley`); no second model takes
part.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from serving.config import Explanations
from serving.explanation.shapley import Columns, orders, shapley
from serving.models.model import Model
from serving.protocol.tensors import ANY, Array, unprocessable

PARAMETER = "explain"
"""A request's parameter: true for an explanation of its rows."""

_CONTRIBUTIONS = ".contributions"
_BASE_VALUE = ".base_value"
_MATRIX = 2
_MAX_VALUES = 16
_NUMBERS = "fiu"


@dataclass(frozen=True, slots=True, eq=False)
class ExplainedOutput:
    """One output of a request, explained.

    Attributes:
        name: the output's.
        features: the columns of `contributions`.
        base_value: the model's mean output for the background rows: FP64 [rows], or
            [rows, values] where the output has several values a row.
        contributions: by how much each feature moved the output from there: FP64 [rows, features],
            or [rows, values, features]; with `base_value` they add up to the output.
    """

    name: str
    features: tuple[str, ...]
    base_value: Array
    contributions: Array

    def tensors(self) -> list[tuple[str, Array]]:
        """The explanation as further outputs of the response, of FP64."""
        return [
            (self.name + _CONTRIBUTIONS, self.contributions),
            (self.name + _BASE_VALUE, self.base_value),
        ]

    def rows(self) -> list[dict[str, Any]]:
        """The same for a response in rows: contributions by feature."""
        return [
            {
                self.name + _CONTRIBUTIONS: dict(zip(self.features, values, strict=True)),
                self.name + _BASE_VALUE: base,
            }
            for values, base in zip(
                self.contributions.swapaxes(-1, 1).tolist(), self.base_value.tolist(), strict=True
            )
        ]


def wants_explanation(parameters: dict[str, Any]) -> bool:
    """Whether a request's parameters want an explanation.

    Raises:
        RequestError: 422, where `explain` is not a truth value.
    """
    value = parameters.get(PARAMETER, False)
    if type(value) is not bool:
        raise unprocessable(f"the parameter {PARAMETER!r} is true or false")
    return value


def response_parameters(explained: list[ExplainedOutput]) -> dict[str, str]:
    """Parameters of the response: `features`, the JSON text of the names in order.

    In all forms of the protocol a parameter is a single value, so it can't be a list.
    """
    return {"features": msgspec.json.encode(explained[0].features).decode()}


def explain(
    model: Model,
    arrays: dict[str, Array],
    names: list[str],
    budget: Explanations = Explanations(),  # noqa: B008  # frozen
) -> list[ExplainedOutput]:
    """Explain the named outputs for a request's rows; outputs of texts or truths are left out.

    It takes milliseconds a row and holds no lock: call it beside the event loop. The same row is
    explained alike whatever rows come with it.

    Args:
        model: the model that scored the request.
        arrays: the request's inputs, from the model's readers.
        names: the requested outputs.
        budget: how many rows may be scored.

    Raises:
        RequestError: 422, for a model without background rows or with an input that has no
            columns, where no output is numbers by row, for too many rows, or for scores that are
            not finite.
    """
    rows, background = _columns(model, arrays)
    explained = [name for name in names if _is_explainable(model, name)]
    if not explained:
        raise unprocessable(
            f"nothing to explain: none of the outputs {names} has numbers for each row"
        )
    features = _features(rows, background)
    first = next(iter(background.values()))
    size = len(features) * len(first) * budget.permutations
    _check_cost(len(next(iter(rows.values()))), size, budget)
    walked = orders(len(features), len(first), budget.permutations)
    scorer = _Scorer(model, explained)
    base, contributions = shapley(scorer, rows, background, walked)
    return _split(explained, scorer.widths, features, base, contributions)


def _columns(model: Model, arrays: dict[str, Array]) -> tuple[Columns, Columns]:
    """The request's and the background's rows, each input a matrix of columns."""
    if model.background is None:
        raise unprocessable(
            f"version {model.version} of {model.name!r} cannot be explained: it was packaged "
            "without background.json"
        )
    for name, reader in model.readers.items():
        if reader.shape[:1] != (ANY,) or len(reader.shape) > _MATRIX:
            raise unprocessable(
                f"this model cannot be explained: input {name!r} has the shape "
                f"{list(reader.shape)}, not a column or columns of any number of rows"
            )
    return tuple(  # type: ignore[return-value]  # of two
        {name: inputs[name].reshape(len(inputs[name]), -1) for name in model.readers}
        for inputs in (arrays, model.background)
    )


def _features(rows: Columns, background: Columns) -> tuple[str, ...]:
    """Names of the columns: the input's own where it has one, else `input[0]`, `input[1]`..."""
    names: list[str] = []
    for name, array in rows.items():
        width = array.shape[1]
        if background[name].shape[1] != width:
            raise unprocessable(
                f"input {name!r} has {width} columns, the rows it would be compared with have "
                f"{background[name].shape[1]}"
            )
        names += [name] if width == 1 else [f"{name}[{index}]" for index in range(width)]
    return tuple(names)


def _is_explainable(model: Model, name: str) -> bool:
    [spec] = [spec for spec in model.signature.outputs if spec.name == name]
    return model.outputs[name].numpy.kind in _NUMBERS and spec.shape[:1] == (ANY,)


def _check_cost(rows: int, mixtures: int, budget: Explanations) -> None:
    limit = budget.max_scored // mixtures
    if rows > limit:
        raise unprocessable(
            f"a request has at most {limit} rows of this model explained, this one has {rows}"
        )


class _Scorer:
    """Scores rows with the model, all explained outputs side by side."""

    def __init__(self, model: Model, names: list[str]) -> None:
        self._model = model
        self._names = names
        self.widths: list[int] = []

    def __call__(self, rows: Columns) -> Array:
        shapes = self._model.readers
        count = len(next(iter(rows.values())))
        arrays = {
            name: array if len(shapes[name].shape) == _MATRIX else array[:, 0]
            for name, array in rows.items()
        }
        results = self._model.run(self._names, arrays)
        if any(result.shape[:1] != (count,) for result in results):
            raise unprocessable("this model cannot be explained: it does not answer row by row")
        columns = [result.reshape(count, -1).astype(np.float64) for result in results]
        self.widths = [array.shape[1] for array in columns]
        if max(self.widths) > _MAX_VALUES:
            raise unprocessable(
                f"outputs of at most {_MAX_VALUES} values a row are explained, these have "
                f"{dict(zip(self._names, self.widths, strict=True))}: ask for others"
            )
        scores = np.concatenate(columns, axis=1)
        if not np.isfinite(scores).all():
            raise unprocessable(
                "these rows cannot be explained: the model's output is not a finite number"
            )
        return scores


def _split(
    names: list[str], widths: list[int], features: tuple[str, ...], base: Array, values: Array
) -> list[ExplainedOutput]:
    """Take the side-by-side values [rows, features, values] apart again."""
    explained, start = [], 0
    for name, width in zip(names, widths, strict=True):
        own = slice(start, start + width)
        contributions = values[:, :, own].transpose(0, 2, 1)
        bases = np.tile(base[own], (len(values), 1))
        if width == 1:
            contributions, bases = contributions[:, 0], bases[:, 0]
        explained.append(
            ExplainedOutput(name, features, bases, np.ascontiguousarray(contributions))
        )
        start += width
    return explained
