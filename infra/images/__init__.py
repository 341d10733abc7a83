"""Images: what ours is built from, and the reference that a cluster pulls for each."""
