"""What docs/benchmarks.md is made with: measured here and now, never in tests."""
