"""The one error by which a use case or a step refuses to go on.

It does not own what is refused: each room raises it for its own rules.
"""

from contracts.steps import Refusal


class StepError(Exception):
    """A refusal a person can act on: what was found where, and how to mend it."""

    def __init__(self, cause: str, remedy: str) -> None:
        """Keep both halves, each in one line, and say them as a runner reads them."""
        refusal = Refusal.of(cause, remedy)
        self.cause, self.remedy = refusal
        super().__init__(str(refusal))
