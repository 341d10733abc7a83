"""A model on its way into service: what is counted of it is also said, alike by every process.

Owns the two events. What led to them is the business of `agent.follower`, `loader` and
`agent.shadow_model`.
"""

from serving import logs
from serving.errors import Reason
from serving.metrics.models import Refusals, Shown
from serving.models.model import Model
from serving.models.slots import Slot


def refused(  # what there is to say
    refusals: Refusals, slot: Slot, *, version: str, reason: Reason, error: object, **more: object
) -> None:
    """Count and log a model that was not taken into service."""
    refusals.refused(slot, reason)
    logs.warning(
        "model_refused",
        model=refusals.model,
        slot=slot,
        version=version,
        reason=reason,
        error=error,
        **more,
    )


def loaded(shown: Shown, slot: Slot, model: Model, seconds: float) -> None:
    """Show and log the model that is in a slot from now on, and what loading it took."""
    shown.serves(slot, model, seconds)
    logs.info(
        "model_loaded",
        model=model.name,
        slot=slot,
        version=model.version,
        digest=model.digest,
        seconds=round(seconds, 4),
    )
