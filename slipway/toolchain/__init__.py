"""The programs that the platform stands on: found, fetched or built, in this order.

PATH in an accepted version; the project's cache `.slipway/tools`; the official release,
checked against the checksums it publishes and those we pinned; the Go module, built with
the local Go. Versions are `infra.versions`. Running the tools is not done here.
"""

from infra.errors import ToolMissingError
from slipway.toolchain.catalogue import (
    ALL,
    FOR_CLUSTERS,
    FOR_KIND,
    FOR_TESTS,
    OPTIONAL,
    REQUIRED,
    TOOLS,
)
from slipway.toolchain.host import Host
from slipway.toolchain.provide import ensure, lock, resolve
from slipway.toolchain.resolution import ChecksumError, Progress, Resolution

__all__ = [
    "ALL",
    "FOR_CLUSTERS",
    "FOR_KIND",
    "FOR_TESTS",
    "OPTIONAL",
    "REQUIRED",
    "TOOLS",
    "ChecksumError",
    "Host",
    "Progress",
    "Resolution",
    "ToolMissingError",
    "ensure",
    "lock",
    "resolve",
]
