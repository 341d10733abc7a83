"""What a pipeline step is to whoever runs it: account, image, environment, and its last word.

A runner sees of a step only what it printed: a local subprocess, or a pod. So an error carries its
remedy in its one line of text.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

ACCOUNT: Final = "pipeline-runner"
"""The Kubernetes account that steps run as."""

ENVIRONMENT: Final = "pipeline-environment"
SECRETS: Final = "pipeline-secrets"
"""The ConfigMap and the Secret of a step's namespace that its environment comes from."""

IMAGE: Final = "slipway/components"
"""What stands for the steps' image in a compiled pipeline; a deployment puts its own there."""

_TEXT: Final = re.compile(r"(?P<cause>.*) \[to mend: (?P<remedy>.*)\]", re.DOTALL)


class Refusal(NamedTuple):
    """Why a step ended, and what a person can do about it."""

    cause: str
    remedy: str

    @classmethod
    def of(cls, cause: str, remedy: str) -> Refusal:
        """One of one line, whatever the halves hold."""
        return cls(" ".join(cause.split()), " ".join(remedy.split()))

    def __str__(self) -> str:
        """The line that `parse` reads."""
        return f"{self.cause} [to mend: {self.remedy}]"

    @classmethod
    def parse(cls, text: str) -> Refusal | None:
        """Read such a line; None of any other text."""
        match = _TEXT.fullmatch(text.strip())
        return cls(match["cause"], match["remedy"]) if match else None
