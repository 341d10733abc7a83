"""Pipeline runs: started here or on a cluster, their steps followed, their logs read."""
