"""The kind provider: plan, command line, host checks and Pulumi resource."""
