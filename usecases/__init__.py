"""What a fork replaces: one folder a model."""
