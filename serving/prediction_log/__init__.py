"""The prediction log on this machine: records, the journal that keeps them, feedback."""
