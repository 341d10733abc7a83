"""Judges probabilities on held-out rows: metrics, slices, curves."""
