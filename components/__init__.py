"""Reusable steps: pure logic in `logic.py`, the thin kfp wrapper in `component.py`."""
