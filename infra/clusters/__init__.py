"""Where Kubernetes comes from: each kind of cluster ends in the same small `Cluster`."""
