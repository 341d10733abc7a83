"""The slots, and the split of requests between champion and challenger.

Owns what is in service in one worker, and the choice by routing key. How models get there is the
business of `rollout`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b

from msgspec import Struct

from contracts import slots
from serving.errors import Reason
from serving.models.model import Model

_SPACE = 2.0**64


class Slot(StrEnum):
    """A place that a model may be in; also the closed set of values of a metric's label."""

    CHAMPION = slots.CHAMPION
    CHALLENGER = slots.CHALLENGER
    SHADOW = slots.SHADOW


class Refused(Struct, frozen=True):
    """A version that was released to a slot and not taken into service.

    Attributes:
        version: the model registry's.
        reason: at which step it failed.
        error: what was wrong, in a line.
    """

    version: str
    reason: Reason
    error: str


def bucket(name: str, key: str) -> float:
    """Where a key falls in [0, 1), the same on every worker, machine and day.

    Args:
        name: the model's, so that two models do not split the same users alike.
        key: routing key; any text.
    """
    text = f"{name}/{key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest()) / _SPACE


@dataclass(slots=True)
class Placement:
    """The models that a worker serves right now; each field is replaced by one assignment.

    Attributes:
        champion: the model that answers, if there is one.
        challenger: the model that answers a share of the keys, if there is one.
        weight: share of the keys that the challenger answers, 0 to 1.
        reason: why there is no champion, for the callers.
        shadow: version of the model that is scored beside the champion, "" without one.
        refused: what was released last and not taken into service, by slot.
    """

    champion: Model | None = None
    challenger: Model | None = None
    weight: float = 0.0
    reason: str = "the server is starting; no model has been looked for yet"
    shadow: str = ""
    refused: Mapping[Slot, Refused] = field(default_factory=dict)

    def pick(self, key: str) -> tuple[Slot, Model] | None:
        """The slot and the model that answer for a key; None while there is no champion.

        One key always meets one slot. A growing weight keeps the keys that the challenger had.
        """
        champion, challenger, weight = self.champion, self.challenger, self.weight
        if champion is None:
            return None
        if challenger is None or weight <= 0.0 or bucket(champion.name, key) >= weight:
            return Slot.CHAMPION, champion
        return Slot.CHALLENGER, challenger

    def versions(self) -> list[str]:
        """The versions that answer, the champion's first."""
        models = (self.champion, self.challenger)
        return list(dict.fromkeys(model.version for model in models if model is not None))

    def of_version(self, version: str) -> tuple[Slot, Model] | None:
        """The slot and the model of a version in service, the champion first; else None."""
        for slot, model in ((Slot.CHAMPION, self.champion), (Slot.CHALLENGER, self.challenger)):
            if model is not None and model.version == version:
                return slot, model
        return None
