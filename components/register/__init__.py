"""Makes a packaged model a version in the model registry."""
