"""The agent: what the server does beside answering, in a process of its own.

It follows the model registry, tries models before the workers see them, and is the only one that
talks to other services. It may be slow or die without a request noticing.
"""
