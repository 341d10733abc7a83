"""Decides whether a model may serve."""
