"""Kubeflow pipelines, one graph a file."""

from typing import Final

PIPELINES: Final = ("training",)
"""Those there are, by the names of their files."""
