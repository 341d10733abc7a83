"""Checks landed tables and joins them to observations."""
