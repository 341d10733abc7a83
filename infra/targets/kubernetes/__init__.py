"""The Kubernetes target: each service as plain, hardened objects, then as Pulumi resources.

`objects` is the table of contents. Every module but `target` is pure: services in, plain
data out, in the form that the API server itself takes.
"""
