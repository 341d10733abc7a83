"""Splits observations by date."""
