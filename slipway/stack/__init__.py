"""Pulumi stacks: workspace, outputs of a running one, locks, salt, plugins, recovery."""
