"""The one error by which a use case or a step refuses to go on.

Owns how a refusal reads. It does not own what is refused: each room raises it for its own rules.
"""

MEND = " [to mend: "


class StepError(Exception):
    """A refusal a person can act on: what was found where, and how to mend it.

    Its text is one line, so that a runner that sees only a step's output (a local subprocess, a
    pod) can show the last line and lose nothing.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        """Keep both halves; line breaks in either would break the one-line promise."""
        self.cause = " ".join(cause.split())
        self.remedy = " ".join(remedy.split())
        super().__init__(f"{self.cause}{MEND}{self.remedy}]")
