"""Rollout in one worker: the shared state file, the blob cache, loading and swapping models."""
