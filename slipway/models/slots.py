"""The slots of a stack's model: what is released to each, how traffic is split, who changes it.

All of it stands in the model registry, as aliases and one tag; the model server follows. Nothing
is restarted, and Pulumi knows nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from contracts.slots import CHALLENGER, CHAMPION, SHADOW, WEIGHT_TAG
from infra.errors import SettingsError, SlipwayError
from slipway.exits import NotUpError

if TYPE_CHECKING:
    from components.tracking import RegisteredModel, Tracking
    from infra.settings.serving import Serving
    from slipway.stack.running import Running

NONE: Final = "none"


@dataclass(frozen=True)
class Slot:
    """A slot: the version released to it, empty without one; its share of requests, 0 to 1.

    `served` is whether the model server answers with that very version; None of the shadow, with
    which nobody is answered.
    """

    name: str
    alias: str
    version: str
    share: float
    served: bool | None


@dataclass(frozen=True)
class Slots:
    """The registry's word on one served model, as it stands now."""

    running: Running
    serving: Serving

    def list(self) -> list[Slot]:
        """Every slot of the model.

        Raises:
            NotUpError: no version of the model was ever registered.
        """
        with self.running.tracking() as tracking:
            model = self._model(tracking)
        names = self.serving.slots.model_dump()
        versions = {slot: model.aliases.get(alias, "") for slot, alias in names.items()}
        weight = _read(model.tags.get(WEIGHT_TAG, "0")) if versions[CHALLENGER] else 0.0
        shares = {CHAMPION: 1 - weight, CHALLENGER: weight, SHADOW: 0.0}
        served = self._served()
        return [
            Slot(
                slot,
                alias,
                versions[slot],
                shares[slot],
                None if slot == SHADOW else versions[slot] in served,
            )
            for slot, alias in names.items()
        ]

    def set_weight(self, weight: float) -> None:
        """Give the challenger its share of routing keys, 0 to 1.

        Raises:
            SlipwayError: there is no such model, or MLflow refuses.
        """
        with self.running.tracking() as tracking:
            self._model(tracking)
            tracking.set_model_tag(self.serving.model, WEIGHT_TAG, f"{weight:g}")

    def release(self, version: str, slot: str) -> str:
        """Point a slot at a version, or at none; the version that it had, empty without one.

        Raises:
            SettingsError: there is no such slot or version, or the champion would be none.
        """
        names = self.serving.slots.model_dump()
        if slot not in names:
            raise SettingsError(f"--slot {slot}: there are {', '.join(names)}")
        [before] = [each.version for each in self.list() if each.name == slot]
        if version == NONE and slot == CHAMPION:
            raise SettingsError("the champion cannot be none: name another version")
        model, alias = self.serving.model, names[slot]
        with self.running.tracking() as tracking:
            if version == NONE:
                if before:
                    tracking.delete_alias(model, alias)
            elif tracking.version(model, version):
                tracking.set_alias(model, alias, version)
            else:
                raise SettingsError(f"{model} has no version {version}: see MLflow's page")
        return before

    def _model(self, tracking: Tracking) -> RegisteredModel:
        found = tracking.registered(self.serving.model)
        if found is None:
            raise NotUpError(
                f"no model {self.serving.model} is registered: run `slipway run training`"
            )
        return found

    def _served(self) -> frozenset[str]:
        answer = self.running.ask("serving", f"/v2/models/{self.serving.model}")
        return frozenset(answer.json()["versions"]) if answer.is_success else frozenset()


def weight(text: str) -> float:
    """A challenger's share as a person writes it.

    Raises:
        SettingsError: it is no number from 0 to 1.
    """
    try:
        return _read(text)
    except SlipwayError:
        raise SettingsError(
            f"--challenger {text}: should be a number from 0 to 1, as 0.1 for one key in ten"
        ) from None


def _read(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise SlipwayError(f"the tag {WEIGHT_TAG} is {text!r}: set it by `slipway traffic`")
    return found
