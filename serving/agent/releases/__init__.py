"""Releases: from the model registry's aliases, fetched and validated, into `state.json`."""
