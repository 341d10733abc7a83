"""Images: what ours is built from, and which reference a cluster is given for each."""
