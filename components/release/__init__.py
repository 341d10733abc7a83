"""Makes a registered version the one that serves."""
