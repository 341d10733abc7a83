"""What a user can mend: errors that are shown as one line, never as a traceback."""

from __future__ import annotations


class SlipwayError(Exception):
    """A problem with its place and remedy in one line."""


class SettingsError(SlipwayError):
    """A setting is unknown or wrong."""


class PortTakenError(SlipwayError):
    """A port that a service needs belongs to somebody else."""


class ToolMissingError(SlipwayError):
    """A tool that the platform needs cannot be had."""


class ServiceFailedError(SlipwayError):
    """A service did not come up."""


class StackLockedError(SlipwayError):
    """Another operation works on the stack."""


class ClusterError(SlipwayError):
    """A cluster cannot be reached, or does not allow what is needed."""
