"""Lands a use case's source tables in the lake."""
