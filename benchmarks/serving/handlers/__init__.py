"""What each contestant runs: our own handlers, in the peer's own way, in its own environment."""
