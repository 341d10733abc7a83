"""Packages the served graph with what must travel with it."""
