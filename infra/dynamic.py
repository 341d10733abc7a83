"""What every dynamic provider of ours is: a shell, whose methods import the code that acts.

Pulumi stores a dynamic provider in the state. A shell holds no code, so an edit of what it does is
not a change of any resource.
"""

from __future__ import annotations

from typing import Final

from pulumi.dynamic import ReadResult, ResourceProvider

GONE: Final = ReadResult("", {})
"""What `read` returns of a resource that is not there any more."""


class Shell(ResourceProvider):
    """A provider without code of its own."""

    # Its code is no secret, so it need not look it.
    serialize_as_secret_always = False
