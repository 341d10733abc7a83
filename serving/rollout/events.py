"""Events of a model on its way into service: counted and logged alike by every process.

Owns the two events. What leads to them is the business of `agent.releases`, `loader` and
`agent.shadow`.
"""

from serving import logs
from serving.errors import Reason
from serving.metrics.models import RefusalMetrics, SlotMetrics
from serving.models.model import Model
from serving.models.slots import Slot


def refused(
    refusals: RefusalMetrics,
    slot: Slot,
    *,
    version: str,
    reason: Reason,
    error: object,
    **more: object,
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


def loaded(metrics: SlotMetrics, slot: Slot, model: Model, seconds: float) -> None:
    """Show and log the model that is in a slot from now on, and what loading it took."""
    metrics.loaded(slot, model, seconds)
    logs.info(
        "model_loaded",
        model=model.name,
        slot=slot,
        version=model.version,
        digest=model.digest,
        seconds=round(seconds, 4),
    )
