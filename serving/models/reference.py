"""A model's reference: the ranges and categories that its training rows had.

Owns the form of `reference.json` as far as serving reads it, and the question whether a value lies
outside. Its metrics are the business of `agent.drift`.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from contracts.model_package import REFERENCE
from serving.errors import DECODE_ERRORS, ModelRefusedError, Reason

_SLACK = 1e-6
"""Bounds are written with seven digits; a value may be beyond one by the rest."""
_WHOLE = 1 - 1e-3
"""Shares are rounded; below this sum the list of categories was cut."""

Share = Annotated[float, Meta(ge=0, le=1)]


class Numeric(Struct, frozen=True, tag="numeric", tag_field="kind"):
    """A feature of numbers.

    Attributes:
        missing: share of rows without a value.
        quantiles: evenly spaced and ascending, the first the least value, the last the greatest;
            none where all rows lacked one.
    """

    missing: Share
    quantiles: tuple[float, ...]

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest value that is inside; nothing is outside where none was known."""
        if not self.quantiles:
            return float("-inf"), float("inf")
        low, high = self.quantiles[0], self.quantiles[-1]
        return low - _SLACK * abs(low), high + _SLACK * abs(high)


class Category(Struct, frozen=True, tag="category", tag_field="kind"):
    """A feature of texts.

    Attributes:
        missing: share of rows without a value.
        shares: share of rows by text, the most frequent ones.
    """

    missing: Share
    shares: dict[str, Share]

    def unknown(self, values: Iterable[str]) -> set[str]:
        """Those of the texts that training had none of.

        Empty where rare texts were cut from the list: new ones look like them.
        """
        if sum(self.shares.values()) + self.missing < _WHOLE:
            return set()
        return set(values) - self.shares.keys()


class Reference(Struct, frozen=True):
    """The training rows' distributions, by feature."""

    features: dict[str, Numeric | Category]


_DECODER = msgspec.json.Decoder(Reference)


def decode(data: bytes) -> Reference:
    """Parse `reference.json`.

    Raises:
        ModelRefusedError: not JSON, not of the form above, or quantiles that do not ascend.
    """
    try:
        reference = _DECODER.decode(data)
    except DECODE_ERRORS as error:
        raise _refuse(str(error)) from error
    for name, feature in reference.features.items():
        if isinstance(feature, Numeric) and list(feature.quantiles) != sorted(feature.quantiles):
            raise _refuse(f"the quantiles of {name!r} do not ascend")
    return reference


def _refuse(message: str) -> ModelRefusedError:
    return ModelRefusedError(Reason.REFERENCE, f"{REFERENCE}: {message}")
