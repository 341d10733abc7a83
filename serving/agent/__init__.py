"""The agent: the server's work beside requests, in a process of its own.

It follows the model registry, validates models before the workers see them, and is the only process
that calls other services. It may be slow or die without a request noticing.
"""
