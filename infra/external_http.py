"""Requests to what is not the platform's: by the proxy and authorities that a machine has.

What is the platform's own is asked directly: a client for it says `trust_env=False`.
"""

from __future__ import annotations

import os
from typing import Any, Final

import httpx

from infra.errors import SlipwayError

_READ: Final = (
    *("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "https_proxy", "http_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
)


def client(**options: Any) -> httpx.Client:
    """A client that goes by the environment's proxy and certificates; to be closed.

    Raises:
        SlipwayError: it cannot go by them; names what is set.
    """
    try:
        return httpx.Client(**options, trust_env=True)
    # A proxy of a kind that httpx does not know, or a file that it cannot read.
    except (ImportError, OSError, ValueError) as error:
        variables = ", ".join(name for name in _READ if os.environ.get(name)) or "none"
        raise SlipwayError(
            f"the proxy or the certificates of this shell cannot be used ({error}); of those"
            f" variables it has {variables}: mend or unset what is wrong"
        ) from None
