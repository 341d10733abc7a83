"""Settings of a stack: a file a subject."""
